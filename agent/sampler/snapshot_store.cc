#include "agent/sampler/snapshot_store.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "agent/sampler/target_monitor.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

constexpr std::chrono::seconds kLongestWait(3);

model::TimeRange monotonic(const api::UnixRange& range) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_unix_ns =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  const std::uint64_t now_ns = process::monotonic_ns();
  const auto convert = [&](std::uint64_t unix_ns) {
    if (unix_ns > now_unix_ns) return ~std::uint64_t{0} - model::kClockSlackNs;
    const std::uint64_t earlier_ns = now_unix_ns - unix_ns;
    return earlier_ns < now_ns ? now_ns - earlier_ns : 0;
  };
  return {convert(range.from_ns), convert(range.to_ns) + model::kClockSlackNs};
}

}  // namespace

void SnapshotStore::publish(model::Snapshot snapshot) {
  auto shared = std::make_shared<const model::Snapshot>(std::move(snapshot));
  const std::lock_guard lock(mutex_);
  snapshots_.push_back(std::move(shared));
  while (snapshots_.size() > std::max<std::size_t>(capacity_, 1)) snapshots_.pop_front();
}

void SnapshotStore::set_ready() {
  const std::lock_guard lock(mutex_);
  ready_ = true;
}

void SnapshotStore::set_reload(bool successful, double time_unix_seconds) {
  const std::lock_guard lock(mutex_);
  reload_.successful = successful;
  if (successful) reload_.time_unix_seconds = time_unix_seconds;
}

std::shared_ptr<const model::Snapshot> SnapshotStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshots_.empty() ? nullptr : snapshots_.back();
}

Result<std::shared_ptr<const model::Snapshot>, api::RangeRefusal> SnapshotStore::snapshot_of(
    const api::UnixRange& range) const {
  const auto question = std::make_shared<Question>();
  question->range = monotonic(range);
  std::unique_lock lock(mutex_);
  questions_.push_back(question);
  answered_.wait_for(lock, kLongestWait, [&] { return question->is_answered || !answers_; });
  if (!question->is_answered) {
    std::erase(questions_, question);
    return Failure{api::RangeRefusal{503, "the agent is busy measuring; ask again"}};
  }
  if (question->answer) return question->answer;
  return Failure{
      api::RangeRefusal{404, "nothing is known of that time: the agent keeps what it measured in at least the last " +
                                 std::to_string(TargetMonitor::kKeepNs / 1'000'000'000) +
                                 " s, and has something to say every two seconds"}};
}

void SnapshotStore::answer_range(const Estimate& estimate) {
  std::shared_ptr<Question> question;
  {
    const std::lock_guard lock(mutex_);
    if (questions_.empty()) return;
    question = questions_.front();
    questions_.pop_front();
  }
  auto snapshot = estimate(question->range);
  const std::lock_guard lock(mutex_);
  if (snapshot) question->answer = std::make_shared<const model::Snapshot>(*std::move(snapshot));
  question->is_answered = true;
  answered_.notify_all();
}

void SnapshotStore::stop_answering() {
  tail_.stop_answering();
  const std::lock_guard lock(mutex_);
  answers_ = false;
  answered_.notify_all();
}

std::vector<std::shared_ptr<const model::Snapshot>> SnapshotStore::history(std::uint64_t after,
                                                                           std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::upper_bound(snapshots_.begin(), snapshots_.end(), after,
                       [](std::uint64_t sequence, const auto& each) { return sequence < each->agent.sequence; });
  const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(snapshots_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool SnapshotStore::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

api::SnapshotSource::Reload SnapshotStore::last_reload() const {
  const std::lock_guard lock(mutex_);
  return reload_;
}

}  // namespace poolscope::sampler

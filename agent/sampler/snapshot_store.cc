#include "agent/sampler/snapshot_store.h"

#include <algorithm>
#include <chrono>
#include <iterator>
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

std::size_t buckets_of(const std::optional<model::SizeSummary>& sizes) {
  return sizes ? sizes->buckets.size() : 0;
}

// Roughly: what is large in it, with texts that are as long as they usually are.
std::size_t bytes_of(const model::Snapshot& snapshot) {
  constexpr std::size_t kText = 64, kBucket = 16;
  std::size_t bytes = sizeof(snapshot);
  for (const auto& target : snapshot.targets) {
    bytes += sizeof(target) + kBucket * buckets_of(target.allocations.size_bytes);
    if (target.allocations.lifetime) bytes += kBucket * target.allocations.lifetime->buckets.size();
    bytes += target.processes.size() * (sizeof(model::ProcessInfo) + kText);
    bytes += target.collectors.size() * (sizeof(model::CollectorStatus) + kText);
    bytes += target.growth_chains.size() * (sizeof(model::GrowthChain) + kText);
    for (const auto& site : target.call_sites)
      bytes += sizeof(site) + kText + site.callers.size() * (sizeof(model::Frame) + kText);
    for (const auto& pool : target.pools) {
      const std::size_t buckets = buckets_of(pool.needed_bytes) + buckets_of(pool.buffer_bytes) +
                                  (pool.published ? buckets_of(pool.published->idle_depth) : 0);
      bytes += sizeof(pool) + kText + kBucket * (buckets + pool.miss_curve.size()) +
               pool.miss_curve_bracket.size() * sizeof(model::MissBracket);
    }
  }
  return bytes;
}

}  // namespace

void SnapshotStore::publish(model::Snapshot snapshot) {
  const std::size_t bytes = bytes_of(snapshot);
  auto shared = std::make_shared<const model::Snapshot>(std::move(snapshot));
  const std::lock_guard lock(mutex_);
  snapshots_.push_back({std::move(shared), bytes});
  kept_bytes_ += bytes;
  while (snapshots_.size() > 1 && (snapshots_.size() > capacity_ || kept_bytes_ > kMaxHistoryBytes)) {
    kept_bytes_ -= snapshots_.front().bytes;
    snapshots_.pop_front();
  }
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
  return snapshots_.empty() ? nullptr : snapshots_.back().snapshot;
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
  const auto first = std::upper_bound(
      snapshots_.begin(), snapshots_.end(), after,
      [](std::uint64_t sequence, const Kept& each) { return sequence < each.snapshot->agent.sequence; });
  const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(snapshots_.end() - first));
  std::vector<std::shared_ptr<const model::Snapshot>> found;
  std::transform(first, first + static_cast<std::ptrdiff_t>(count), std::back_inserter(found),
                 [](const Kept& each) { return each.snapshot; });
  return found;
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

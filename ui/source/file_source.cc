#include "ui/source/file_source.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "agent/advice/adviser.h"
#include "agent/advice/measure_prices.h"
#include "exporters/model/json.h"
#include "exporters/model/json_limits.h"

namespace poolscope::viewer {
namespace {

// Of a snapshot in memory, for each pool, call site and target; a bound of History needs no more.
std::size_t size_of(const model::Snapshot& snapshot) {
  std::size_t parts = 1;
  for (const auto& target : snapshot.targets) parts += 4 + target.pools.size() + target.call_sites.size();
  return parts * 1024;
}

Result<std::string, std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure{path + ": cannot be opened"};
  std::string text(model::kMaxJsonBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > model::kMaxJsonBytes) return Failure{path + ": larger than a report can be"};
  return text;
}

void complete(model::Snapshot& snapshot) {
  const bool has_advice =
      std::ranges::any_of(snapshot.targets, [](const auto& target) { return !target.advice.empty(); });
  if (has_advice) return;
  if (!snapshot.agent.prices) snapshot.agent.prices = advice::measure_prices();
  advice::advise_once(snapshot, *snapshot.agent.prices);
}

}  // namespace

FileSource::FileSource(SourceOptions options, Wake wake)
    : options_(std::move(options)), mailbox_(std::move(wake)), thread_([this] { run(); }) {}

FileSource::~FileSource() {
  mailbox_.stop();
  thread_.join();
}

void FileSource::fail(std::string problem) {
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kLost, std::move(problem), ""};
  mailbox_.deliver(std::move(delivery));
}

void FileSource::resize_pool(const std::string& pool, std::uint64_t) {
  Delivery delivery;
  delivery.change = ChangeAnswer{pool + ": a recording cannot be changed", false};
  mailbox_.deliver(std::move(delivery));
}

void FileSource::run() {
  const bool is_report = !client::is_folder(options_.address) && !recording::is_recording(options_.address);
  is_report ? read_report() : read_recordings();
}

void FileSource::read_report() {
  const auto text = read_file(options_.address);
  if (!text) return fail(text.error());
  auto read = model::snapshot_from_json(*text);
  if (!read) return fail(options_.address + " is neither a recording nor a report: " + model::describe(read.error()));
  complete(*read);
  const auto snapshot = std::make_shared<const model::Snapshot>(std::move(*read));
  const std::uint64_t end_ns = snapshot->time_unix_ns;
  const TimeRange whole{end_ns - std::min(end_ns, TimeAxis::kMinLengthNs), end_ns};
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kRead, "", "a report of one moment"};
  delivery.latest = snapshot;
  delivery.whole = whole;
  delivery.steps.push_back({whole, snapshot, text->size()});
  mailbox_.deliver(std::move(delivery));
  // Whatever range is asked for: this is all there is.
  while (!mailbox_.is_stopped()) {
    if (const auto range = mailbox_.next_question()) {
      Delivery answer;
      answer.range = RangeAnswer{*range, snapshot, ""};
      mailbox_.deliver(std::move(answer));
    }
    mailbox_.wait_for_work(std::chrono::steady_clock::now() + std::chrono::hours(1));
  }
}

void FileSource::read_recordings() {
  std::vector<std::string> paths = {options_.address};
  if (client::is_folder(options_.address)) {
    auto found = client::recordings_in(options_.address);
    if (!found) return fail(found.error());
    paths = std::move(*found);
  }
  auto recordings = client::Recordings::open(paths);
  if (!recordings) return fail(recordings.error());
  const auto [from_ns, to_ns] = recordings->whole();
  const TimeRange whole{from_ns, to_ns};
  std::string problem;
  Delivery delivery;
  delivery.latest = estimate(*recordings, whole, problem);
  if (mailbox_.is_stopped()) return;
  delivery.whole = whole;
  delivery.connection = Connection{ConnectionState::kReading, problem, "reading the time line"};
  mailbox_.deliver(std::move(delivery));
  read_steps(*recordings);
  Delivery end;
  std::string remark;
  for (const auto& one : recordings->remarks()) remark += (remark.empty() ? "" : "; ") + one;
  end.connection = Connection{ConnectionState::kRead, problem, remark};
  mailbox_.deliver(std::move(end));
  while (!mailbox_.is_stopped()) {
    answer_questions(*recordings);
    mailbox_.wait_for_work(std::chrono::steady_clock::now() + std::chrono::hours(1));
  }
}

void FileSource::read_steps(client::Recordings& recordings) {
  const auto [from_ns, to_ns] = recordings.whole();
  const std::uint64_t step_ns = std::max((to_ns - from_ns) / kMaxSteps, kLeastStepNs);
  const std::uint64_t window_ns = std::max(step_ns, kLeastWindowNs);
  for (std::uint64_t end_ns = from_ns + step_ns; end_ns <= to_ns && !mailbox_.is_stopped(); end_ns += step_ns) {
    answer_questions(recordings);
    const TimeRange window{std::max(from_ns, end_ns - std::min(window_ns, end_ns)), end_ns};
    auto snapshot = recordings.estimate({window.from_ns, window.to_ns}, [this] { return !mailbox_.is_stopped(); });
    if (!snapshot || !*snapshot) continue;
    Delivery delivery;
    auto shared = std::make_shared<const model::Snapshot>(**std::move(snapshot));
    const std::size_t bytes = size_of(*shared);
    delivery.steps.push_back({window, std::move(shared), bytes, 0, false});
    mailbox_.deliver(std::move(delivery));
  }
}

SharedSnapshot FileSource::estimate(client::Recordings& recordings, const TimeRange& range, std::string& problem) {
  // The first records began before the first moment.
  const std::uint64_t from_ns = range.from_ns <= recordings.whole().from_ns ? 0 : range.from_ns;
  auto snapshot = recordings.estimate({from_ns, range.to_ns}, [this] { return !mailbox_.is_stopped(); });
  if (!snapshot) {
    problem = snapshot.error();
    return nullptr;
  }
  if (!*snapshot) {
    problem = "the recording has no moment in this range; choose a longer one";
    return nullptr;
  }
  complete(**snapshot);
  return std::make_shared<const model::Snapshot>(**std::move(snapshot));
}

void FileSource::answer_questions(client::Recordings& recordings) {
  const auto range = mailbox_.next_question();
  (void)mailbox_.next_change();
  if (!range) return;
  Delivery delivery;
  delivery.range = RangeAnswer{*range, nullptr, ""};
  delivery.range->snapshot = estimate(recordings, *range, delivery.range->problem);
  if (!mailbox_.is_stopped()) mailbox_.deliver(std::move(delivery));
}

}  // namespace poolscope::viewer

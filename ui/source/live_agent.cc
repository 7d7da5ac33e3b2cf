#include "ui/source/live_agent.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/client/fetch.h"
#include "exporters/model/json.h"
#include "exporters/model/json_limits.h"

namespace poolscope::viewer {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTransferStep{50};  // how long an end waits for a transfer at most
constexpr std::size_t kPastStepsAtOnce = 5;
constexpr std::uint64_t kHistoryAtOnce = 20;

std::string percent_encoded(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_plain) {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

// {"snapshots": [...]}
std::vector<SharedSnapshot> snapshots_of_history(const std::string& text) {
  std::vector<SharedSnapshot> snapshots;
  if (model::check_json(text)) return snapshots;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto found = json.is_object() ? json.find("snapshots") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_array()) return snapshots;
  for (const auto& each : *found) {
    auto snapshot = model::snapshot_from_json(each.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (snapshot) snapshots.push_back(std::make_shared<const model::Snapshot>(std::move(*snapshot)));
  }
  return snapshots;
}

// What an average over minutes is of.
TimeRange range_of(const model::Snapshot& snapshot) {
  double seconds = 0;
  for (const auto& target : snapshot.targets)
    seconds = std::max(seconds, std::min(target.cost.observed_seconds, 900.0));
  const auto length = static_cast<std::uint64_t>(seconds * kNsPerSecond);
  return {snapshot.time_unix_ns - std::min(length, snapshot.time_unix_ns), snapshot.time_unix_ns};
}

// Of pools that count themselves a range knows no more than was kept of its time, in pieces of ten seconds; the newest snapshot knows all.
void take_counts(model::Snapshot& step, const model::Snapshot& newest) {
  for (model::TargetSnapshot& target : step.targets) {
    const model::TargetSnapshot* now = find_target(newest, target.name);
    if (now == nullptr) continue;
    for (model::PoolSummary& pool : target.pools) {
      const model::PoolSummary* same = find_pool(*now, pool.name);
      if (same == nullptr || !same->published || !pool.published) continue;
      pool.counted = same->counted;
      pool.published = same->published;
      pool.idle = same->idle;
      pool.idle_bytes = same->idle_bytes;
    }
  }
}

}  // namespace

LiveAgent::LiveAgent(SourceOptions options, Wake wake, milliseconds poll_every)
    : options_(std::move(options)), poll_every_(poll_every), mailbox_(std::move(wake)), thread_([this] { run(); }) {}

LiveAgent::~LiveAgent() {
  mailbox_.stop();
  thread_.join();
}

void LiveAgent::run() {
  while (!mailbox_.is_stopped()) {
    const auto began = std::chrono::steady_clock::now();
    poll();
    mailbox_.wait_until_taken();
    answer_questions();
    const milliseconds pause =
        failures_ == 0 ? poll_every_ : std::min(1000 * milliseconds(failures_), milliseconds(5000));
    while (!mailbox_.is_stopped() && std::chrono::steady_clock::now() < began + pause) {
      mailbox_.wait_for_work(began + pause);
      answer_questions();
    }
  }
}

LiveAgent::Page LiveAgent::fetch(const std::string& page, const std::optional<std::string>& body) {
  client::HttpCall call({client::page_url(options_.address, page), body, body ? options_.token : ""});
  while (!mailbox_.is_stopped()) {
    if (auto answer = call.step(kTransferStep)) return std::move(*answer);
  }
  return Failure{std::string("ended")};
}

Result<LiveAgent::Fetched, std::string> LiveAgent::fetch_snapshot(const std::optional<TimeRange>& range) {
  std::string page = "api/v1/snapshot";
  if (range)
    page += "?from=" + client::seconds_parameter(range->from_ns) + "&to=" + client::seconds_parameter(range->to_ns);
  const auto text = fetch(page);
  if (!text) return Failure{text.error()};
  auto snapshot = model::snapshot_from_json(*text);
  if (!snapshot) {
    return Failure{"what answers at " + options_.address +
                   " is no agent that this viewer understands: " + model::describe(snapshot.error())};
  }
  return Fetched{std::make_shared<const model::Snapshot>(std::move(*snapshot)), text->size()};
}

void LiveAgent::fail(std::string problem) {
  ++failures_;
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kLost, std::move(problem), ""};
  mailbox_.deliver(std::move(delivery));
}

void LiveAgent::poll() {
  auto newest = fetch_snapshot(std::nullopt);
  if (mailbox_.is_stopped()) return;
  if (!newest) return fail(newest.error());
  failures_ = 0;
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kLive, "", ""};
  delivery.latest = newest->snapshot;
  note_gap(*newest->snapshot);
  if (newest->snapshot->time_unix_ns != last_unix_ns_) {
    const std::uint64_t now_ns = newest->snapshot->time_unix_ns;
    const TimeRange range{now_ns - std::min(kStepNs, now_ns), now_ns};
    auto fetched = fetch_snapshot(range);
    if (fetched) {
      model::Snapshot step = *fetched->snapshot;
      take_counts(step, *newest->snapshot);
      delivery.steps.push_back({range, std::make_shared<const model::Snapshot>(std::move(step)), fetched->bytes});
    } else {
      // The agent has only just begun: all it has is newer than that.
      delivery.steps.push_back({range_of(*newest->snapshot), newest->snapshot, newest->bytes});
    }
    last_unix_ns_ = now_ns;
  }
  mailbox_.deliver(std::move(delivery));
  Delivery past;
  fetch_history(past);
  fetch_past(past);
  if (!past.steps.empty()) mailbox_.deliver(std::move(past));
}

// What is missing between what was seen last and now is wanted.
void LiveAgent::note_gap(const model::Snapshot& newest) {
  const bool is_same_run = newest.agent.boot_id == boot_id_;
  const std::uint64_t now_ns = newest.time_unix_ns;
  const std::uint64_t kept_from_ns = now_ns - std::min(now_ns, kAgentKeepsNs);
  std::uint64_t from_ns = std::max(last_unix_ns_, kept_from_ns);
  if (now_ns > from_ns + 2 * kPastStepNs) {
    for (std::uint64_t end_ns = from_ns + kPastStepNs; end_ns < now_ns; end_ns += kPastStepNs) past_.insert(end_ns);
    if (is_same_run && last_unix_ns_ < kept_from_ns) history_after_ = last_sequence_;
  }
  boot_id_ = newest.agent.boot_id;
  last_sequence_ = newest.agent.sequence;
}

std::optional<Step> LiveAgent::fetch_step(const TimeRange& range) {
  auto fetched = fetch_snapshot(range);
  if (!fetched) return std::nullopt;
  return Step{range, std::move(fetched->snapshot), fetched->bytes, 0, false};
}

void LiveAgent::fetch_past(Delivery& delivery) {
  for (std::size_t i = 0; i < kPastStepsAtOnce && !past_.empty() && !mailbox_.has_work(); ++i) {
    const std::uint64_t end_ns = *past_.rbegin();
    past_.erase(std::prev(past_.end()));
    auto step = fetch_step({end_ns - std::min(kPastWindowNs, end_ns), end_ns});
    if (step) {
      delivery.steps.push_back(*std::move(step));
    } else {
      past_.clear();  // it goes back no further
    }
  }
}

void LiveAgent::fetch_history(Delivery& delivery) {
  if (!history_after_) return;
  const auto text =
      fetch("api/v1/history?after=" + std::to_string(*history_after_) + "&limit=" + std::to_string(kHistoryAtOnce));
  history_after_.reset();
  if (!text) return;
  const auto snapshots = snapshots_of_history(*text);
  for (const auto& snapshot : snapshots) {
    if (snapshot->time_unix_ns + kAgentKeepsNs > last_unix_ns_) return;  // of that there are steps
    delivery.steps.push_back({range_of(*snapshot), snapshot, text->size() / snapshots.size()});
    history_after_ = snapshot->agent.sequence;
  }
}

void LiveAgent::answer_questions() {
  if (const auto change = mailbox_.next_change()) change_pool(*change);
  const auto range = mailbox_.next_question();
  if (!range) return;
  auto fetched = fetch_snapshot(*range);
  if (mailbox_.is_stopped()) return;
  Delivery delivery;
  delivery.range = fetched ? RangeAnswer{*range, std::move(fetched->snapshot), ""}
                           : RangeAnswer{*range, nullptr, std::move(fetched.error())};
  mailbox_.deliver(std::move(delivery));
}

void LiveAgent::change_pool(const PoolChange& change) {
  Delivery delivery;
  const std::string what = change.pool + ": limit " + std::to_string(change.buffers) + " buffers";
  if (options_.token.empty()) {
    delivery.change =
        ChangeAnswer{"changing a pool needs the agent's token: start the viewer with --token-file", false};
  } else {
    const auto answer = fetch("api/v1/pools/" + percent_encoded(change.pool),
                              R"({"limit_buffers": )" + std::to_string(change.buffers) + "}");
    delivery.change = answer ? ChangeAnswer{what + ": done", true} : ChangeAnswer{what + ": " + answer.error(), false};
  }
  mailbox_.deliver(std::move(delivery));
}

}  // namespace poolscope::viewer

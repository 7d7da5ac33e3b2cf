#pragma once
// LiveAgent: an agent over HTTP, asked every two seconds.
//   Asked     for its newest snapshot, and for one of the last kStepNs: what has just happened shows at once in that, and only slowly in five minutes.
//   The past  what the agent still has records of is asked for in such steps, too, newest first, a few at a time. A gap that is older is filled
//             from /api/v1/history, whose snapshots are of minutes.
//   Failure   of whatever kind is told in one sentence, and the agent is asked again: after 1 s, then 2 s, at most 5 s.
//   Started anew   a new boot id: the history goes on, the hole stays a hole.

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "poolscope/result.h"
#include "ui/source/mailbox.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

class LiveAgent final : public Source {
 public:
  static constexpr std::uint64_t kStepNs = 15'000'000'000;
  static constexpr std::uint64_t kPastWindowNs =
      25'000'000'000;  // of the past: holds what is kept in pieces of ten seconds
  static constexpr std::uint64_t kPastStepNs = 10'000'000'000;     // between two steps of the past
  static constexpr std::uint64_t kAgentKeepsNs = 290'000'000'000;  // records, five minutes of them
  static constexpr std::chrono::milliseconds kPollEvery{2000};

  LiveAgent(SourceOptions options, Wake wake, std::chrono::milliseconds poll_every = kPollEvery);
  ~LiveAgent() override;
  LiveAgent(const LiveAgent&) = delete;
  LiveAgent& operator=(const LiveAgent&) = delete;

  [[nodiscard]] Delivery take() override { return mailbox_.take(); }
  void ask_for(const TimeRange& range) override { mailbox_.ask(range); }
  void resize_pool(const std::string& pool, std::uint64_t buffers) override { mailbox_.change({pool, buffers}); }
  [[nodiscard]] bool is_live() const override { return true; }

 private:
  using Page = Result<std::string, std::string>;
  struct Fetched {
    SharedSnapshot snapshot;
    std::size_t bytes = 0;
  };

  void run();
  void poll();
  void answer_questions();
  void fail(std::string problem);
  void note_gap(const model::Snapshot& newest);
  [[nodiscard]] Result<Fetched, std::string> fetch_snapshot(const std::optional<TimeRange>& range);
  [[nodiscard]] std::optional<Step> fetch_step(const TimeRange& range);
  void fetch_past(Delivery& delivery);
  void fetch_history(Delivery& delivery);
  void change_pool(const PoolChange& change);
  [[nodiscard]] Page fetch(const std::string& page, const std::optional<std::string>& body = std::nullopt);

  SourceOptions options_;
  std::chrono::milliseconds poll_every_;
  Mailbox mailbox_;
  // The thread's own.
  std::string boot_id_;
  std::uint64_t last_sequence_ = 0, last_unix_ns_ = 0;
  std::optional<std::uint64_t> history_after_;  // sequence number behind which a gap is filled
  std::set<std::uint64_t> past_;                // ends of steps that are still wanted
  unsigned failures_ = 0;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace poolscope::viewer

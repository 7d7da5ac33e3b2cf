#pragma once
// Replay: a snapshot of any time range, from what was told to it in order: by a recording, or by a live agent that tells again.
//   Range     records that lie in it as a whole are estimated from. Counters that are kept for the life of a target are those of its end,
//             as are processes, collectors and the agent.
//   Memory    the records of the range, and the sums of all before it.
//   Threads   one.

#include <map>
#include <optional>
#include <vector>

#include "agent/estimate/published_pools.h"
#include "exporters/model/target_record.h"

namespace poolscope::estimate {

// The records of one target.
class RecordStore {
 public:
  explicit RecordStore(const model::TimeRange& range) : range_(range) {}
  void take_any(const model::TargetRecord& record);
  [[nodiscard]] model::TargetSnapshot summary() const;

 private:
  void take(const model::BurstRecord& record);
  void take(const model::SliceGrowthRecord& record);
  void take(const model::StratumRecord& record);
  void take(const model::PoolBurstRecord& record);
  void take(const model::PoolWatchRecord& record);
  void take(const model::GcRecord& record);
  void take(const model::PoolPageRecord& record);
  void take(const model::PagesEndRecord& end);
  void take(const model::CarriedTotals& totals);
  void take(const model::TargetStatus& status);
  void take(const model::CpuShareRecord& record);
  [[nodiscard]] bool holds(std::uint64_t start_ns, std::uint64_t end_ns) const;

  model::TimeRange range_;
  model::TargetStatus status_;
  std::vector<model::BurstRecord> bursts_, slice_growth_;
  std::vector<model::StratumRecord> strata_;
  std::vector<model::PoolBurstRecord> pool_bursts_;
  std::vector<model::PoolWatchRecord> pool_watches_;
  std::vector<model::GcRecord> gc_;
  std::vector<model::CpuShareRecord> cpu_shares_;
  std::vector<model::PoolPageRecord> pages_;
  model::GcCounters gc_total_;
  PublishedTotals published_;
};

class Replay final : public model::RecordSink {
 public:
  // An agent watches far fewer; more are not kept.
  static constexpr std::size_t kMaxTargets = 10'000;

  explicit Replay(const model::TimeRange& range) : range_(range) {}
  void take(model::TargetId target, const model::TargetRecord& record) override;
  void take(const model::Moment& moment) override;
  [[nodiscard]] bool wants_state() const override { return true; }

  // As it would have been at the last moment of the range. Nothing when the range has none.
  [[nodiscard]] std::optional<model::Snapshot> snapshot() const;

 private:
  model::TimeRange range_;
  std::map<model::TargetId, RecordStore> targets_;
  std::optional<model::Moment> last_;
};

}  // namespace poolscope::estimate

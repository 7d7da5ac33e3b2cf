#pragma once
// RecordBook: what is kept of one target, but for what its garbage collectors and published pools count (GcMonitor, PageMonitor): the records of
// bursts and strata, and what was said of the target beside them. Everything is told to the sink when it comes.
//   Memory    what lies after the last forget_before(); per burst at most kMaxSites call sites.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/estimate/summarize.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"
#include "exporters/model/target_record.h"

namespace poolscope::sampler {

class RecordBook {
 public:
  static constexpr std::size_t kMaxSites = 128;

  explicit RecordBook(const model::TargetSink& sink) : sink_(sink) {}

  // Call sites beyond the busiest kMaxSites become one.
  void keep(model::BurstRecord record);
  void keep(model::StratumRecord record);
  void keep(model::PoolBurstRecord record);
  void keep(model::PoolWatchRecord record);
  void keep(model::SliceGrowthRecord record);
  void keep(const model::CpuShareRecord& record);
  // What holds from now on; kept when it differs from what held. Returns what holds.
  const model::TargetStatus& keep(model::TargetStatus status);
  void forget_before(std::uint64_t oldest_ns);

  // Oldest first.
  [[nodiscard]] const std::vector<model::BurstRecord>& bursts() const { return bursts_; }
  [[nodiscard]] const std::vector<model::StratumRecord>& strata() const { return strata_; }
  [[nodiscard]] const std::vector<model::PoolBurstRecord>& pool_bursts() const { return pool_bursts_; }
  [[nodiscard]] const std::vector<model::PoolWatchRecord>& pool_watches() const { return pool_watches_; }
  [[nodiscard]] const std::vector<model::BurstRecord>& slice_growth() const { return slice_growth_; }
  [[nodiscard]] const std::vector<model::CpuShareRecord>& cpu_shares() const { return cpu_shares_; }
  // How often anything of it has changed so far.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // The last one; empty before there was one.
  [[nodiscard]] const model::TargetStatus& status() const;
  // All of it, for estimating; valid until the next change. Collections are not among it.
  [[nodiscard]] estimate::TargetRecords records() const;
  void retell(const model::TargetSink& sink) const;

 private:
  model::TargetSink sink_;
  std::vector<model::BurstRecord> bursts_, slice_growth_;
  std::vector<model::StratumRecord> strata_;
  std::vector<model::PoolBurstRecord> pool_bursts_;
  std::vector<model::PoolWatchRecord> pool_watches_;
  std::vector<model::CpuShareRecord> cpu_shares_;
  std::uint64_t changes_ = 0;
  std::vector<model::TargetStatus> statuses_;  // changes; the one that holds now is the last
};

}  // namespace poolscope::sampler

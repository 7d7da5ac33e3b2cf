#include "agent/estimate/cost.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "agent/estimate/exact.h"
#include "agent/estimate/rate.h"

namespace poolscope::estimate {
namespace {

double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

// Sums stay in whole nanoseconds, so that the order of the records does not show in the last digit.
struct BurstSums {
  std::uint64_t charge_ns = 0, window_ns = 0, window_cpu_ns = 0;
};

BurstSums add_bursts(model::Cost& cost, std::span<const model::BurstRecord> records) {
  BurstSums sums;
  for (const auto& record : records) {
    cost.probe_hits += record.probe_hits;
    for (const auto& [reason, events] : record.dropped) cost.dropped[reason] += events;
    const std::array windows = {CountedWindow{.process = record.process, .window = record.allocation_window},
                                CountedWindow{.process = record.process, .window = record.free_window}};
    sums.charge_ns += record.charge_ns;
    sums.window_ns += union_ns(windows);
    sums.window_cpu_ns += std::max(record.allocation_window.cpu_ns, record.free_window.cpu_ns);
  }
  cost.bursts["taken"] += records.size();
  return sums;
}

// CPU time by process, of what looks at all of it at the same time: the one that saw most of a process.
class SharedCpuTime {
 public:
  enum Source : std::size_t { kPools, kSlices, kCollector, kSources };
  void add(const model::ProcessKey& process, Source source, std::uint64_t cpu_ns) { of_[process][source] += cpu_ns; }
  [[nodiscard]] std::uint64_t sum() const {
    std::uint64_t sum_ns = 0;
    for (const auto& [process, by_source] : of_) sum_ns += std::ranges::max(by_source);
    return sum_ns;
  }

 private:
  std::map<model::ProcessKey, std::array<std::uint64_t, kSources>> of_;
};

void add_go_and_pools(model::Cost& cost, BurstSums& sums, const TargetRecords& records) {
  SharedCpuTime shared;
  const auto add = [&](const auto& record, const model::Window& window, SharedCpuTime::Source source) {
    cost.probe_hits += record.probe_hits;
    for (const auto& [reason, events] : record.dropped) cost.dropped[reason] += events;
    sums.charge_ns += record.charge_ns;
    sums.window_ns += window.length_ns;
    shared.add(record.process, source, window.cpu_ns);
  };
  for (const auto& record : records.slice_growth) add(record, record.allocation_window, SharedCpuTime::kSlices);
  for (const auto& record : records.pool_bursts) add(record, record.window, SharedCpuTime::kPools);
  for (const auto& record : records.pool_watches) {
    cost.probe_hits += record.probe_hits;
    sums.charge_ns += record.charge_ns;
  }
  for (const auto& record : records.gc) {
    cost.probe_hits += record.probe_hits;
    shared.add(record.process, SharedCpuTime::kCollector, record.cpu_ns.value_or(0));
    sums.charge_ns += record.charge_ns;
    if (record.dropped_cycles > 0) cost.dropped["gc_cycles"] += record.dropped_cycles;
  }
  for (const auto& record : records.cpu_shares) {
    sums.charge_ns += record.charge_ns;
    if (record.lost > 0) cost.dropped["cpu_samples"] += record.lost;
  }
  sums.window_cpu_ns += shared.sum();
  cost.bursts["taken"] += records.pool_bursts.size() + records.slice_growth.size();
}

struct StratumSums {
  std::uint64_t length_ns = 0;
  std::optional<std::uint64_t> target_cpu_ns;
  std::size_t planned = 0, with_burst = 0;
  std::uint64_t unrecorded_charge_ns = 0;
  std::uint64_t ended_cpu_ns = 0;
};

StratumSums add_strata(model::Cost& cost, std::span<const model::StratumRecord> strata) {
  StratumSums sums;
  for (const auto& stratum : strata) {
    sums.length_ns += stratum.length_ns;
    cost.probe_hits += stratum.unrecorded_hits;
    sums.unrecorded_charge_ns += stratum.unrecorded_charge_ns;
    sums.ended_cpu_ns += stratum.ended_cpu_ns;
    if (stratum.target_cpu_ns) sums.target_cpu_ns = sums.target_cpu_ns.value_or(0) + *stratum.target_cpu_ns;
    if (!stratum.burst_planned) continue;
    ++sums.planned;
    if (stratum.missing.empty()) {
      ++sums.with_burst;
    } else {
      ++cost.bursts[stratum.missing];
    }
  }
  return sums;
}

std::optional<std::uint64_t> target_cpu_ns(const TargetRecords& records, const BurstSums& bursts,
                                           const StratumSums& strata) {
  if (!records.strata.empty()) return strata.target_cpu_ns;
  if (bursts.window_cpu_ns == 0) return std::nullopt;  // an exact run of a program that ended before it could be asked
  return bursts.window_cpu_ns;
}

// Nothing taken of a target that did not run at all is none of its CPU time.
std::optional<double> charged_ratio(std::uint64_t charge_ns, std::optional<std::uint64_t> cpu_ns) {
  if (!cpu_ns || (*cpu_ns == 0 && charge_ns > 0)) return std::nullopt;
  return charge_ns == 0 ? 0 : seconds(charge_ns) / seconds(*cpu_ns);
}

}  // namespace

model::Cost summarize_cost(const TargetRecords& records) {
  model::Cost cost;
  BurstSums bursts = add_bursts(cost, records.bursts);
  add_go_and_pools(cost, bursts, records);
  if (cost.bursts["taken"] == 0) cost.bursts.erase("taken");
  const StratumSums strata = add_strata(cost, records.strata);
  bursts.charge_ns += strata.unrecorded_charge_ns;
  cost.charged_cpu_seconds = seconds(bursts.charge_ns);
  cost.charged_cpu_ratio = charged_ratio(bursts.charge_ns, target_cpu_ns(records, bursts, strata));
  if (strata.ended_cpu_ns > 0) cost.ended_cpu_ratio = seconds(strata.ended_cpu_ns) / seconds(*strata.target_cpu_ns);
  cost.observed_seconds = seconds(strata.length_ns);
  cost.window_seconds = seconds(bursts.window_ns);
  if (strata.planned > 0) {
    cost.coverage_ratio = static_cast<double>(strata.with_burst) / static_cast<double>(strata.planned);
  }
  return cost;
}

}  // namespace poolscope::estimate

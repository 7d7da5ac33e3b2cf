#pragma once
// Snapshot: the latest summary of everything the agent knows. The report, the API and a recording are this structure as
// JSON (json.h); docs/reference/snapshot.md explains each field.
//   Absent    std::nullopt and empty parts are "not measured"; the collector that would give them says why. Never 0.
//   Units     in the names. Estimates are per wall second of the observed range.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/advice.h"
#include "exporters/model/estimate.h"
#include "exporters/model/record.h"
#include "pools/sizing/prices.h"

namespace poolscope::model {

// Upper bound of a bucket (inclusive) and the weight in it.
using BucketList = std::vector<std::pair<std::uint64_t, double>>;

// 95 % interval of a quantile of sizes; `high` is absent when too few large sizes were seen to tell.
struct SizeLimits {
  std::uint64_t low = 0;
  std::optional<std::uint64_t> high;
  bool operator==(const SizeLimits&) const = default;
};

struct SizeSummary {
  std::uint64_t p50 = 0, p95 = 0, p99 = 0;
  BucketList buckets;  // the weight is the share of all values; sums to 1
  // Absent below 12 bursts, when every event was traced, and of pools.
  std::optional<SizeLimits> p50_limits = {}, p95_limits = {}, p99_limits = {};
  bool operator==(const SizeSummary&) const = default;
};

struct LifetimeSummary {
  std::optional<double> p50_seconds, p95_seconds;  // absent when the quantile lies beyond identified_below_seconds
  std::map<double, Estimate> below;                // age in seconds -> share of objects that died by then
  double identified_below_seconds = 0;
  std::vector<std::pair<double, double>> buckets;  // age in seconds (upper) -> share of objects that died in the bucket
  bool operator==(const LifetimeSummary&) const = default;
};

struct Counted {
  std::uint64_t allocations = 0, allocated_bytes = 0, frees = 0, reallocations = 0;
  std::optional<std::uint64_t> frees_of_older;  // frees of blocks that were born before the measurement
  bool operator==(const Counted&) const = default;
};

struct AllocationSummary {
  // "runtime": what the runtime of the target counts, all of it (GcSummary); empty: what probes saw of malloc and its relatives.
  std::string source;
  MaybeEstimate per_second, bytes_per_second, frees_per_second, reallocations_per_second;
  MaybeEstimate churn_ratio;                // share of allocated bytes that died within churn_age_seconds
  std::optional<double> churn_age_seconds;  // 0.01 unless the cohorts were shorter
  MaybeEstimate heap_turnover_per_second;
  Counted counted;
  std::optional<SizeSummary> size_bytes;
  std::optional<LifetimeSummary> lifetime;
  bool operator==(const AllocationSummary&) const = default;
};

struct CallSite {
  std::string symbol, object, source;
  std::uint64_t offset = 0;
  double share_ratio = 0;  // of all allocating calls of the target
  MaybeEstimate per_second, bytes_per_second;
  std::optional<std::uint64_t> counted_calls, counted_bytes;  // only when every event was traced
  std::optional<double> short_lived_ratio;
  std::vector<Frame> callers;  // frames between the allocator and the site come first, then what is above it
  bool operator==(const CallSite&) const = default;
};

struct GrowthChain {
  std::string symbol, object;
  std::uint64_t offset = 0;
  std::uint64_t first_bytes = 0, final_bytes_p50 = 0, final_bytes_p95 = 0;
  std::optional<std::uint64_t> final_bytes_p05;  // absent: of an earlier version
  double steps = 0;                              // mean
  MaybeEstimate per_second, copied_bytes_per_second;
  std::optional<std::uint64_t> counted_chains, counted_copied_bytes;
  bool is_inferred = false;  // from a new block that got the contents of one that was freed then
  bool operator==(const GrowthChain&) const = default;
};

// What was really counted: all of it where every event was seen or the pool counts itself, else inside bursts; `misses` and
// `thrown_away` all the time where they are watched.
struct PoolCounted {
  std::optional<std::uint64_t> gets, puts;      // absent: no burst saw the pool, or it does not count them
  std::optional<std::uint64_t> misses;          // absent where nothing tells a miss
  std::optional<std::uint64_t> regrowths;       // absent where nothing tells that an object grew
  std::optional<std::uint64_t> watched_misses;  // since the pool is watched; absent when bursts alone count misses
  std::optional<std::uint64_t> thrown_away;     // objects that garbage collections dropped since the pool is watched
  bool operator==(const PoolCounted&) const = default;
};

// Objects followed from get to put, in the bursts that saw both in order.
struct PoolUse {
  std::optional<double> hold_seconds_p50, hold_seconds_p95, hold_seconds_p99;  // get to put; absent: none came back
  // 99.9 % of the objects that came back took no longer; absent, as what follows: too few came back to tell.
  std::optional<double> never_put_after_seconds;
  std::optional<std::uint64_t> followed_gets;  // gets that were watched for longer than that
  std::optional<std::uint64_t> never_put;      // of these: the object was not put back meanwhile
  MaybeEstimate never_put_ratio;
  std::uint64_t put_twice = 0;
  std::optional<std::uint64_t> used_after_put;  // absent: no burst saw events one by one
  bool operator==(const PoolUse&) const = default;
};

// What the gets and puts that were seen one by one would have missed in a pool that keeps at most so many idle objects. What was idle
// before the first of them is not known: the truth lies between `low` (as many as fit) and `high` (none).
struct MissBracket {
  std::uint64_t max_idle_buffers = 0;
  double low = 0, high = 0;
  bool operator==(const MissBracket&) const = default;
};

// What a pool that counts itself publishes beside what is said of every pool (poolscope/stats_page.h). What it does not keep is
// absent or empty.
struct PublishedPool {
  std::map<std::string, std::uint64_t> misses, discards;  // by reason, since the process started
  std::optional<std::uint64_t> created, destroyed;
  std::optional<std::uint64_t> buffer_bytes, max_idle_buffers, max_borrowed_buffers,
      max_retained_bytes;  // as configured
  std::optional<std::uint64_t> borrowed;
  MaybeEstimate borrowed_high_water;      // most at a time in the last 80 s
  std::optional<SizeSummary> idle_depth;  // idle objects right after a put that was kept
  std::optional<double> hold_seconds_p50, hold_seconds_p95, hold_seconds_p99;  // get to put
  bool operator==(const PublishedPool&) const = default;
};

struct PoolSummary {
  std::string name;
  std::string kind;          // "go_sync_pool", "custom", "poolscope" (of libpoolscope), "published"
  std::string element;       // type of the objects; empty when not known
  std::string new_function;  // creates an object on a miss; empty: nothing does
  std::string library;       // package that owns it; empty: the program itself
  MaybeEstimate gets_per_second, puts_per_second, misses_per_second, regrowths_per_second;
  MaybeEstimate hit_ratio;  // gets served from the pool, of all gets
  PoolCounted counted;
  std::optional<SizeSummary> needed_bytes;    // length at put
  std::string needed_bytes_reason;            // why not, enumerated: docs/reference/snapshot.md
  std::optional<SizeSummary> buffer_bytes;    // capacity at put
  std::optional<std::uint64_t> object_bytes;  // size of one object without what it points to
  std::optional<PoolUse> use;
  std::optional<double> thrown_away_per_gc;
  std::optional<std::uint64_t> idle;        // objects in the pool when last seen
  std::optional<std::uint64_t> idle_bytes;  // capacity of all of these; absent when they hold no buffer
  // Idle objects kept -> share of gets that would miss, where that is known.
  std::vector<std::pair<std::uint64_t, double>> miss_curve;
  std::vector<MissBracket> miss_curve_bracket;   // the same for every cap, with what is not known
  std::optional<std::uint64_t> miss_curve_gets;  // gets seen one by one
  std::optional<PublishedPool> published;        // it counts every event itself: counts and rates are exact
  bool operator==(const PoolSummary&) const = default;
};

// The garbage collector of a managed runtime. Counters are the runtime's own, since the process started.
struct GcSummary {
  std::uint64_t cycles = 0;
  double pause_seconds = 0;
  std::optional<std::uint64_t> live_bytes;  // marked by the last cycle
  std::optional<std::uint64_t> goal_bytes;  // heap size that starts the next one
  std::optional<std::uint64_t> allocated_bytes, allocated_objects;
  std::optional<double> allocated_bytes_per_second, allocated_objects_per_second;
  std::optional<double> churn_ratio;       // 1 - bytes that survived the last cycles / bytes allocated before them
  std::optional<double> cpu_ratio;         // of the CPU time of the process
  std::optional<double> assist_cpu_ratio;  // part of it that allocating goroutines had to do
  std::optional<double> gogc_percent;      // absent when off
  std::optional<std::uint64_t> memory_limit_bytes;
  bool heap_of_ended_process =
      false;  // none runs any more: live heap, goal and settings are the last one's when it ended
  std::vector<std::pair<std::uint64_t, std::uint64_t>> allocated_by_size_class;  // bytes of the class -> objects
  bool operator==(const GcSummary&) const = default;
};

// Shares of the CPU time of the target. What is not known has none.
struct CpuShare {
  std::uint64_t samples = 0;
  MaybeEstimate allocator, copy, page_fault, gc;
  MaybeEstimate total;  // all of them: pooling cannot save more
  bool operator==(const CpuShare&) const = default;
};

enum class CollectorState { kCollecting, kIdle, kUnavailable };
// As JSON, metrics and reports write it.
[[nodiscard]] constexpr const char* state_name(CollectorState state) {
  return state == CollectorState::kCollecting ? "collecting" : state == CollectorState::kIdle ? "idle" : "unavailable";
}

struct CollectorStatus {
  std::string name, level;
  CollectorState state = CollectorState::kIdle;
  std::string reason;  // enumerated, snake_case: the label of poolscope_collector_state; empty while collecting
  std::string detail;  // for a person: the thing, the cause, the way out
  bool operator==(const CollectorStatus&) const = default;
};

// The bursts of one collector, and what they are still too few for.
struct BurstEvidence {
  std::string collector;
  std::uint64_t bursts = 0;
  std::optional<std::uint64_t> needed_bursts;  // for the next step; absent when there are enough
  std::string needed_for;                      // "intervals", "advice"
  std::optional<double> needed_seconds;  // until then, at the pace of the last bursts; absent when that is not known
  bool operator==(const BurstEvidence&) const = default;
};

struct ProcessInfo {
  ProcessKey key;
  std::uint64_t start_time_unix_ns = 0;
  std::string command;
  bool operator==(const ProcessInfo&) const = default;
};

struct Cost {
  std::uint64_t probe_hits = 0;
  std::optional<double>
      charged_cpu_ratio;  // charge over CPU time of the target, whole observed range; absent: that is not known
  double charged_cpu_seconds = 0;
  MaybeEstimate measured_cpu_ratio;
  std::map<std::string, std::uint64_t> bursts;  // outcome -> count; "taken" and the reasons strata are missing
  double observed_seconds = 0;
  double window_seconds = 0;             // summed length of the windows in which something was counted
  std::optional<double> coverage_ratio;  // strata observed over strata planned
  // Of the target's CPU time: used by processes that ended before anybody could look. Absent when there were none.
  std::optional<double> ended_cpu_ratio;
  std::map<std::string, std::uint64_t> dropped;
  std::uint64_t clamped_windows = 0;  // windows whose charge exceeded 80 % of their CPU time and was cut there
  bool operator==(const Cost&) const = default;
};

struct TargetSnapshot {
  std::string name, runtime, allocator;
  std::map<std::string, std::string> labels;
  std::vector<ProcessInfo> processes;
  std::vector<CollectorStatus> collectors;
  std::vector<BurstEvidence> evidence;
  std::optional<double> cpu_seconds_per_second;
  std::optional<double> fresh_pages_per_second;  // that the kernel gave it: minor page faults
  std::optional<CpuShare> cpu_share;
  AllocationSummary allocations;
  std::vector<CallSite> call_sites;
  std::vector<GrowthChain> growth_chains;
  std::vector<PoolSummary> pools;  // busiest first
  std::optional<GcSummary> gc;
  std::vector<Advice> advice;                  // what changes something first
  std::vector<AdviceOutcome> advice_outcomes;  // newest first
  Cost cost;
  bool exact = false;  // every event was traced: counted is the truth, not a sample
  bool operator==(const TargetSnapshot&) const = default;
};
// Whether zeros in `allocations.counted` are an answer: a target may be traced for its pools alone.
[[nodiscard]] bool allocations_were_watched(const TargetSnapshot& target);

struct AgentInfo {
  std::string version, boot_id;
  std::uint64_t sequence = 0;
  double budget_cpu_ratio = 0.01;
  double cpu_seconds = 0;                // of the agent itself since it started
  std::optional<sizing::Prices> prices;  // measured on its machine
  bool operator==(const AgentInfo&) const = default;
};

struct Snapshot {
  static constexpr int kSchemaVersion = 1;
  std::uint64_t time_unix_ns = 0;
  AgentInfo agent;
  std::vector<TargetSnapshot> targets;
  bool operator==(const Snapshot&) const = default;
};

}  // namespace poolscope::model

#include "tests/unit/exporters/sample_snapshot.h"

#include <bit>
#include <cmath>
#include <optional>
#include <string>

namespace poolscope::test {
namespace {

using namespace model;

// Fills any structure of a Snapshot. Structured bindings name every field: a new one does not compile until
// it is filled.
class Filler {
 public:
  Filler(std::mt19937_64& random, bool all_present) : random_(random), all_present_(all_present) {}

  void operator()(bool& value) { value = all_present_ || random_() % 2 == 0; }
  void operator()(std::int32_t& value) { value = static_cast<std::int32_t>(random_() >> 33); }
  void operator()(std::uint64_t& value) { value = random_() >> (random_() % 64); }
  void operator()(double& value) {
    do {
      value = std::bit_cast<double>(random_());
    } while (!std::isfinite(value));
  }
  void operator()(std::string& value) {
    value.clear();
    for (unsigned i = 0, length = all_present_ ? 8 : random_() % 12; i < length; ++i)
      value += static_cast<char>(random_() % 128);
  }
  void operator()(CollectorState& value) { value = static_cast<CollectorState>(random_() % 3); }
  template <typename T>
  void operator()(std::optional<T>& value) {
    value.reset();
    if (all_present_ || random_() % 2 == 0) (*this)(value.emplace());
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    values.resize(count());
    for (T& value : values) (*this)(value);
  }
  template <typename K, typename V>
  void operator()(std::map<K, V>& values) {
    values.clear();
    for (unsigned i = count(); i > 0; --i) {
      K key;
      (*this)(key);
      (*this)(values[key]);
    }
  }
  template <typename A, typename B>
  void operator()(std::pair<A, B>& value) {
    (*this)(value.first);
    (*this)(value.second);
  }
  void operator()(Estimate& value) {
    auto& [estimate, low, high] = value;
    all(estimate, low, high);
  }
  void operator()(SizeLimits& value) {
    auto& [low, high] = value;
    all(low, high);
  }
  void operator()(SizeSummary& value) {
    auto& [p50, p95, p99, buckets, p50_limits, p95_limits, p99_limits] = value;
    all(p50, p95, p99, buckets, p50_limits, p95_limits, p99_limits);
  }
  void operator()(LifetimeSummary& value) {
    auto& [p50, p95, below, identified_below, buckets] = value;
    all(p50, p95, below, identified_below, buckets);
  }
  void operator()(Counted& value) {
    auto& [allocations, bytes, frees, reallocations, frees_of_older] = value;
    all(allocations, bytes, frees, reallocations, frees_of_older);
  }
  void operator()(AllocationSummary& value) {
    auto& [source, rate, bytes, frees, reallocations, churn, age, turnover, counted, size, lifetime] = value;
    all(source, rate, bytes, frees, reallocations, churn, age, turnover, counted, size, lifetime);
  }
  void operator()(Frame& value) {
    auto& [symbol, object, offset, source] = value;
    all(symbol, object, offset, source);
  }
  void operator()(CallSite& value) {
    auto& [symbol, object, source, offset, share, rate, bytes, calls, counted_bytes, short_lived, callers] = value;
    all(symbol, object, source, offset, share, rate, bytes, calls, counted_bytes, short_lived, callers);
  }
  void operator()(GrowthChain& value) {
    auto& [symbol, object, offset, first, p50, p95, p05, steps, rate, copied, chains, counted_copied, inferred] = value;
    all(symbol, object, offset, first, p50, p95, p05, steps, rate, copied, chains, counted_copied, inferred);
  }
  void operator()(PoolCounted& value) {
    auto& [gets, puts, misses, regrowths, watched_misses, thrown_away] = value;
    all(gets, puts, misses, regrowths, watched_misses, thrown_away);
  }
  void operator()(PoolUse& value) {
    auto& [p50, p95, p99, after, followed, never_put, ratio, put_twice, used] = value;
    all(p50, p95, p99, after, followed, never_put, ratio, put_twice, used);
  }
  void operator()(MissBracket& value) {
    auto& [cap, low, high] = value;
    all(cap, low, high);
  }
  void operator()(PoolSummary& value) {
    auto& [name, kind, element, new_function, library, gets, puts, misses, regrowths, hit_ratio, counted, needed,
           reason, buffer, object, use, thrown_away, idle, idle_bytes, miss_curve, bracket, order_gets, published] =
        value;
    all(name, kind, element, new_function, library, gets, puts, misses, regrowths, hit_ratio, counted, needed, reason,
        buffer, object, use, thrown_away, idle, idle_bytes, miss_curve, bracket, order_gets, published);
  }
  void operator()(PublishedPool& value) {
    auto& [misses, discards, created, destroyed, buffer_bytes, max_idle, max_borrowed, max_retained, borrowed,
           high_water, idle_depth, p50, p95, p99] = value;
    all(misses, discards, created, destroyed, buffer_bytes, max_idle, max_borrowed, max_retained, borrowed, high_water,
        idle_depth, p50, p95, p99);
  }
  void operator()(GcSummary& value) {
    auto& [cycles, pause, live, goal, bytes, objects, rate, object_rate, churn, cpu, assist, gogc, limit, ended,
           classes] = value;
    all(cycles, pause, live, goal, bytes, objects, rate, object_rate, churn, cpu, assist, gogc, limit, ended, classes);
  }
  void operator()(CpuShare& value) {
    auto& [samples, allocator, copy, page_fault, gc, total] = value;
    all(samples, allocator, copy, page_fault, gc, total);
  }
  void operator()(CollectorStatus& value) {
    auto& [name, level, state, reason, detail] = value;
    all(name, level, state, reason, detail);
  }
  void operator()(ProcessInfo& value) {
    auto& [key, start_time, command] = value;
    auto& [pid, ticks] = key;
    all(pid, ticks, start_time, command);
  }
  void operator()(BurstEvidence& value) {
    auto& [collector, bursts, needed, needed_for, seconds] = value;
    all(collector, bursts, needed, needed_for, seconds);
  }
  void operator()(Cost& value) {
    auto& [hits, ratio, seconds, measured, bursts, observed, window, coverage, ended, dropped, clamped] = value;
    all(hits, ratio, seconds, measured, bursts, observed, window, coverage, ended, dropped, clamped);
  }
  void operator()(TargetSnapshot& value) {
    auto& [name, runtime, allocator, labels, processes, collectors, evidence, cpu, pages, cpu_share, allocations, sites,
           chains, pools, gc, advice, outcomes, cost, exact] = value;
    all(name, runtime, allocator, labels, processes, collectors, evidence, cpu, pages, cpu_share, allocations, sites,
        chains, pools, gc, advice, outcomes, cost, exact);
  }
  void operator()(Verdict& value) { value = static_cast<Verdict>(random_() % 7); }
  void operator()(AdviceEvidence& value) {
    auto& [field, number, text] = value;
    all(field, number, text);
  }
  void operator()(Advice& value) {
    auto& [subject, kind, verdict, unit, current, recommended, same_from, same_to, why, evidence, saved_ratio,
           saved_bytes, break_even, hit_ratio, alternatives, reevaluate] = value;
    all(subject, kind, verdict, unit, current, recommended, same_from, same_to, why, evidence, saved_ratio, saved_bytes,
        break_even, hit_ratio, alternatives, reevaluate);
  }
  void operator()(AdviceOutcome& value) {
    auto& [subject, kind, unit, from, to, changed, predicted, predicted_hits, realised, realised_hits, seen] = value;
    all(subject, kind, unit, from, to, changed, predicted, predicted_hits, realised, realised_hits, seen);
  }
  void operator()(sizing::Prices& value) {
    auto& [allocation, copy, pair, page, cold_page, bytes_per_core] = value;
    all(allocation, copy, pair, page, cold_page, bytes_per_core);
  }
  void operator()(AgentInfo& value) {
    auto& [version, boot_id, sequence, budget, cpu_seconds, prices] = value;
    all(version, boot_id, sequence, budget, cpu_seconds, prices);
  }
  void operator()(Snapshot& value) {
    auto& [time, agent, targets] = value;
    all(time, agent, targets);
  }

 private:
  template <typename... Fields>
  void all(Fields&... fields) {
    ((*this)(fields), ...);
  }
  unsigned count() { return all_present_ ? 2 : static_cast<unsigned>(random_() % 4); }

  std::mt19937_64& random_;
  bool all_present_;
};

}  // namespace

Snapshot full_snapshot() {
  std::mt19937_64 random(7);
  Snapshot snapshot;
  Filler(random, /*all_present=*/true)(snapshot);
  return snapshot;
}

Snapshot random_snapshot(std::mt19937_64& random) {
  Snapshot snapshot;
  Filler(random, /*all_present=*/false)(snapshot);
  return snapshot;
}

}  // namespace poolscope::test

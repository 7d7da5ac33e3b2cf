#pragma once
// Records in which nothing has its default, so that a member that is not written shows. A structure that grows does not compile here.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/target_record.h"

namespace poolscope::recording::testing {

// Every value is another one.
class Filler {
 public:
  template <typename T>
  static T filled() {
    T value{};
    Filler().fill(value);
    return value;
  }

 private:
  template <typename... T>
  void all(T&... values) {
    (fill(values), ...);
  }
  void fill(std::uint64_t& value) { value = ++last_; }
  void fill(std::int32_t& value) { value = static_cast<std::int32_t>(++last_); }
  void fill(double& value) { value = static_cast<double>(++last_) + 0.1; }
  void fill(bool& value) { value = !value; }
  void fill(std::string& value) { value = "text " + std::to_string(++last_); }
  void fill(model::BurstKind& value) { value = model::BurstKind::kFrees; }
  void fill(model::CollectorState& value) { value = model::CollectorState::kUnavailable; }
  void fill(model::Histogram& value) {
    ++last_;
    value.add_bucket(static_cast<unsigned>(last_ % 300), static_cast<double>(last_));
    value.add_bucket(static_cast<unsigned>(last_ % 300) + 1, 2);
  }
  template <typename T, std::size_t N>
  void fill(std::array<T, N>& values) {
    for (T& value : values) fill(value);
  }
  template <typename T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  template <typename T>
  void fill(std::vector<T>& values) {
    values.resize(2);
    for (T& value : values) fill(value);
  }
  template <typename A, typename B>
  void fill(std::pair<A, B>& values) {
    all(values.first, values.second);
  }
  template <typename K, typename V>
  void fill(std::map<K, V>& values) {
    for (int i = 0; i < 2; ++i) {
      K key{};
      fill(key);
      fill(values[key]);
    }
  }
  void fill(model::AgentInfo& whole) {
    auto& [version, boot_id, sequence, budget_cpu_ratio, cpu_seconds, prices] = whole;
    all(version, boot_id, sequence, budget_cpu_ratio, cpu_seconds, prices);
  }
  void fill(sizing::Prices& whole) {
    auto& [allocation_ns, copy_ns_per_byte, pool_pair_ns, page_ns, cold_page_ns, bytes_per_core] = whole;
    all(allocation_ns, copy_ns_per_byte, pool_pair_ns, page_ns, cold_page_ns, bytes_per_core);
  }
  void fill(model::CollectorStatus& whole) {
    auto& [name, level, state, reason, detail] = whole;
    all(name, level, state, reason, detail);
  }
  void fill(model::ProcessInfo& whole) {
    auto& [key, start_time_unix_ns, command] = whole;
    all(key, start_time_unix_ns, command);
  }
  void fill(model::Frame& whole) {
    auto& [symbol, object, offset, source] = whole;
    all(symbol, object, offset, source);
  }
  void fill(model::ProcessKey& whole) {
    auto& [pid, start_time_ticks] = whole;
    all(pid, start_time_ticks);
  }
  void fill(model::CallSiteCounts& whole) {
    auto& [frames, calls, requested_bytes, births, short_lived] = whole;
    all(frames, calls, requested_bytes, births, short_lived);
  }
  void fill(model::GrowthChainCounts& whole) {
    auto& [frames, chains, steps, copied_bytes, first_bytes, final_bytes, is_single_growths] = whole;
    all(frames, chains, steps, copied_bytes, first_bytes, final_bytes, is_single_growths);
  }
  void fill(model::Work& whole) {
    auto& [io_calls, waits, allocated_bytes] = whole;
    all(io_calls, waits, allocated_bytes);
  }
  void fill(model::Window& whole) {
    auto& [start_ns, length_ns, cpu_ns, charge_ns, probe_hits, ended_by_count, work, late_ns] = whole;
    all(start_ns, length_ns, cpu_ns, charge_ns, probe_hits, ended_by_count, work, late_ns);
  }
  void fill(model::AllocationCounts& whole) {
    auto& [allocations, allocated_bytes, reallocations, frees] = whole;
    all(allocations, allocated_bytes, reallocations, frees);
  }
  void fill(model::Lifetimes& whole) {
    auto& [births, birth_bytes, followed_ns, died_ns, died_bytes_ns, alive_ns, alive_bytes_ns] = whole;
    all(births, birth_bytes, followed_ns, died_ns, died_bytes_ns, alive_ns, alive_bytes_ns);
  }
  void fill(model::BurstRecord& whole) {
    auto& [process, kind, allocation_window, free_window, counts, frees_beside_allocations, size_bytes, lifetimes,
           frees_of_older, site_generation, call_sites, growth_chains, probe_hits, charge_ns, dropped] = whole;
    all(process, kind, allocation_window, free_window, counts, frees_beside_allocations, size_bytes, lifetimes,
        frees_of_older, site_generation, call_sites, growth_chains, probe_hits, charge_ns, dropped);
  }
  void fill(model::SliceGrowthRecord& whole) {
    auto& [burst] = whole;
    all(burst);
  }
  void fill(model::StratumRecord& whole) {
    auto& [start_ns, length_ns, target_cpu_ns, work, missing, burst_planned, unrecorded_hits, unrecorded_charge_ns,
           ended_cpu_ns, fresh_pages] = whole;
    all(start_ns, length_ns, target_cpu_ns, work, missing, burst_planned, unrecorded_hits, unrecorded_charge_ns,
        ended_cpu_ns, fresh_pages);
  }
  void fill(model::CpuShareRecord& whole) {
    auto& [start_ns, length_ns, samples, allocator, copy, page_fault, gc, no_allocator, no_copy, no_gc, collecting,
           lost, charge_ns] = whole;
    all(start_ns, length_ns, samples, allocator, copy, page_fault, gc, no_allocator, no_copy, no_gc, collecting, lost,
        charge_ns);
  }
  void fill(model::PoolIdentity& whole) {
    auto& [kind, name, address, element, new_function, library] = whole;
    all(kind, name, address, element, new_function, library);
  }
  void fill(sizing::CapMisses& whole) {
    auto& [from_empty, from_full, gets_after, misses_after] = whole;
    all(from_empty, from_full, gets_after, misses_after);
  }
  void fill(sizing::MissCurve& whole) {
    auto& [gets, caps] = whole;
    all(gets, caps);
  }
  void fill(model::PoolOrderSums& whole) {
    auto& [misses, hold_ns, followed_ns, out_ns, put_twice, used_after_put] = whole;
    all(misses, hold_ns, followed_ns, out_ns, put_twice, used_after_put);
  }
  void fill(model::PoolIdle& whole) {
    auto& [objects, sampled, sampled_bytes] = whole;
    all(objects, sampled, sampled_bytes);
  }
  void fill(model::PoolSums& whole) {
    auto& [pool, gets, misses, misses_known, puts, nil_puts, regrowths, hold_ns, regrowths_known, sized_puts,
           empty_puts, needed_bytes, buffer_bytes, other_elements, object_bytes, put_twice, order, idle] = whole;
    all(pool, gets, misses, misses_known, puts, nil_puts, regrowths, hold_ns, regrowths_known, sized_puts, empty_puts,
        needed_bytes, buffer_bytes, other_elements, object_bytes, put_twice, order, idle);
  }
  void fill(model::PoolBurstRecord& whole) {
    auto& [process, exact, in_order, window, pools, probe_hits, charge_ns, dropped] = whole;
    all(process, exact, in_order, window, pools, probe_hits, charge_ns, dropped);
  }
  void fill(model::PoolWatchSums& whole) {
    auto& [pool, misses, thrown_away] = whole;
    all(pool, misses, thrown_away);
  }
  void fill(model::PoolWatchRecord& whole) {
    auto& [process, start_ns, length_ns, collections, misses_watched, collections_watched, pools, probe_hits,
           charge_ns] = whole;
    all(process, start_ns, length_ns, collections, misses_watched, collections_watched, pools, probe_hits, charge_ns);
  }
  void fill(model::GcCounters& whole) {
    auto& [cycles, forced_cycles, pause_ns, allocated_bytes, freed_bytes, bytes_of_objects, allocated_objects,
           allocated_objects_by_class, gc_cpu_ns] = whole;
    all(cycles, forced_cycles, pause_ns, allocated_bytes, freed_bytes, bytes_of_objects, allocated_objects,
        allocated_objects_by_class, gc_cpu_ns);
  }
  void fill(model::GcCycles& whole) {
    auto& [cycles, assist_ns, idle_mark_ns, followed_cycles, allocated_bytes, survived_bytes_at_least,
           survived_bytes_at_most] = whole;
    all(cycles, assist_ns, idle_mark_ns, followed_cycles, allocated_bytes, survived_bytes_at_least,
        survived_bytes_at_most);
  }
  void fill(model::GcHeap& whole) {
    auto& [live_bytes, goal_bytes, gogc_percent, memory_limit_bytes] = whole;
    all(live_bytes, goal_bytes, gogc_percent, memory_limit_bytes);
  }
  void fill(model::GcRecord& whole) {
    auto& [process, start_ns, length_ns, cpu_ns, counted, watched, cycles_are_watched, heap, probe_hits, charge_ns,
           dropped_cycles] = whole;
    all(process, start_ns, length_ns, cpu_ns, counted, watched, cycles_are_watched, heap, probe_hits, charge_ns,
        dropped_cycles);
  }
  void fill(model::PoolPageCounts& whole) {
    auto& [gets, gets_failed, puts, created, destroyed, regrowths, misses, discards, needed_bytes, buffer_bytes,
           idle_depth, hold_ns] = whole;
    all(gets, gets_failed, puts, created, destroyed, regrowths, misses, discards, needed_bytes, buffer_bytes,
        idle_depth, hold_ns);
  }
  void fill(model::PoolPageLimits& whole) {
    auto& [buffer_bytes, max_idle_buffers, max_borrowed_buffers, max_retained_bytes] = whole;
    all(buffer_bytes, max_idle_buffers, max_borrowed_buffers, max_retained_bytes);
  }
  void fill(model::PoolPageState& whole) {
    auto& [borrowed, idle, borrowed_high, cached_capacity, limits] = whole;
    all(borrowed, idle, borrowed_high, cached_capacity, limits);
  }
  void fill(model::PoolPageSums& whole) {
    auto& [pool, known, counted, state] = whole;
    all(pool, known, counted, state);
  }
  void fill(model::PoolPageRecord& whole) {
    auto& [process, page, start_ns, length_ns, pools] = whole;
    all(process, page, start_ns, length_ns, pools);
  }
  void fill(model::PagesEndRecord& whole) {
    auto& [process, at_ns] = whole;
    all(process, at_ns);
  }
  void fill(model::CarriedTotals& whole) {
    auto& [at_ns, gc, pages, ended_pages] = whole;
    all(at_ns, gc, pages, ended_pages);
  }
  void fill(model::TargetStatus& whole) {
    auto& [at_ns, name, runtime, allocator, labels, processes, collectors, gc_running, gc_ended_last, exact] = whole;
    all(at_ns, name, runtime, allocator, labels, processes, collectors, gc_running, gc_ended_last, exact);
  }
  void fill(model::Moment& whole) {
    auto& [at_ns, time_unix_ns, agent, targets] = whole;
    all(at_ns, time_unix_ns, agent, targets);
  }

  std::uint64_t last_ = 0;
};

template <typename T>
T filled() {
  return Filler::filled<T>();
}

}  // namespace poolscope::recording::testing

#pragma once
// Members of all records. Each list takes its structure apart, so that one that grows does not compile until the list has grown. For
// record_text.cc only.

#include "exporters/model/json_fields.h"
#include "exporters/model/target_record.h"

namespace poolscope::model {

template <typename Io>
void fields(Io& io, typename Io::template Ref<ProcessKey> whole) {
  auto& [pid, start_time_ticks] = whole;
  io.required("pid", pid);
  io.required("start_time_ticks", start_time_ticks);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CallSiteCounts> whole) {
  auto& [frames, calls, requested_bytes, births, short_lived] = whole;
  io.required("frames", frames);
  io.required("calls", calls);
  io.optional("requested_bytes", requested_bytes);
  io.optional("births", births);
  io.optional("short_lived", short_lived);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GrowthChainCounts> whole) {
  auto& [frames, chains, steps, copied_bytes, first_bytes, final_bytes] = whole;
  io.required("frames", frames);
  io.required("chains", chains);
  io.optional("steps", steps);
  io.optional("copied_bytes", copied_bytes);
  io.optional("first_bytes", first_bytes);
  io.optional("final_bytes", final_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Work> whole) {
  auto& [io_calls, waits, allocated_bytes] = whole;
  io.optional("io_calls", io_calls);
  io.optional("waits", waits);
  io.optional("allocated_bytes", allocated_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Window> whole) {
  auto& [start_ns, length_ns, cpu_ns, charge_ns, probe_hits, ended_by_count, work] = whole;
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.optional("cpu_ns", cpu_ns);
  io.optional("charge_ns", charge_ns);
  io.optional("probe_hits", probe_hits);
  io.optional("ended_by_count", ended_by_count);
  io.optional("work", work);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AllocationCounts> whole) {
  auto& [allocations, allocated_bytes, reallocations, frees] = whole;
  io.optional("allocations", allocations);
  io.optional("allocated_bytes", allocated_bytes);
  io.optional("reallocations", reallocations);
  io.optional("frees", frees);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Lifetimes> whole) {
  auto& [births, birth_bytes, followed_ns, died_ns, died_bytes_ns, alive_ns, alive_bytes_ns] = whole;
  io.optional("births", births);
  io.optional("birth_bytes", birth_bytes);
  io.optional("followed_ns", followed_ns);
  io.optional("died_ns", died_ns);
  io.optional("died_bytes_ns", died_bytes_ns);
  io.optional("alive_ns", alive_ns);
  io.optional("alive_bytes_ns", alive_bytes_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<BurstRecord> whole) {
  auto& [process, kind, allocation_window, free_window, counts, frees_beside_allocations, size_bytes, lifetimes,
         frees_of_older, site_generation, call_sites, growth_chains, probe_hits, charge_ns, dropped] = whole;
  io.required("process", process);
  io.required("kind", kind);
  io.required("allocation_window", allocation_window);
  io.required("free_window", free_window);
  io.required("counts", counts);
  io.optional("frees_beside_allocations", frees_beside_allocations);
  io.optional("size_bytes", size_bytes);
  io.optional("lifetimes", lifetimes);
  io.optional("frees_of_older", frees_of_older);
  io.optional("site_generation", site_generation);
  io.optional("call_sites", call_sites);
  io.optional("growth_chains", growth_chains);
  io.optional("probe_hits", probe_hits);
  io.optional("charge_ns", charge_ns);
  io.optional("dropped", dropped);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<SliceGrowthRecord> whole) {
  auto& [burst] = whole;
  io.required("burst", burst);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<StratumRecord> whole) {
  auto& [start_ns, length_ns, target_cpu_ns, work, missing, burst_planned] = whole;
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.optional("target_cpu_ns", target_cpu_ns);
  io.optional("work", work);
  io.optional("missing", missing);
  io.optional("burst_planned", burst_planned);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolIdentity> whole) {
  auto& [kind, name, address, element, new_function, library] = whole;
  io.optional("kind", kind);
  io.optional("name", name);
  io.optional("address", address);
  io.optional("element", element);
  io.optional("new_function", new_function);
  io.optional("library", library);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<sizing::CapMisses> whole) {
  auto& [from_empty, from_full, gets_after, misses_after] = whole;
  io.required("from_empty", from_empty);
  io.required("from_full", from_full);
  io.required("gets_after", gets_after);
  io.required("misses_after", misses_after);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<sizing::MissCurve> whole) {
  auto& [gets, caps] = whole;
  io.required("gets", gets);
  io.required("caps", caps);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolOrderSums> whole) {
  auto& [misses, hold_ns, followed_ns, out_ns, put_twice, used_after_put] = whole;
  io.required("misses", misses);
  io.optional("hold_ns", hold_ns);
  io.optional("followed_ns", followed_ns);
  io.optional("out_ns", out_ns);
  io.optional("put_twice", put_twice);
  io.optional("used_after_put", used_after_put);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolIdle> whole) {
  auto& [objects, sampled, sampled_bytes] = whole;
  io.required("objects", objects);
  io.optional("sampled", sampled);
  io.optional("sampled_bytes", sampled_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolSums> whole) {
  auto& [pool, gets, misses, misses_known, puts, nil_puts, regrowths, hold_ns, regrowths_known, sized_puts, empty_puts,
         needed_bytes, buffer_bytes, other_elements, object_bytes, put_twice, order, idle] = whole;
  io.required("pool", pool);
  io.required("gets", gets);
  io.required("misses", misses);
  io.optional("misses_known", misses_known);
  io.required("puts", puts);
  io.optional("nil_puts", nil_puts);
  io.optional("regrowths", regrowths);
  io.optional("hold_ns", hold_ns);
  io.optional("regrowths_known", regrowths_known);
  io.optional("sized_puts", sized_puts);
  io.optional("empty_puts", empty_puts);
  io.optional("needed_bytes", needed_bytes);
  io.optional("buffer_bytes", buffer_bytes);
  io.optional("other_elements", other_elements);
  io.optional("object_bytes", object_bytes);
  io.optional("put_twice", put_twice);
  io.optional("order", order);
  io.optional("idle", idle);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolBurstRecord> whole) {
  auto& [process, exact, in_order, window, pools, probe_hits, charge_ns, dropped] = whole;
  io.required("process", process);
  io.optional("exact", exact);
  io.optional("in_order", in_order);
  io.required("window", window);
  io.optional("pools", pools);
  io.optional("probe_hits", probe_hits);
  io.optional("charge_ns", charge_ns);
  io.optional("dropped", dropped);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolWatchSums> whole) {
  auto& [pool, misses, thrown_away] = whole;
  io.required("pool", pool);
  io.optional("misses", misses);
  io.optional("thrown_away", thrown_away);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolWatchRecord> whole) {
  auto& [process, start_ns, length_ns, collections, misses_watched, collections_watched, pools, probe_hits, charge_ns] =
      whole;
  io.required("process", process);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.optional("collections", collections);
  io.optional("misses_watched", misses_watched);
  io.optional("collections_watched", collections_watched);
  io.optional("pools", pools);
  io.optional("probe_hits", probe_hits);
  io.optional("charge_ns", charge_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcCounters> whole) {
  auto& [cycles, forced_cycles, pause_ns, allocated_bytes, freed_bytes, bytes_of_objects, allocated_objects,
         allocated_objects_by_class, gc_cpu_ns] = whole;
  io.optional("cycles", cycles);
  io.optional("forced_cycles", forced_cycles);
  io.optional("pause_ns", pause_ns);
  io.optional("allocated_bytes", allocated_bytes);
  io.optional("freed_bytes", freed_bytes);
  io.optional("bytes_of_objects", bytes_of_objects);
  io.optional("allocated_objects", allocated_objects);
  io.optional("allocated_objects_by_class", allocated_objects_by_class);
  io.optional("gc_cpu_ns", gc_cpu_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcCycles> whole) {
  auto& [cycles, assist_ns, idle_mark_ns, followed_cycles, allocated_bytes, survived_bytes_at_least,
         survived_bytes_at_most] = whole;
  io.optional("cycles", cycles);
  io.optional("assist_ns", assist_ns);
  io.optional("idle_mark_ns", idle_mark_ns);
  io.optional("followed_cycles", followed_cycles);
  io.optional("allocated_bytes", allocated_bytes);
  io.optional("survived_bytes_at_least", survived_bytes_at_least);
  io.optional("survived_bytes_at_most", survived_bytes_at_most);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcHeap> whole) {
  auto& [live_bytes, goal_bytes, gogc_percent, memory_limit_bytes] = whole;
  io.optional("live_bytes", live_bytes);
  io.optional("goal_bytes", goal_bytes);
  io.optional("gogc_percent", gogc_percent);
  io.optional("memory_limit_bytes", memory_limit_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcRecord> whole) {
  auto& [process, start_ns, length_ns, cpu_ns, counted, watched, cycles_are_watched, heap, probe_hits, charge_ns,
         dropped_cycles] = whole;
  io.required("process", process);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.optional("cpu_ns", cpu_ns);
  io.optional("counted", counted);
  io.optional("watched", watched);
  io.optional("cycles_are_watched", cycles_are_watched);
  io.optional("heap", heap);
  io.optional("probe_hits", probe_hits);
  io.optional("charge_ns", charge_ns);
  io.optional("dropped_cycles", dropped_cycles);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageCounts> whole) {
  auto& [gets, gets_failed, puts, created, destroyed, regrowths, misses, discards, needed_bytes, buffer_bytes,
         idle_depth, hold_ns] = whole;
  io.required("gets", gets);
  io.optional("gets_failed", gets_failed);
  io.required("puts", puts);
  io.optional("created", created);
  io.optional("destroyed", destroyed);
  io.optional("regrowths", regrowths);
  io.required("misses", misses);
  io.required("discards", discards);
  io.optional("needed_bytes", needed_bytes);
  io.optional("buffer_bytes", buffer_bytes);
  io.optional("idle_depth", idle_depth);
  io.optional("hold_ns", hold_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageLimits> whole) {
  auto& [buffer_bytes, max_idle_buffers, max_borrowed_buffers, max_retained_bytes] = whole;
  io.optional("buffer_bytes", buffer_bytes);
  io.optional("max_idle_buffers", max_idle_buffers);
  io.optional("max_borrowed_buffers", max_borrowed_buffers);
  io.optional("max_retained_bytes", max_retained_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageState> whole) {
  auto& [borrowed, idle, borrowed_high, cached_capacity, limits] = whole;
  io.optional("borrowed", borrowed);
  io.optional("idle", idle);
  io.optional("borrowed_high", borrowed_high);
  io.optional("cached_capacity", cached_capacity);
  io.optional("limits", limits);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageSums> whole) {
  auto& [pool, known, counted, state] = whole;
  io.required("pool", pool);
  io.required("known", known);
  io.required("counted", counted);
  io.optional("state", state);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageRecord> whole) {
  auto& [process, page, start_ns, length_ns, pools] = whole;
  io.required("process", process);
  io.required("page", page);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.optional("pools", pools);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PagesEndRecord> whole) {
  auto& [process, at_ns] = whole;
  io.required("process", process);
  io.required("at_ns", at_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CarriedTotals> whole) {
  auto& [at_ns, gc, pages, ended_pages] = whole;
  io.required("at_ns", at_ns);
  io.required("gc", gc);
  io.optional("pages", pages);
  io.optional("ended_pages", ended_pages);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<TargetStatus> whole) {
  auto& [at_ns, name, runtime, allocator, labels, processes, collectors, gc_running] = whole;
  io.required("at_ns", at_ns);
  io.optional("name", name);
  io.optional("runtime", runtime);
  io.optional("allocator", allocator);
  io.optional("labels", labels);
  io.optional("processes", processes);
  io.optional("collectors", collectors);
  io.optional("gc_running", gc_running);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Moment> whole) {
  auto& [at_ns, time_unix_ns, agent, targets] = whole;
  io.required("at_ns", at_ns);
  io.required("time_unix_ns", time_unix_ns);
  io.required("agent", agent);
  io.optional("targets", targets);
}

}  // namespace poolscope::model

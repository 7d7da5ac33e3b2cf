#pragma once
// Members of all records. Each list takes its structure apart, so that one that grows does not compile until the list has grown. What a
// list of many must have keeps foreign text from becoming much more memory than it is long. For record_text.cc only.

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
  io.unless_default("requested_bytes", requested_bytes);
  io.unless_default("births", births);
  io.unless_default("short_lived", short_lived);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GrowthChainCounts> whole) {
  auto& [frames, chains, steps, copied_bytes, first_bytes, final_bytes, is_single_growths] = whole;
  io.required("frames", frames);
  io.required("chains", chains);
  io.unless_default("steps", steps);
  io.unless_default("copied_bytes", copied_bytes);
  io.unless_default("first_bytes", first_bytes);
  io.unless_default("final_bytes", final_bytes);
  io.unless_default("is_single_growths", is_single_growths);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Work> whole) {
  auto& [io_calls, waits, allocated_bytes] = whole;
  io.unless_default("io_calls", io_calls);
  io.unless_default("waits", waits);
  io.unless_default("allocated_bytes", allocated_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Window> whole) {
  auto& [start_ns, length_ns, cpu_ns, charge_ns, probe_hits, ended_by_count, work, late_ns] = whole;
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.unless_default("cpu_ns", cpu_ns);
  io.unless_default("charge_ns", charge_ns);
  io.unless_default("probe_hits", probe_hits);
  io.unless_default("ended_by_count", ended_by_count);
  io.unless_default("work", work);
  io.unless_default("late_ns", late_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AllocationCounts> whole) {
  auto& [allocations, allocated_bytes, reallocations, frees] = whole;
  io.unless_default("allocations", allocations);
  io.unless_default("allocated_bytes", allocated_bytes);
  io.unless_default("reallocations", reallocations);
  io.unless_default("frees", frees);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Lifetimes> whole) {
  auto& [births, birth_bytes, followed_ns, died_ns, died_bytes_ns, alive_ns, alive_bytes_ns] = whole;
  io.unless_default("births", births);
  io.unless_default("birth_bytes", birth_bytes);
  io.unless_default("followed_ns", followed_ns);
  io.unless_default("died_ns", died_ns);
  io.unless_default("died_bytes_ns", died_bytes_ns);
  io.unless_default("alive_ns", alive_ns);
  io.unless_default("alive_bytes_ns", alive_bytes_ns);
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
  io.unless_default("frees_beside_allocations", frees_beside_allocations);
  io.unless_default("size_bytes", size_bytes);
  io.unless_default("lifetimes", lifetimes);
  io.unless_default("frees_of_older", frees_of_older);
  io.unless_default("site_generation", site_generation);
  io.unless_default("call_sites", call_sites);
  io.unless_default("growth_chains", growth_chains);
  io.unless_default("probe_hits", probe_hits);
  io.unless_default("charge_ns", charge_ns);
  io.unless_default("dropped", dropped);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<SliceGrowthRecord> whole) {
  auto& [burst] = whole;
  io.required("burst", burst);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<StratumRecord> whole) {
  auto& [start_ns, length_ns, target_cpu_ns, work, missing, burst_planned, unrecorded_hits, unrecorded_charge_ns,
         ended_cpu_ns, fresh_pages] = whole;
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.unless_default("target_cpu_ns", target_cpu_ns);
  io.unless_default("work", work);
  io.unless_default("missing", missing);
  io.optional("burst_planned", burst_planned);
  io.unless_default("unrecorded_hits", unrecorded_hits);
  io.unless_default("unrecorded_charge_ns", unrecorded_charge_ns);
  io.unless_default("ended_cpu_ns", ended_cpu_ns);
  io.unless_default("fresh_pages", fresh_pages);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CpuShareRecord> whole) {
  auto& [start_ns, length_ns, samples, allocator, copy, page_fault, gc, no_allocator, no_copy, no_gc, collecting, lost,
         charge_ns] = whole;
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.required("samples", samples);
  io.unless_default("allocator", allocator);
  io.unless_default("copy", copy);
  io.unless_default("page_fault", page_fault);
  io.unless_default("gc", gc);
  io.unless_default("no_allocator", no_allocator);
  io.unless_default("no_copy", no_copy);
  io.unless_default("no_gc", no_gc);
  io.unless_default("collecting", collecting);
  io.unless_default("lost", lost);
  io.unless_default("charge_ns", charge_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolIdentity> whole) {
  auto& [kind, name, address, element, new_function, library] = whole;
  io.unless_default("kind", kind);
  io.unless_default("name", name);
  io.unless_default("address", address);
  io.unless_default("element", element);
  io.unless_default("new_function", new_function);
  io.unless_default("library", library);
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
  io.unless_default("hold_ns", hold_ns);
  io.unless_default("followed_ns", followed_ns);
  io.unless_default("out_ns", out_ns);
  io.unless_default("put_twice", put_twice);
  io.unless_default("used_after_put", used_after_put);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolIdle> whole) {
  auto& [objects, sampled, sampled_bytes] = whole;
  io.required("objects", objects);
  io.unless_default("sampled", sampled);
  io.unless_default("sampled_bytes", sampled_bytes);
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
  io.unless_default("nil_puts", nil_puts);
  io.unless_default("regrowths", regrowths);
  io.unless_default("hold_ns", hold_ns);
  io.unless_default("regrowths_known", regrowths_known);
  io.unless_default("sized_puts", sized_puts);
  io.unless_default("empty_puts", empty_puts);
  io.unless_default("needed_bytes", needed_bytes);
  io.unless_default("buffer_bytes", buffer_bytes);
  io.unless_default("other_elements", other_elements);
  io.unless_default("object_bytes", object_bytes);
  io.unless_default("put_twice", put_twice);
  io.unless_default("order", order);
  io.unless_default("idle", idle);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolBurstRecord> whole) {
  auto& [process, exact, in_order, window, pools, probe_hits, charge_ns, dropped] = whole;
  io.required("process", process);
  io.unless_default("exact", exact);
  io.unless_default("in_order", in_order);
  io.required("window", window);
  io.unless_default("pools", pools);
  io.unless_default("probe_hits", probe_hits);
  io.unless_default("charge_ns", charge_ns);
  io.unless_default("dropped", dropped);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolWatchSums> whole) {
  auto& [pool, misses, thrown_away] = whole;
  io.required("pool", pool);
  io.unless_default("misses", misses);
  io.unless_default("thrown_away", thrown_away);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolWatchRecord> whole) {
  auto& [process, start_ns, length_ns, collections, misses_watched, collections_watched, pools, probe_hits, charge_ns] =
      whole;
  io.required("process", process);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.unless_default("collections", collections);
  io.unless_default("misses_watched", misses_watched);
  io.unless_default("collections_watched", collections_watched);
  io.unless_default("pools", pools);
  io.unless_default("probe_hits", probe_hits);
  io.unless_default("charge_ns", charge_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcCounters> whole) {
  auto& [cycles, forced_cycles, pause_ns, allocated_bytes, freed_bytes, bytes_of_objects, allocated_objects,
         allocated_objects_by_class, gc_cpu_ns] = whole;
  io.unless_default("cycles", cycles);
  io.unless_default("forced_cycles", forced_cycles);
  io.unless_default("pause_ns", pause_ns);
  io.unless_default("allocated_bytes", allocated_bytes);
  io.unless_default("freed_bytes", freed_bytes);
  io.unless_default("bytes_of_objects", bytes_of_objects);
  io.unless_default("allocated_objects", allocated_objects);
  io.unless_default("allocated_objects_by_class", allocated_objects_by_class);
  io.unless_default("gc_cpu_ns", gc_cpu_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcCycles> whole) {
  auto& [cycles, assist_ns, idle_mark_ns, followed_cycles, allocated_bytes, survived_bytes_at_least,
         survived_bytes_at_most] = whole;
  io.unless_default("cycles", cycles);
  io.unless_default("assist_ns", assist_ns);
  io.unless_default("idle_mark_ns", idle_mark_ns);
  io.unless_default("followed_cycles", followed_cycles);
  io.unless_default("allocated_bytes", allocated_bytes);
  io.unless_default("survived_bytes_at_least", survived_bytes_at_least);
  io.unless_default("survived_bytes_at_most", survived_bytes_at_most);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcHeap> whole) {
  auto& [live_bytes, goal_bytes, gogc_percent, memory_limit_bytes] = whole;
  io.unless_default("live_bytes", live_bytes);
  io.unless_default("goal_bytes", goal_bytes);
  io.unless_default("gogc_percent", gogc_percent);
  io.unless_default("memory_limit_bytes", memory_limit_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcRecord> whole) {
  auto& [process, start_ns, length_ns, cpu_ns, counted, watched, cycles_are_watched, heap, probe_hits, charge_ns,
         dropped_cycles] = whole;
  io.required("process", process);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.unless_default("cpu_ns", cpu_ns);
  io.unless_default("counted", counted);
  io.unless_default("watched", watched);
  io.unless_default("cycles_are_watched", cycles_are_watched);
  io.unless_default("heap", heap);
  io.unless_default("probe_hits", probe_hits);
  io.unless_default("charge_ns", charge_ns);
  io.unless_default("dropped_cycles", dropped_cycles);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageCounts> whole) {
  auto& [gets, gets_failed, puts, created, destroyed, regrowths, misses, discards, needed_bytes, buffer_bytes,
         idle_depth, hold_ns] = whole;
  io.required("gets", gets);
  io.unless_default("gets_failed", gets_failed);
  io.required("puts", puts);
  io.unless_default("created", created);
  io.unless_default("destroyed", destroyed);
  io.unless_default("regrowths", regrowths);
  io.unless_default("misses", misses);
  io.unless_default("discards", discards);
  io.unless_default("needed_bytes", needed_bytes);
  io.unless_default("buffer_bytes", buffer_bytes);
  io.unless_default("idle_depth", idle_depth);
  io.unless_default("hold_ns", hold_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageLimits> whole) {
  auto& [buffer_bytes, max_idle_buffers, max_borrowed_buffers, max_retained_bytes] = whole;
  io.unless_default("buffer_bytes", buffer_bytes);
  io.unless_default("max_idle_buffers", max_idle_buffers);
  io.unless_default("max_borrowed_buffers", max_borrowed_buffers);
  io.unless_default("max_retained_bytes", max_retained_bytes);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageState> whole) {
  auto& [borrowed, idle, borrowed_high, cached_capacity, limits] = whole;
  io.unless_default("borrowed", borrowed);
  io.unless_default("idle", idle);
  io.unless_default("borrowed_high", borrowed_high);
  io.unless_default("cached_capacity", cached_capacity);
  io.unless_default("limits", limits);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageSums> whole) {
  auto& [pool, known, counted, state] = whole;
  io.required("pool", pool);
  io.required("known", known);
  io.required("counted", counted);
  io.unless_default("state", state);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolPageRecord> whole) {
  auto& [process, page, start_ns, length_ns, pools] = whole;
  io.required("process", process);
  io.required("page", page);
  io.required("start_ns", start_ns);
  io.required("length_ns", length_ns);
  io.unless_default("pools", pools);
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
  io.unless_default("pages", pages);
  io.unless_default("ended_pages", ended_pages);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<TargetStatus> whole) {
  auto& [at_ns, name, runtime, allocator, labels, processes, collectors, gc_running, gc_ended_last, exact] = whole;
  io.required("at_ns", at_ns);
  io.unless_default("name", name);
  io.unless_default("runtime", runtime);
  io.unless_default("allocator", allocator);
  io.unless_default("labels", labels);
  io.unless_default("processes", processes);
  io.unless_default("collectors", collectors);
  io.unless_default("gc_running", gc_running);
  io.unless_default("gc_ended_last", gc_ended_last);
  io.unless_default("exact", exact);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Moment> whole) {
  auto& [at_ns, time_unix_ns, agent, targets] = whole;
  io.required("at_ns", at_ns);
  io.required("time_unix_ns", time_unix_ns);
  io.required("agent", agent);
  io.unless_default("targets", targets);
}

}  // namespace poolscope::model

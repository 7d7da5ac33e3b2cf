#include "exporters/model/json.h"

#include <exception>

#include "exporters/model/json_fields.h"
#include "exporters/model/json_io.h"

namespace poolscope::model {
template <typename Io>
void fields(Io& io, typename Io::template Ref<SizeLimits> limits) {
  io.required("low", limits.low);
  io.optional("high", limits.high);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<SizeSummary> sizes) {
  io.required("p50", sizes.p50);
  io.required("p95", sizes.p95);
  io.required("p99", sizes.p99);
  io.optional("p50_limits", sizes.p50_limits);
  io.optional("p95_limits", sizes.p95_limits);
  io.optional("p99_limits", sizes.p99_limits);
  io.optional("buckets", sizes.buckets);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<LifetimeSummary> lifetime) {
  io.optional("p50", lifetime.p50_seconds);
  io.optional("p95", lifetime.p95_seconds);
  io.optional("below", lifetime.below);
  io.required("identified_below", lifetime.identified_below_seconds);
  io.optional("buckets", lifetime.buckets);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Counted> counted) {
  io.required("allocations", counted.allocations);
  io.required("allocated_bytes", counted.allocated_bytes);
  io.required("frees", counted.frees);
  io.required("reallocations", counted.reallocations);
  io.optional("frees_of_older", counted.frees_of_older);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AllocationSummary> allocations) {
  io.optional("source", allocations.source);
  io.optional("per_second", allocations.per_second);
  io.optional("bytes_per_second", allocations.bytes_per_second);
  io.optional("frees_per_second", allocations.frees_per_second);
  io.optional("reallocations_per_second", allocations.reallocations_per_second);
  io.optional("churn_ratio", allocations.churn_ratio);
  io.optional("churn_age_seconds", allocations.churn_age_seconds);
  io.optional("heap_turnover_per_second", allocations.heap_turnover_per_second);
  io.optional("size_bytes", allocations.size_bytes);
  io.optional("lifetime_seconds", allocations.lifetime);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CallSite> site) {
  io.optional("symbol", site.symbol);
  io.optional("object", site.object);
  io.required("offset", site.offset);
  io.optional("source", site.source);
  io.optional("share_ratio", site.share_ratio);
  io.optional("per_second", site.per_second);
  io.optional("bytes_per_second", site.bytes_per_second);
  io.optional("counted_calls", site.counted_calls);
  io.optional("counted_bytes", site.counted_bytes);
  io.optional("short_lived_ratio", site.short_lived_ratio);
  io.optional("callers", site.callers);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GrowthChain> chain) {
  io.optional("symbol", chain.symbol);
  io.optional("object", chain.object);
  io.required("offset", chain.offset);
  io.required("first_bytes", chain.first_bytes);
  io.group("final_bytes", [&](auto& final_bytes) {
    final_bytes.optional("p05", chain.final_bytes_p05);
    final_bytes.required("p50", chain.final_bytes_p50);
    final_bytes.required("p95", chain.final_bytes_p95);
  });
  io.optional("steps", chain.steps);
  io.optional("per_second", chain.per_second);
  io.optional("copied_bytes_per_second", chain.copied_bytes_per_second);
  io.optional("counted_chains", chain.counted_chains);
  io.optional("counted_copied_bytes", chain.counted_copied_bytes);
  io.unless_default("is_inferred", chain.is_inferred);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolUse> use) {
  io.group("hold_seconds", [&](auto& hold_seconds) {
    hold_seconds.optional("p50", use.hold_seconds_p50);
    hold_seconds.optional("p95", use.hold_seconds_p95);
    hold_seconds.optional("p99", use.hold_seconds_p99);
  });
  io.optional("never_put_after_seconds", use.never_put_after_seconds);
  io.optional("followed_gets", use.followed_gets);
  io.optional("never_put", use.never_put);
  io.optional("never_put_ratio", use.never_put_ratio);
  io.required("put_twice", use.put_twice);
  io.optional("used_after_put", use.used_after_put);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<MissBracket> bracket) {
  io.required("max_idle_buffers", bracket.max_idle_buffers);
  io.required("low", bracket.low);
  io.required("high", bracket.high);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PublishedPool> published) {
  io.optional("misses_by_reason", published.misses);
  io.optional("discards_by_reason", published.discards);
  io.optional("created", published.created);
  io.optional("destroyed", published.destroyed);
  io.group("limits", [&](auto& limits) {
    limits.optional("buffer_bytes", published.buffer_bytes);
    limits.optional("max_idle_buffers", published.max_idle_buffers);
    limits.optional("max_borrowed_buffers", published.max_borrowed_buffers);
    limits.optional("max_retained_bytes", published.max_retained_bytes);
  });
  io.optional("borrowed", published.borrowed);
  io.optional("borrowed_high_water", published.borrowed_high_water);
  io.optional("idle_depth", published.idle_depth);
  io.group("hold_seconds", [&](auto& hold_seconds) {
    hold_seconds.optional("p50", published.hold_seconds_p50);
    hold_seconds.optional("p95", published.hold_seconds_p95);
    hold_seconds.optional("p99", published.hold_seconds_p99);
  });
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolSummary> pool) {
  io.required("name", pool.name);
  io.required("kind", pool.kind);
  io.optional("element", pool.element);
  io.optional("new_function", pool.new_function);
  io.optional("library", pool.library);
  io.optional("gets_per_second", pool.gets_per_second);
  io.optional("puts_per_second", pool.puts_per_second);
  io.optional("misses_per_second", pool.misses_per_second);
  io.optional("regrowths_per_second", pool.regrowths_per_second);
  io.optional("hit_ratio", pool.hit_ratio);
  io.group("counted", [&](auto& counted) {
    counted.optional("gets", pool.counted.gets);
    counted.optional("puts", pool.counted.puts);
    counted.optional("misses", pool.counted.misses);
    counted.optional("regrowths", pool.counted.regrowths);
    counted.optional("watched_misses", pool.counted.watched_misses);
    counted.optional("thrown_away", pool.counted.thrown_away);
  });
  io.optional("needed_bytes", pool.needed_bytes);
  io.optional("needed_bytes_reason", pool.needed_bytes_reason);
  io.optional("buffer_bytes", pool.buffer_bytes);
  io.optional("object_bytes", pool.object_bytes);
  io.optional("use", pool.use);
  io.optional("thrown_away_per_gc", pool.thrown_away_per_gc);
  io.optional("idle", pool.idle);
  io.optional("idle_bytes", pool.idle_bytes);
  io.optional("miss_curve", pool.miss_curve);
  io.optional("miss_curve_bracket", pool.miss_curve_bracket);
  io.optional("miss_curve_gets", pool.miss_curve_gets);
  io.optional("published", pool.published);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<GcSummary> gc) {
  io.required("cycles", gc.cycles);
  io.optional("pause_seconds", gc.pause_seconds);
  io.optional("live_bytes", gc.live_bytes);
  io.optional("goal_bytes", gc.goal_bytes);
  io.optional("allocated_bytes", gc.allocated_bytes);
  io.optional("allocated_objects", gc.allocated_objects);
  io.optional("allocated_bytes_per_second", gc.allocated_bytes_per_second);
  io.optional("allocated_objects_per_second", gc.allocated_objects_per_second);
  io.optional("churn_ratio", gc.churn_ratio);
  io.optional("cpu_ratio", gc.cpu_ratio);
  io.optional("assist_cpu_ratio", gc.assist_cpu_ratio);
  io.optional("gogc_percent", gc.gogc_percent);
  io.optional("memory_limit_bytes", gc.memory_limit_bytes);
  io.optional_if(gc.heap_of_ended_process, "heap_of_ended_process", gc.heap_of_ended_process);
  io.optional("allocated_by_size_class", gc.allocated_by_size_class);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CpuShare> share) {
  io.required("samples", share.samples);
  io.optional("allocator", share.allocator);
  io.optional("copy", share.copy);
  io.optional("page_fault", share.page_fault);
  io.optional("gc", share.gc);
  io.optional("total", share.total);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AdviceEvidence> evidence) {
  io.required("field", evidence.field);
  io.required("value", evidence.value);
  io.required("text", evidence.text);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Advice> advice) {
  io.required("subject", advice.subject);
  io.required("kind", advice.kind);
  io.required("verdict", advice.verdict);
  io.optional("unit", advice.unit);
  io.optional("current", advice.current);
  io.optional("recommended", advice.recommended);
  io.optional("same_cost_from", advice.same_cost_from);
  io.optional("same_cost_to", advice.same_cost_to);
  io.required("why", advice.why);
  io.optional("evidence", advice.evidence);
  io.group("expected", [&](auto& expected) {
    expected.optional("saved_cpu_ratio", advice.saved_cpu_ratio);
    expected.optional("saved_bytes", advice.saved_bytes);
    expected.optional("hit_ratio", advice.predicted_hit_ratio);
  });
  io.optional("break_even_hit_ratio", advice.break_even_hit_ratio);
  io.optional("alternatives", advice.alternatives);
  io.optional("reevaluate_when", advice.reevaluate_when);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Cost> cost) {
  io.required("probe_hits", cost.probe_hits);
  io.optional("charged_cpu_ratio", cost.charged_cpu_ratio);
  io.optional("charged_cpu_seconds", cost.charged_cpu_seconds);
  io.optional("measured_cpu_ratio", cost.measured_cpu_ratio);
  io.optional("bursts", cost.bursts);
  io.optional("observed_seconds", cost.observed_seconds);
  io.optional("window_seconds", cost.window_seconds);
  io.optional("ended_cpu_ratio", cost.ended_cpu_ratio);
  io.optional("coverage_ratio", cost.coverage_ratio);
  io.optional("dropped", cost.dropped);
  io.optional("clamped_windows", cost.clamped_windows);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<BurstEvidence> evidence) {
  io.required("collector", evidence.collector);
  io.required("bursts", evidence.bursts);
  io.optional("needed_bursts", evidence.needed_bursts);
  io.optional("needed_for", evidence.needed_for);
  io.optional("needed_seconds", evidence.needed_seconds);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<TargetSnapshot> target) {
  io.required("name", target.name);
  io.optional("runtime", target.runtime);
  io.optional("allocator", target.allocator);
  io.optional("labels", target.labels);
  io.required("processes", target.processes);
  io.required("collectors", target.collectors);
  io.optional("evidence", target.evidence);
  io.optional("cpu_seconds_per_second", target.cpu_seconds_per_second);
  io.optional("fresh_pages_per_second", target.fresh_pages_per_second);
  io.optional("cpu_share", target.cpu_share);
  io.optional("exact", target.exact);
  io.group("allocations", [&](auto& allocations) {
    fields(allocations, target.allocations);
    allocations.optional_if(allocations_were_watched(target), "counted", target.allocations.counted);
  });
  io.optional("call_sites", target.call_sites);
  io.optional("growth_chains", target.growth_chains);
  io.optional("pools", target.pools);
  io.optional("gc", target.gc);
  io.optional("advice", target.advice);
  io.optional("advice_outcomes", target.advice_outcomes);
  io.required("cost", target.cost);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Snapshot> snapshot) {
  io.required("time_unix_ns", snapshot.time_unix_ns);
  io.required("agent", snapshot.agent);
  io.required("targets", snapshot.targets);
}

namespace {

std::optional<JsonError> check_version(const nlohmann::json& root) {
  if (!root.is_object()) return JsonError{"", std::string("is ") + root.type_name() + ", must be an object"};
  const auto version = root.find("schema_version");
  if (version == root.end()) return JsonError{"/schema_version", "is missing: this is not a snapshot of poolscope"};
  if (*version == Snapshot::kSchemaVersion) return std::nullopt;
  return JsonError{"/schema_version", "is not " + std::to_string(Snapshot::kSchemaVersion) +
                                          ", the only version this program reads; use the poolscope that wrote it"};
}

Result<Snapshot, JsonError> parse_snapshot(std::string_view text) {
  if (auto error = check_json(text)) return Failure{std::move(*error)};
  const auto root = nlohmann::json::parse(text.begin(), text.end());
  if (auto error = check_version(root)) return Failure{std::move(*error)};
  Snapshot snapshot;
  std::optional<JsonError> error;
  JsonReader(root, error).read(snapshot);
  if (error) return Failure{std::move(*error)};
  return snapshot;
}

}  // namespace

std::string describe(const JsonError& error) {
  if (error.path.empty()) return "not a snapshot: " + error.detail;
  return "not a snapshot: " + error.path + " " + error.detail;
}

std::string to_json(const Snapshot& snapshot, int indent) {
  JsonWriter writer;
  writer.required("schema_version", std::int32_t{Snapshot::kSchemaVersion});
  fields(writer, snapshot);
  // replace: names of processes and symbols are bytes of foreign programs, not always UTF-8
  constexpr auto kReplace = JsonWriter::Json::error_handler_t::replace;
  return std::move(writer).take()->dump(indent > 0 ? indent : -1, ' ', /*ensure_ascii=*/false, kReplace);
}

Result<Snapshot, JsonError> snapshot_from_json(std::string_view text) {
  try {
    return parse_snapshot(text);
  } catch (const std::exception& error) {  // of the library, and bad_alloc
    return Failure{JsonError{"", error.what()}};
  }
}

}  // namespace poolscope::model

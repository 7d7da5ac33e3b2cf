#pragma once
// Members of structures that are in snapshots and in other files. For json.cc, advice_history.cc and exporters/recording only.

#include "exporters/model/json_io.h"

namespace poolscope::model {

template <typename Io>
void fields(Io& io, typename Io::template Ref<Frame> frame) {
  io.optional("symbol", frame.symbol);
  io.optional("object", frame.object);
  io.required("offset", frame.offset);
  io.optional("source", frame.source);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<CollectorStatus> collector) {
  io.required("name", collector.name);
  io.required("level", collector.level);
  io.required("state", collector.state);
  io.required("reason", collector.reason);
  io.required("detail", collector.detail);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<ProcessInfo> process) {
  io.required("pid", process.key.pid);
  io.required("start_time_ticks", process.key.start_time_ticks);
  io.required("start_time_unix_ns", process.start_time_unix_ns);
  io.optional("command", process.command);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<sizing::Prices> prices) {
  io.required("allocation_ns", prices.allocation_ns);
  io.required("copy_ns_per_byte", prices.copy_ns_per_byte);
  io.required("pool_pair_ns", prices.pool_pair_ns);
  io.required("page_ns", prices.page_ns);
  io.required("cold_page_ns", prices.cold_page_ns);
  io.required("bytes_per_core", prices.bytes_per_core);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<Estimate> estimate) {
  io.required("value", estimate.value);
  io.optional("low", estimate.low);
  io.optional("high", estimate.high);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AdviceOutcome> outcome) {
  io.required("subject", outcome.subject);
  io.required("kind", outcome.kind);
  io.optional("unit", outcome.unit);
  io.required("from", outcome.from);
  io.required("to", outcome.to);
  io.unless_default("changed_unix_ns", outcome.changed_unix_ns);
  io.group("predicted", [&](auto& predicted) {
    predicted.optional("saved_cpu_ratio", outcome.predicted_saved_cpu_ratio);
    predicted.optional("hit_ratio", outcome.predicted_hit_ratio);
  });
  io.group("realised", [&](auto& realised) {
    realised.optional("saved_cpu_ratio", outcome.realised_saved_cpu_ratio);
    realised.optional("hit_ratio", outcome.realised_hit_ratio);
    realised.unless_default("seen_seconds", outcome.seen_seconds);
  });
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AgentInfo> agent) {
  io.required("version", agent.version);
  io.required("boot_id", agent.boot_id);
  io.required("sequence", agent.sequence);
  io.group("budget", [&](auto& budget) { budget.optional("cpu_ratio", agent.budget_cpu_ratio); });
  io.optional("cpu_seconds", agent.cpu_seconds);
  io.optional("prices", agent.prices);
}

}  // namespace poolscope::model

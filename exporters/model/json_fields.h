#pragma once
// Members of structures that are in snapshots and in records. For json.cc and exporters/recording only.

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
void fields(Io& io, typename Io::template Ref<AgentInfo> agent) {
  io.required("version", agent.version);
  io.required("boot_id", agent.boot_id);
  io.required("sequence", agent.sequence);
  io.group("budget", [&](auto& budget) { budget.optional("cpu_ratio", agent.budget_cpu_ratio); });
  io.optional("cpu_seconds", agent.cpu_seconds);
}

}  // namespace poolscope::model

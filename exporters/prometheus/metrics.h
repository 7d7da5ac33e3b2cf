#pragma once
// A Snapshot as Prometheus metrics in text format 0.0.4. docs/reference/metrics.md lists every family.
//   Estimates `x` are three gauges x, x_low, x_high, absent when unknown; *_total only for events that were all counted.
//   Labels    target, configured labels; never a pid, an address or a call site.

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "exporters/model/snapshot.h"

namespace poolscope::prometheus_text {

// What the snapshot does not know: the state of the agent process itself.
struct AgentStatus {
  bool config_last_reload_successful = true;
  double config_last_reload_time_unix_seconds = 0;
  std::string version;
};

[[nodiscard]] std::vector<::prometheus::MetricFamily> metric_families(const model::Snapshot& snapshot, const AgentStatus& status);
// Families in the text format, HELP escaped (prometheus-cpp 1.0.1 does not).
[[nodiscard]] std::string serialize(const std::vector<::prometheus::MetricFamily>& families);
inline constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace poolscope::prometheus_text

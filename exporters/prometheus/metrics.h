#pragma once
// A Snapshot as Prometheus metrics in text format 0.0.4. docs/reference/metrics.md lists every family.
//   Estimates `x` are three gauges x, x_low, x_high, absent when unknown or older than kEstimateLife; *_total only
//             for events that were all counted.
//   Labels    target, configured labels; never a pid, an address or a call site. A configured label whose name
//             labels.h refuses is left out; bytes that are no UTF-8 become U+FFFD.
//   Bounded   at most Limits::max_series series of targets. From the first family of a target that does not fit on,
//             everything later is left out and counted; what describes the agent itself is always there.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "exporters/model/snapshot.h"
#include "exporters/prometheus/labels.h"

namespace poolscope::prometheus_text {

// What the snapshot does not know: the state of the agent process itself.
struct AgentStatus {
  bool config_last_reload_successful = true;
  double config_last_reload_time_unix_seconds = 0;  // 0: not known
  std::string version;
  std::uint64_t series_dropped_before = 0;  // left out of earlier pages
  std::uint64_t now_unix_ns = 0;            // 0: the age of the snapshot is not looked at
};

struct Limits {
  std::size_t max_series = 10'000;
};

inline constexpr std::chrono::minutes kEstimateLife{5};

[[nodiscard]] std::vector<::prometheus::MetricFamily> metric_families(const model::Snapshot& snapshot,
                                                                      const AgentStatus& status,
                                                                      const Limits& limits = {});
// Families in the text format, HELP escaped (prometheus-cpp 1.0.1 does not).
[[nodiscard]] std::string serialize(std::vector<::prometheus::MetricFamily> families);
inline constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

// The whole page /metrics: metric_families(), process_* of this process, and how long building it took.
//   Threads   build() from any thread.
class MetricsPage {
 public:
  explicit MetricsPage(Limits limits = {}) : limits_(limits) {}
  // `snapshot` is null before the first measurement. Fills series_dropped_before and now_unix_ns of `status` itself.
  [[nodiscard]] std::string build(const model::Snapshot* snapshot, AgentStatus status);

 private:
  Limits limits_;
  std::atomic<std::uint64_t> series_dropped_{0};
};

}  // namespace poolscope::prometheus_text

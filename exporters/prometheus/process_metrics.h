#pragma once
// process_*: what every Prometheus client library says about the process it runs in, from /proc/self.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

namespace poolscope::prometheus_text {

// The fields of /proc/PID/stat that are used here.
struct ProcStat {
  std::uint64_t cpu_ticks = 0;  // user and system
  std::uint64_t threads = 0;
  std::uint64_t start_time_ticks = 0;  // since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};
// Nothing when `text` does not have those fields. The name of the program may hold blanks and parentheses.
[[nodiscard]] std::optional<ProcStat> parse_proc_stat(std::string_view text);

// What cannot be read is left out.
[[nodiscard]] std::vector<::prometheus::MetricFamily> process_families();

}  // namespace poolscope::prometheus_text

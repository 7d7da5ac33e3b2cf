#include "exporters/prometheus/process_metrics.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace poolscope::prometheus_text {
namespace {

using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> boot_time_unix_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return to_number(std::string_view(line).substr(6));
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  if (error) return std::nullopt;
  double count = -1;  // the one that lists the directory
  for (const std::filesystem::directory_iterator end; entry != end; entry.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count;
}

std::optional<double> max_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

class Families {
 public:
  void add(const char* name, MetricType type, const char* help, std::optional<double> value) {
    if (!value) return;
    ::prometheus::ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
    families_.push_back({name, help, type, {metric}});
  }
  [[nodiscard]] std::vector<MetricFamily> take() && { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

void add_stat(Families& families, const ProcStat& stat) {
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto seconds = [&](std::uint64_t ticks) { return static_cast<double>(ticks) / ticks_per_second; };
  families.add("process_cpu_seconds_total", MetricType::Counter, "User and system CPU time of the agent.",
               seconds(stat.cpu_ticks));
  families.add("process_resident_memory_bytes", MetricType::Gauge, "Resident memory of the agent.",
               static_cast<double>(stat.resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  families.add("process_virtual_memory_bytes", MetricType::Gauge, "Virtual memory of the agent.",
               static_cast<double>(stat.virtual_bytes));
  families.add("process_threads", MetricType::Gauge, "Threads of the agent.", static_cast<double>(stat.threads));
  if (const auto boot_time = boot_time_unix_seconds()) {
    families.add("process_start_time_seconds", MetricType::Gauge, "Start of the agent, unix time.",
                 static_cast<double>(*boot_time) + seconds(stat.start_time_ticks));
  }
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  const auto name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 2);
  // proc(5) numbers the fields from 1; the state after the name is field 3
  constexpr std::size_t kFirst = 3, kUserTicks = 14, kSystemTicks = 15, kThreads = 20, kStart = 22, kVirtual = 23,
                        kResident = 24;
  std::array<std::optional<std::uint64_t>, kResident + 1> fields{};
  for (std::size_t field = kFirst; field <= kResident && !text.empty(); ++field) {
    const auto end = text.find_first_of(" \n");
    fields[field] = to_number(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  for (const auto field : {kUserTicks, kSystemTicks, kThreads, kStart, kVirtual, kResident}) {
    if (!fields[field]) return std::nullopt;
  }
  return ProcStat{*fields[kUserTicks] + *fields[kSystemTicks], *fields[kThreads], *fields[kStart], *fields[kVirtual],
                  *fields[kResident]};
}

std::vector<MetricFamily> process_families() {
  Families families;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  if (const auto stat = parse_proc_stat(line)) add_stat(families, *stat);
  families.add("process_open_fds", MetricType::Gauge, "Open file descriptors of the agent.", open_files());
  families.add("process_max_fds", MetricType::Gauge, "Limit of open file descriptors of the agent.", max_files());
  return std::move(families).take();
}

}  // namespace poolscope::prometheus_text

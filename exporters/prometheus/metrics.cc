#include "exporters/prometheus/metrics.h"

#include <iterator>
#include <sstream>

#include <prometheus/text_serializer.h>

#include "exporters/prometheus/family_table.h"
#include "exporters/prometheus/pool_series.h"
#include "exporters/prometheus/process_metrics.h"
#include "exporters/prometheus/target_series.h"

namespace poolscope::prometheus_text {
namespace {

using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

bool estimates_are_fresh(const model::Snapshot& snapshot, std::uint64_t now_unix_ns) {
  constexpr std::uint64_t kLifeNs = std::chrono::nanoseconds(kEstimateLife).count();
  return now_unix_ns <= snapshot.time_unix_ns || now_unix_ns - snapshot.time_unix_ns <= kLifeNs;
}

FamilyTable targets_table(const model::Snapshot* snapshot, const AgentStatus& status, const Limits& limits) {
  FamilyTable table(limits.max_series);
  if (snapshot == nullptr) return table;
  const bool fresh = estimates_are_fresh(*snapshot, status.now_unix_ns);
  for (const auto& target : snapshot->targets) add_target(table, target, fresh);
  // last, so that what is left out when there are too many series is pools
  for (const auto& target : snapshot->targets) add_pools(table, target, fresh);
  table.add_of_agent(
      {"poolscope_budget_ratio", MetricType::Gauge, "Share of a target's CPU time that measuring may take at most."},
      {}, snapshot->agent.budget_cpu_ratio);
  return table;
}

void add_agent(FamilyTable& table, const AgentStatus& status) {
  table.add_of_agent({"poolscope_build_info", MetricType::Gauge, "Version of the agent; always 1."},
                     {{"version", status.version}}, 1);
  table.add_of_agent({"poolscope_config_last_reload_successful", MetricType::Gauge,
                      "1 when the configuration was last read without error, else 0."},
                     {}, status.config_last_reload_successful ? 1 : 0);
  if (status.config_last_reload_successful && status.config_last_reload_time_unix_seconds > 0) {
    table.add_of_agent({"poolscope_config_last_reload_success_timestamp_seconds", MetricType::Gauge,
                        "When the configuration was last read without error, unix time."},
                       {}, status.config_last_reload_time_unix_seconds);
  }
  table.add_of_agent({"poolscope_series_dropped_total", MetricType::Counter,
                      "Series of targets that were left out of the pages served so far, because there are too many."},
                     {}, static_cast<double>(status.series_dropped_before + table.dropped()));
}

std::string escape_help(const std::string& help) {
  std::string escaped;
  for (const char c : help) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::uint64_t now_unix_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

std::vector<MetricFamily> metric_families(const model::Snapshot& snapshot, const AgentStatus& status,
                                          const Limits& limits) {
  FamilyTable table = targets_table(&snapshot, status, limits);
  add_agent(table, status);
  return std::move(table).take();
}

std::string serialize(std::vector<MetricFamily> families) {
  for (MetricFamily& family : families) family.help = escape_help(family.help);
  std::ostringstream out;
  ::prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

std::string MetricsPage::build(const model::Snapshot* snapshot, AgentStatus status) {
  const auto started = std::chrono::steady_clock::now();
  status.now_unix_ns = now_unix_ns();
  FamilyTable table = targets_table(snapshot, status, limits_);
  status.series_dropped_before = series_dropped_.fetch_add(table.dropped(), std::memory_order_relaxed);
  add_agent(table, status);
  auto families = std::move(table).take();
  auto process = process_families();
  families.insert(families.end(), std::make_move_iterator(process.begin()), std::make_move_iterator(process.end()));
  std::string page = serialize(std::move(families));

  FamilyTable duration(0);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
  duration.add_of_agent({"poolscope_scrape_duration_seconds", MetricType::Gauge,
                         "Time it took to build this page, without compression and sending."},
                        {}, spent.count());
  return page + serialize(std::move(duration).take());
}

}  // namespace poolscope::prometheus_text

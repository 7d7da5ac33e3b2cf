#include "agent/sampler/gc_monitor.h"

#include <utility>

namespace poolscope::sampler {

std::uint64_t GcMonitor::read(probes::GoRuntime& runtime) {
  model::GcRecord record = runtime.read();
  totals_.add(record);
  const std::uint64_t charge_ns = record.charge_ns;
  records_.push_back(std::move(record));
  return charge_ns;
}

void GcMonitor::forget_before(std::uint64_t oldest_ns) {
  std::erase_if(records_, [&](const auto& record) { return record.start_ns < oldest_ns; });
}

std::optional<model::GcSummary> GcMonitor::summary(std::span<const model::ProcessKey> running) const {
  return estimate::summarize_gc(totals_.total(), records_, running);
}

}  // namespace poolscope::sampler

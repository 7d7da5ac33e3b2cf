#include "agent/sampler/gc_monitor.h"

#include <algorithm>
#include <utility>

#include "probes/process/process.h"

namespace poolscope::sampler {

std::uint64_t GcMonitor::read(probes::GoRuntime& runtime) {
  if (auto life = runtime.take_life()) keep(std::move(*life));
  model::GcRecord record = runtime.read();
  const std::uint64_t charge_ns = record.charge_ns;
  keep(std::move(record));
  return charge_ns;
}

void GcMonitor::keep(model::GcRecord record) {
  ++changes_;
  totals_.add(record);
  sink_.take(record);
  processes_.insert(record.process);
  records_.push_back(std::move(record));
}

void GcMonitor::forget(const model::ProcessKey& key) {
  totals_.forget(key);
  if (processes_.erase(key) != 0) ended_last_ = key;
}

void GcMonitor::set_processes(std::span<const model::ProcessKey> keys) {
  const auto is_here = [&](const model::ProcessKey& key) { return std::ranges::find(keys, key) != keys.end(); };
  std::erase_if(processes_, [&](const auto& key) { return !is_here(key); });
  totals_.forget_if([&](const auto& key) { return !is_here(key) && !process::is_alive(key); });
}

void GcMonitor::forget_before(std::uint64_t oldest_ns) {
  ++changes_;
  std::erase_if(records_, [&](const auto& record) {
    const bool is_old = record.start_ns < oldest_ns;
    if (is_old) estimate::add(forgotten_, record.counted);
    return is_old;
  });
}

}  // namespace poolscope::sampler

#include "agent/estimate/gc.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

namespace poolscope::estimate {
namespace {

constexpr double kNanosecond = 1e-9;
constexpr std::uint64_t kFewestCycles = 3;  // for a churn ratio

std::optional<double> ratio(double part, double whole) {
  if (whole <= 0) return std::nullopt;
  return part / whole;
}

// Both sides come from different clocks (the runtime's and the kernel's): never more than all.
std::optional<double> share(double part, double whole) {
  const auto result = ratio(part, whole);
  return result ? std::optional(std::min(*result, 1.0)) : result;
}

// What the records of the range add up to. First records of a process span its life before the range: they count nothing here.
struct Range {
  model::GcCycles watched;
  model::GcCounters counted;
  double seconds = 0;         // from the start of the first record to the end of the last
  double gc_cpu_ns = 0;       // of records that know both
  double cpu_ns = 0;          // of the same records
  double watched_cpu_ns = 0;  // of records whose cycles were watched
};

Range add_up(std::span<const model::GcRecord> records) {
  Range range;
  std::uint64_t start_ns = UINT64_MAX, end_ns = 0;
  for (const model::GcRecord& record : records) {
    if (record.length_ns == 0) continue;
    start_ns = std::min(start_ns, record.start_ns);
    end_ns = std::max(end_ns, record.start_ns + record.length_ns);
    add(range.counted, record.counted);
    const std::uint64_t all_cpu_ns = record.cpu_ns.value_or(0);
    const auto cpu_ns = static_cast<double>(all_cpu_ns - std::min(all_cpu_ns, record.watched.idle_mark_ns));
    if (record.cpu_ns && record.counted.gc_cpu_ns) {
      range.gc_cpu_ns += static_cast<double>(*record.counted.gc_cpu_ns);
      range.cpu_ns += cpu_ns;
    }
    if (!record.cycles_are_watched) continue;
    range.watched_cpu_ns += cpu_ns;
    range.watched.followed_cycles += record.watched.followed_cycles;
    range.watched.allocated_bytes += record.watched.allocated_bytes;
    range.watched.survived_bytes_at_least += record.watched.survived_bytes_at_least;
    range.watched.assist_ns += record.watched.assist_ns;
  }
  if (end_ns > start_ns) range.seconds = static_cast<double>(end_ns - start_ns) * kNanosecond;
  return range;
}

// Objects lag behind the bytes while they cannot be read, for good in a process that ended meanwhile; what they made up for in a range
// was allocated before it. Either way they are not those of the bytes beside them.
bool objects_are_known(const model::GcCounters& counted) {
  constexpr double kMostAmiss = 0.01;
  const auto bytes = static_cast<double>(counted.allocated_bytes);
  return std::abs(static_cast<double>(counted.bytes_of_objects) - bytes) <= kMostAmiss * bytes;
}

void add_ratios(const Range& range, model::GcSummary& summary) {
  const model::GcCounters& counted = range.counted;
  if (counted.allocated_bytes > 0 || counted.cycles > 0) {
    summary.allocated_bytes_per_second = ratio(static_cast<double>(counted.allocated_bytes), range.seconds);
    if (objects_are_known(counted))
      summary.allocated_objects_per_second = ratio(static_cast<double>(counted.allocated_objects), range.seconds);
  }
  const auto& watched = range.watched;
  if (watched.followed_cycles >= kFewestCycles) {
    const auto survived =
        ratio(static_cast<double>(watched.survived_bytes_at_least), static_cast<double>(watched.allocated_bytes));
    if (survived) summary.churn_ratio = 1 - *survived;
  }
  summary.cpu_ratio = share(range.gc_cpu_ns, range.cpu_ns);
  summary.assist_cpu_ratio = share(static_cast<double>(watched.assist_ns), range.watched_cpu_ns);
}

template <typename T>
void add_if_known(std::optional<T>& sum, const std::optional<T>& more, bool is_first) {
  if (is_first) {
    sum = more;
  } else if (sum && more) {
    *sum += *more;
  } else {
    sum.reset();
  }
}

// A setting is that of the target only when all of its processes have it.
template <typename T>
void keep_if_equal(std::optional<T>& setting, const std::optional<T>& other, bool is_first) {
  if (is_first) {
    setting = other;
  } else if (setting != other) {
    setting.reset();
  }
}

void add_heaps(std::span<const model::GcRecord> records, std::span<const model::ProcessKey> running,
               model::GcSummary& summary) {
  std::map<model::ProcessKey, const model::GcHeap*> latest;
  for (const model::GcRecord& record : records) {
    if (std::ranges::find(running, record.process) != running.end()) latest[record.process] = &record.heap;
  }
  bool is_first = true;
  for (const auto& [process, heap] : latest) {
    add_if_known(summary.live_bytes, heap->live_bytes, is_first);
    add_if_known(summary.goal_bytes, heap->goal_bytes, is_first);
    keep_if_equal(summary.gogc_percent, heap->gogc_percent, is_first);
    keep_if_equal(summary.memory_limit_bytes, heap->memory_limit_bytes, is_first);
    is_first = false;
  }
}

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

model::GcCounters growth(const model::GcCounters& before, const model::GcCounters& after) {
  model::GcCounters result;
  for (const auto counter :
       {&model::GcCounters::cycles, &model::GcCounters::forced_cycles, &model::GcCounters::pause_ns,
        &model::GcCounters::allocated_bytes, &model::GcCounters::freed_bytes, &model::GcCounters::bytes_of_objects,
        &model::GcCounters::allocated_objects}) {
    result.*counter = growth(before.*counter, after.*counter);
  }
  for (const auto& [bytes, objects] : after.allocated_objects_by_class) {
    const auto known = before.allocated_objects_by_class.find(bytes);
    const std::uint64_t more = growth(known == before.allocated_objects_by_class.end() ? 0 : known->second, objects);
    if (more > 0) result.allocated_objects_by_class[bytes] = more;
  }
  if (after.gc_cpu_ns) result.gc_cpu_ns = growth(before.gc_cpu_ns.value_or(0), *after.gc_cpu_ns);
  return result;
}

}  // namespace

void add(model::GcCounters& total, const model::GcCounters& more) {
  total.cycles += more.cycles;
  total.forced_cycles += more.forced_cycles;
  total.pause_ns += more.pause_ns;
  total.allocated_bytes += more.allocated_bytes;
  total.freed_bytes += more.freed_bytes;
  total.bytes_of_objects += more.bytes_of_objects;
  total.allocated_objects += more.allocated_objects;
  for (const auto& [bytes, objects] : more.allocated_objects_by_class)
    total.allocated_objects_by_class[bytes] += objects;
  if (more.gc_cpu_ns) total.gc_cpu_ns = total.gc_cpu_ns.value_or(0) + *more.gc_cpu_ns;
}

void GcTotals::add(model::GcRecord& record) {
  model::GcCounters& before = of_process_[record.process];
  if (record.length_ns == 0) {
    const model::GcCounters& life = record.counted;
    if (life.cycles < before.cycles || life.allocated_bytes < before.allocated_bytes) before = {};
    record.counted = growth(before, life);
  }
  estimate::add(before, record.counted);
  estimate::add(total_, record.counted);
}

void GcTotals::forget_if(const std::function<bool(const model::ProcessKey&)>& has_ended) {
  std::erase_if(of_process_, [&](const auto& entry) { return has_ended(entry.first); });
}

std::optional<model::GcSummary> summarize_gc(const model::GcCounters& total, std::span<const model::GcRecord> records,
                                             std::span<const model::ProcessKey> running,
                                             std::optional<model::ProcessKey> ended_last) {
  if (records.empty() && total == model::GcCounters{}) return std::nullopt;
  model::GcSummary summary;
  summary.cycles = total.cycles;
  summary.pause_seconds = static_cast<double>(total.pause_ns) * kNanosecond;
  summary.allocated_bytes = total.allocated_bytes;
  if (objects_are_known(total)) {
    summary.allocated_objects = total.allocated_objects;
    summary.allocated_by_size_class.assign(total.allocated_objects_by_class.begin(),
                                           total.allocated_objects_by_class.end());
  }
  add_ratios(add_up(records), summary);
  summary.heap_of_ended_process = running.empty() && ended_last;
  if (summary.heap_of_ended_process) running = std::span(&*ended_last, 1);
  add_heaps(records, running, summary);
  return summary;
}

void add_runtime_rates(const model::GcSummary& gc, model::AllocationSummary& allocations) {
  if (allocations.per_second || allocations.bytes_per_second || !gc.allocated_bytes_per_second) return;
  const auto exactly = [](double value) { return model::Estimate{value, value, value}; };
  allocations.source = "runtime";
  allocations.bytes_per_second = exactly(*gc.allocated_bytes_per_second);
  if (gc.allocated_objects_per_second) allocations.per_second = exactly(*gc.allocated_objects_per_second);
  // the rate is of all processes there were, the last heap is of one
  if (gc.live_bytes && *gc.live_bytes > 0 && !gc.heap_of_ended_process) {
    allocations.heap_turnover_per_second =
        exactly(*gc.allocated_bytes_per_second / static_cast<double>(*gc.live_bytes));
  }
}

}  // namespace poolscope::estimate

#include "probes/collectors/pool_probes.h"

#include <algorithm>
#include <utility>

#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::probes {
namespace {

// How soon a window that the kernel closed is noticed. In a virtual machine each look takes up to 70 us of a CPU that the process may be on.
constexpr std::uint64_t kPollNs = 1'000'000;
constexpr std::uint64_t kDeadlineGraceNs = 2'000'000;
// A thread can lose its processor between the time of an event and writing it; later than this is too late.
constexpr std::uint64_t kLateNs = 100'000'000;

template <typename T>
void store(T& shared, T value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}
template <typename T>
T load(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}

model::Histogram histogram_of(const __u32* buckets, unsigned count) {
  model::Histogram histogram;
  for (unsigned bucket = 0; bucket < count; ++bucket) {
    if (buckets[bucket] > 0) histogram.add_bucket(bucket, buckets[bucket]);
  }
  return histogram;
}

std::map<std::string, std::uint64_t> dropped_of(const pool_control& control) {
  std::map<std::string, std::uint64_t> dropped;
  if (control.dropped_pools > 0) dropped["pools_full"] = control.dropped_pools;
  if (control.dropped_objects > 0) dropped["objects_full"] = control.dropped_objects;
  if (control.dropped_reads > 0) dropped["memory_unreadable"] = control.dropped_reads;
  if (control.dropped_order > 0) dropped["order_full"] = control.dropped_order;
  return dropped;
}

model::PoolSums sums_of(const pool_sums& sums, bool objects_followed) {
  model::PoolSums result;
  result.gets = sums.gets;
  result.misses = sums.misses;
  result.puts = sums.puts;
  result.nil_puts = sums.nil_puts;
  result.regrowths = sums.regrowths;
  result.hold_ns = histogram_of(sums.hold_ns, PS_LOG_LINEAR_BUCKETS);
  result.sized_puts = sums.sized_puts;
  result.other_elements = sums.other_types;
  result.empty_puts = sums.empty_puts;
  result.needed_bytes = histogram_of(sums.needed_bytes, POOL_SIZE_BUCKETS);
  result.buffer_bytes = histogram_of(sums.buffer_bytes, POOL_SIZE_BUCKETS);
  result.regrowths_known = objects_followed;
  result.put_twice = sums.put_twice;
  return result;
}

Failure<BurstFailure> failed(BurstFailure::Reason reason, std::string detail) {
  return Failure{BurstFailure{reason, std::move(detail)}};
}

}  // namespace

Result<PoolSlot, BurstFailure> PoolProbes::open_slot(const std::vector<PoolSite>& sites, When when) {
  auto slot = programs_.acquire(static_cast<std::uint32_t>(process_.pid));
  if (!slot) return failed(BurstFailure::Reason::kNoSlot, "all slots for pool probes are taken");
  slot->control().old_pools = old_pools();
  if (when == When::kAtRandomMoment) slot->wait_for_random_moment();
  if (auto error = slot->attach(sites)) return failed(BurstFailure::Reason::kAttach, attach::describe(*error));
  return std::move(*slot);
}

std::optional<BurstFailure> PoolProbes::watch(bool misses) {
  if (watch_ && watch_->misses == misses) return std::nullopt;
  watch_.reset();
  const auto sites = watch_sites(misses);
  if (sites.empty()) return std::nullopt;
  auto slot = open_slot(sites, When::kNow);
  if (!slot) return slot.error();
  store(slot->control().armed, 1u);
  const bool has_misses =
      std::ranges::any_of(sites, [](const PoolSite& site) { return site.point.role == POOL_ROLE_MISS; });
  watch_.emplace(Watch{std::move(*slot), misses, has_misses, process::monotonic_ns(), 0, 0, 0, {}});
  return std::nullopt;
}

model::PoolWatchRecord PoolProbes::take_watch() {
  model::PoolWatchRecord record;
  record.process = process_;
  if (!watch_) return record;
  const auto& control = std::as_const(watch_->slot).control();
  const PoolResults results = watch_->slot.read();
  const std::uint64_t now_ns = process::monotonic_ns(), hits = load(control.hits),
                      collections = load(control.collections), charge_ns = load(control.charge_ns);
  record.start_ns = watch_->since_ns;
  record.length_ns = now_ns - watch_->since_ns;
  record.misses_watched = watch_->has_misses;
  record.collections_watched = watches_collections();
  record.collections = collections - std::exchange(watch_->collections, collections);
  record.probe_hits = hits - std::exchange(watch_->hits, hits);
  record.charge_ns = charge_ns - std::exchange(watch_->charge_ns, charge_ns);
  watch_->since_ns = now_ns;
  for (const auto& [key, sums] : results.sums) {
    auto& [misses, thrown_away] = watch_->seen[{key.pool, key.number}];
    model::PoolWatchSums& pool = record.pools.emplace_back();
    model::PoolSums described;
    describe(key, 0, described);
    pool.pool = std::move(described.pool);
    pool.misses = sums.misses - std::exchange(misses, sums.misses);
    pool.thrown_away = sums.thrown_away - std::exchange(thrown_away, sums.thrown_away);
  }
  return record;
}

model::PoolBurstRecord PoolProbes::burst_record(PoolSlot& slot, PoolOrder& order, std::uint64_t end_ns) {
  const PoolResults results = slot.read();
  learn(results);
  model::PoolBurstRecord record;
  record.process = process_;
  record.probe_hits = slot.control().hits;
  record.charge_ns = slot.control().charge_ns;
  record.dropped = dropped_of(slot.control());
  on_read(slot);
  record.in_order = slot.control().in_order != 0;
  order.add(slot.take_order());
  auto ordered = order.finish(end_ns);
  const bool is_complete =
      record.in_order && !order.is_broken() && slot.control().dropped_order == 0 && slot.control().dropped_pools == 0;
  if (order.is_broken()) record.dropped["order_late"] = 1;
  const bool reads_idle = process::monotonic_ns() - idle_read_ns_ >= kIdleEveryNs;
  if (reads_idle) idle_read_ns_ = process::monotonic_ns();
  for (const auto& [key, sums] : results.sums) {
    model::PoolSums pool = sums_of(sums, slot.control().follows_objects != 0);
    if (is_complete) pool.order = std::move(ordered[{key.pool, key.number}]);
    describe(key, sums.type, pool);
    if (reads_idle) pool.idle = idle_of(key);
    record.pools.push_back(std::move(pool));
  }
  return record;
}

ClockReading PoolProbes::read_clocks(const CpuClock& clock) const {
  return probes::read_clocks(process_.pid, clock, allocated_bytes_address_);
}

std::optional<BurstFailure> PoolProbes::begin_burst(CpuClock clock, const PoolLimits& limits) {
  auto sites = burst_sites(limits.follows_objects || limits.in_order);
  for (auto& site : sites) {
    const bool writes = limits.in_order && site.point.role != POOL_ROLE_CLEANUP;  // that one says itself what it took
    if (writes) site.point.cost_ns += static_cast<__u32>(programs_.order_extra_ns());
  }
  if (auto enabled = clock.enable(); !enabled) {
    return BurstFailure{BurstFailure::Reason::kTaskClock, process::describe(enabled.error())};
  }
  auto slot = open_slot(sites, When::kAtRandomMoment);
  if (!slot) return slot.error();
  if (limits.in_order) slot->start_order();
  on_open(*slot);
  open_burst_.emplace(OpenBurst{std::move(*slot), std::move(clock), 0, {}, 0, {}});
  const PromptSection prompt;
  pool_control& control = open_burst_->slot.control();
  control.hit_limit = limits.hits;
  control.follows_objects = limits.follows_objects ? 1 : 0;
  control.deadline_ns = process::monotonic_ns() + limits.length_ns + kDeadlineGraceNs;
  open_burst_->hits_before = load(control.hits);
  store(control.armed, 1u);
  open_burst_->begin = read_clocks(open_burst_->clock);
  return std::nullopt;
}

bool PoolProbes::open_burst_stopped() const {
  return open_burst_ && load(open_burst_->slot.control().stop) != POOL_STOP_NONE;
}

// The probes go before anything is read: until then the target pays. Hits that come nevertheless are part of the charge.
void PoolProbes::close_window() {
  const PromptSection prompt;
  pool_control& control = open_burst_->slot.control();
  store(control.armed, 0u);
  open_burst_->end = read_clocks(open_burst_->clock);
  open_burst_->hits = load(control.hits) - open_burst_->hits_before;
  open_burst_->slot.detach();
  process::sleep_until_ns(process::monotonic_ns() + kSettleNs);
}

Result<model::PoolBurstRecord, BurstFailure> PoolProbes::end_burst() {
  if (!open_burst_->end) close_window();
  OpenBurst burst = std::move(*std::exchange(open_burst_, std::nullopt));
  const pool_control& control = burst.slot.control();
  if (control.stop == POOL_STOP_FORK) {
    return failed(BurstFailure::Reason::kTargetForked, "the process forked during the burst");
  }
  const std::uint64_t counted = control.window_hits;
  const bool stopped = control.stop != POOL_STOP_NONE;
  const std::uint64_t end_ns = stopped ? control.stopped_ns : burst.end->time_ns;
  PoolOrder order;
  model::PoolBurstRecord record = burst_record(burst.slot, order, end_ns);
  const double part =
      stopped && burst.hits > counted ? static_cast<double>(counted) / static_cast<double>(burst.hits) : 1;
  record.window = window_between(burst.begin, *burst.end, end_ns, part);
  record.window.probe_hits = counted;
  record.window.charge_ns = control.window_charge_ns;
  record.window.ended_by_count = control.stop == POOL_STOP_HIT_LIMIT;
  return record;
}

Result<model::PoolBurstRecord, BurstFailure> PoolProbes::burst(CpuClock clock, const PoolLimits& limits) {
  if (auto failure = take_window(std::move(clock), limits)) return Failure{std::move(*failure)};
  return end_burst();
}

std::optional<BurstFailure> PoolProbes::take_window(CpuClock clock, const PoolLimits& limits) {
  if (auto failure = begin_burst(std::move(clock), limits)) return failure;
  const PromptSection prompt;
  const auto& control = std::as_const(open_burst_->slot).control();
  const std::uint64_t end_ns = open_burst_->begin.time_ns + limits.length_ns;
  for (std::uint64_t now = process::monotonic_ns(); now < end_ns && load(control.stop) == POOL_STOP_NONE;
       now = process::monotonic_ns()) {
    open_burst_->slot.keep_way_open();
    process::sleep_until_ns(std::min(end_ns, now + kPollNs));
  }
  close_window();
  return std::nullopt;
}

std::optional<BurstFailure> PoolProbes::start_exact() {
  auto slot = open_slot(burst_sites(true), When::kNow);
  if (!slot) return slot.error();
  slot->control().follows_objects = 1;
  slot->start_order();
  on_open(*slot);
  const std::uint64_t cpu_ns = process::cpu_time_ns(process_.pid).value_or(0);
  store(slot->control().armed, 1u);
  exact_.emplace(Exact{std::move(*slot), process::monotonic_ns(), cpu_ns, cpu_ns, {}});
  return std::nullopt;
}

void PoolProbes::keep_up() {
  if (!exact_) return;
  learn(exact_->slot.read());
  exact_->last_cpu_ns = process::cpu_time_ns(process_.pid).value_or(exact_->last_cpu_ns);
  const std::uint64_t now_ns = process::monotonic_ns();
  on_read(exact_->slot);
  exact_->order.add(exact_->slot.take_order());
  exact_->order.advance(now_ns - std::min(now_ns, kLateNs));
}

model::PoolBurstRecord PoolProbes::read_exact() {
  model::PoolBurstRecord record = burst_record(exact_->slot, exact_->order, process::monotonic_ns());
  record.exact = true;
  record.window.start_ns = exact_->start_ns;
  record.window.length_ns = process::monotonic_ns() - exact_->start_ns;
  const std::uint64_t cpu_ns = process::cpu_time_ns(process_.pid).value_or(exact_->last_cpu_ns);
  record.window.cpu_ns = cpu_ns - std::min(cpu_ns, exact_->cpu_ns);
  record.window.probe_hits = record.probe_hits;
  record.window.charge_ns = record.charge_ns;
  return record;
}

}  // namespace poolscope::probes

#include "probes/collectors/go_pools.h"

#include <algorithm>
#include <utility>

#include "probes/collectors/burst_clock.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::probes {
namespace {

constexpr std::uint64_t kPollNs = 200'000;
constexpr std::uint64_t kDeadlineGraceNs = 2'000'000;

template <typename T>
void store(T& shared, T value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}
template <typename T>
T load(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}

pool_value place_of(const go::ValueLocation& location) {
  if (location.kind == go::ValueLocation::Kind::kRegister) {
    return {POOL_PLACE_REGISTER, static_cast<__u16>(go::ValueFlow::number(location.reg)), 0};
  }
  return {POOL_PLACE_STACK, 0, location.rsp_offset};
}
pool_value place_of(const std::optional<go::ValueLocation>& location) {
  return location ? place_of(*location) : pool_value{};
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
  return dropped;
}

// `objects`: empty when they were not followed, or a collection came in between and what was seen before it means nothing.
model::PoolSums sums_of(const pool_sums& sums, std::uint64_t pool, const std::vector<pool_object>& objects) {
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
  if (objects.empty()) return result;
  result.misuse.followed_gets = sums.followed_gets;
  result.misuse.put_twice = sums.put_twice;
  result.misuse.never_put = static_cast<std::uint64_t>(std::ranges::count_if(
      objects, [&](const pool_object& object) { return object.pool == pool && object.state == POOL_OBJECT_BORROWED; }));
  return result;
}

Failure<BurstFailure> failed(BurstFailure::Reason reason, std::string detail) {
  return Failure{BurstFailure{reason, std::move(detail)}};
}

}  // namespace

std::string reason_label(GoPoolsError::Reason reason) {
  switch (reason) {
    case GoPoolsError::Reason::kNotGo:
      return "not_go";
    case GoPoolsError::Reason::kUnreadable:
      return "unreadable";
    case GoPoolsError::Reason::kNoPools:
      return "no_pools";
    case GoPoolsError::Reason::kNoProbePoint:
      return "no_probe_point";
  }
  return "failed";
}

GoPools::GoPools(PoolPrograms& programs, const ProcessImage& image, const LoadedObject& object,
                 std::uint64_t hit_cost_ns)
    : programs_(programs), process_(image.key()), object_(object), hit_cost_ns_(hit_cost_ns) {}

Result<std::unique_ptr<GoPools>, GoPoolsError> GoPools::open(PoolPrograms& programs, const ProcessImage& image,
                                                             std::uint64_t hit_cost_ns) {
  using Reason = GoPoolsError::Reason;
  const auto status = process::read_status(image.key().pid);
  const auto& objects = image.objects();
  const auto object = std::ranges::find_if(
      objects, [&](const LoadedObject& each) { return status && each.mapped.path == status->executable; });
  if (object == objects.end() || object->file->image() == nullptr) {
    return Failure{GoPoolsError{Reason::kUnreadable, "the program file of the process cannot be read"}};
  }
  std::unique_ptr<GoPools> pools(new GoPools(programs, image, *object, hit_cost_ns));
  auto program = go::GoProgram::open(*pools->object_.file);
  if (!program) {
    const bool not_go = program.error().reason == go::GoProgramError::Reason::kNotGo;
    return Failure{GoPoolsError{not_go ? Reason::kNotGo : Reason::kUnreadable, go::describe(program.error())}};
  }
  pools->program_ = std::move(*program);
  if (auto error = pools->find_points()) return Failure{std::move(*error)};
  return pools;
}

std::optional<GoPoolsError> GoPools::find_points() {
  using Reason = GoPoolsError::Reason;
  auto points = go::find_pool_points(*program_);
  if (!points) return GoPoolsError{Reason::kNoPools, go::describe(points.error())};
  points_ = std::move(*points);
  if (!points_.get || !points_.put) {
    const auto state = points_.get ? points_.put_state : points_.get_state;
    return GoPoolsError{Reason::kNoProbePoint,
                        object_.mapped.path + ": sync.Pool cannot be probed: " + go::text_of(state)};
  }
  constexpr std::uint32_t kUsualNewOffset = 0x20;  // since Go 1.13
  names_.emplace(*program_, process_.pid, object_.bias, points_.new_offset.value_or(kUsualNewOffset));
  return std::nullopt;
}

std::string GoPools::caveat() const {
  if (program_->has_race_detector()) return "built with -race: sync.Pool drops a quarter of the puts at random";
  if (!points_.get->tells_outcome && !points_.miss) {
    return std::string("misses are not seen: ") + go::text_of(points_.miss_state);
  }
  return program_->verification_text();
}

PoolSite GoPools::site(const go::PoolPoint& point, pool_role role) const {
  PoolSite result{object_.open_path, object_.mapped.path, point.file_offset, {}};
  result.point.role = role;
  result.point.flags_mask = point.count_when.mask;
  result.point.flags_value = point.count_when.value;
  if (point.tells_outcome && role == POOL_ROLE_GET) {
    result.point.miss_mask = result.point.miss_value = go::kZeroFlag;
  }
  if (point.tells_outcome && role == POOL_ROLE_PUT) {
    result.point.nil_mask = result.point.nil_value = go::kZeroFlag;
  }
  result.point.pool = place_of(point.pool);
  result.point.object = place_of(point.data);
  result.point.type = place_of(point.type);
  return result;
}

std::vector<PoolSite> GoPools::burst_sites() const {
  std::vector<PoolSite> sites{site(*points_.get, POOL_ROLE_GET), site(*points_.put, POOL_ROLE_PUT)};
  if (!points_.get->tells_outcome && points_.miss) sites.push_back(site(*points_.miss, POOL_ROLE_MISS));
  if (const auto cleanup = cleanup_site()) sites.push_back(*cleanup);
  return sites;
}

std::optional<PoolSite> GoPools::cleanup_site() const {
  if (!points_.pool_cleanup_address) return std::nullopt;
  const auto offset = object_.file->file_offset(*points_.pool_cleanup_address);
  if (!offset) return std::nullopt;
  PoolSite result{object_.open_path, object_.mapped.path, *offset, {}};
  result.point.role = POOL_ROLE_CLEANUP;
  return result;
}

Result<PoolSlot, BurstFailure> GoPools::open_slot(const std::vector<PoolSite>& sites) {
  auto slot = programs_.acquire(static_cast<std::uint32_t>(process_.pid));
  if (!slot) return failed(BurstFailure::Reason::kNoSlot, "all slots for pool probes are taken");
  if (points_.old_pools_address) slot->control().old_pools = *points_.old_pools_address + object_.bias;
  if (auto error = slot->attach(sites)) return failed(BurstFailure::Reason::kAttach, attach::describe(*error));
  return std::move(*slot);
}

std::optional<BurstFailure> GoPools::watch(bool misses) {
  misses = misses && points_.miss;
  if (watch_ && watch_->misses == misses) return std::nullopt;
  watch_.reset();
  std::vector<PoolSite> sites;
  if (misses) sites.push_back(site(*points_.miss, POOL_ROLE_MISS));
  if (const auto cleanup = cleanup_site()) sites.push_back(*cleanup);
  if (sites.empty()) return std::nullopt;
  auto slot = open_slot(sites);
  if (!slot) return slot.error();
  store(slot->control().armed, 1u);
  watch_.emplace(Watch{std::move(*slot), misses, process::monotonic_ns(), 0, 0, {}});
  return std::nullopt;
}

model::PoolWatchRecord GoPools::take_watch() {
  model::PoolWatchRecord record;
  record.process = process_;
  if (!watch_) return record;
  const auto& control = std::as_const(watch_->slot).control();
  const PoolResults results = watch_->slot.read();
  const std::uint64_t now_ns = process::monotonic_ns(), hits = load(control.hits),
                      collections = load(control.collections);
  record.start_ns = watch_->since_ns;
  record.length_ns = now_ns - watch_->since_ns;
  record.misses_watched = watch_->misses;
  record.collections_watched = points_.pool_cleanup_address && points_.old_pools_address;
  record.collections = collections - std::exchange(watch_->collections, collections);
  record.probe_hits = hits - std::exchange(watch_->hits, hits);
  record.charge_ns = record.probe_hits * hit_cost_ns_;
  watch_->since_ns = now_ns;
  for (const auto& [key, sums] : results.sums) {
    auto& [misses, thrown_away] = watch_->seen[key.pool];
    model::PoolWatchSums& pool = record.pools.emplace_back();
    pool.pool = names_->identity(key.pool, 0);
    pool.misses = sums.misses - std::exchange(misses, sums.misses);
    pool.thrown_away = sums.thrown_away - std::exchange(thrown_away, sums.thrown_away);
  }
  return record;
}

void GoPools::learn(const PoolResults& results) {
  for (const auto& [key, sums] : results.sums) {
    if (sums.type == 0) continue;
    const auto element = names_->element(sums.type);
    if (element) programs_.set_element({sums.type, static_cast<__u64>(process_.pid)}, *element);
  }
}

model::PoolBurstRecord GoPools::burst_record(const PoolSlot& slot) {
  const PoolResults results = slot.read();
  learn(results);
  model::PoolBurstRecord record;
  record.process = process_;
  record.misses_known = points_.get->tells_outcome || points_.miss;
  record.probe_hits = slot.control().hits;
  record.charge_ns = record.probe_hits * hit_cost_ns_;
  record.dropped = dropped_of(slot.control());
  const bool followed = slot.control().collections == 0;
  for (const auto& [key, sums] : results.sums) {
    model::PoolSums pool = sums_of(sums, key.pool, followed ? results.objects : std::vector<pool_object>{});
    pool.pool = names_->identity(key.pool, sums.type);
    pool.object_bytes = names_->object_bytes(sums.type);
    record.pools.push_back(std::move(pool));
  }
  return record;
}

std::optional<BurstFailure> GoPools::begin_burst(process::TaskClock clock, const PoolLimits& limits) {
  auto slot = open_slot(burst_sites());
  if (!slot) return slot.error();
  if (auto enabled = clock.enable(); !enabled) {
    return BurstFailure{BurstFailure::Reason::kTaskClock, process::describe(enabled.error())};
  }
  open_burst_.emplace(OpenBurst{std::move(*slot), std::move(clock), 0, {}});
  pool_control& control = open_burst_->slot.control();
  control.hit_limit = limits.hits;
  control.follows_objects = limits.follows_objects ? 1 : 0;
  control.deadline_ns = process::monotonic_ns() + limits.length_ns + kDeadlineGraceNs;
  open_burst_->hits_before = load(control.hits);
  store(control.armed, 1u);
  open_burst_->begin = read_clocks(process_.pid, open_burst_->clock);
  return std::nullopt;
}

Result<model::PoolBurstRecord, BurstFailure> GoPools::end_burst() {
  OpenBurst burst = std::move(*std::exchange(open_burst_, std::nullopt));
  pool_control& control = burst.slot.control();
  store(control.armed, 0u);
  const ClockReading end = read_clocks(process_.pid, burst.clock);
  const std::uint64_t hits = load(control.hits) - burst.hits_before, counted = load(control.window_hits);
  if (control.stop == POOL_STOP_FORK) {
    return failed(BurstFailure::Reason::kTargetForked, "the process forked during the burst");
  }
  model::PoolBurstRecord record = burst_record(burst.slot);
  const bool stopped = control.stop != POOL_STOP_NONE;
  const double part = stopped && hits > counted ? static_cast<double>(counted) / static_cast<double>(hits) : 1;
  record.window = window_between(burst.begin, end, stopped ? control.stopped_ns : end.time_ns, part);
  record.window.probe_hits = counted;
  record.window.charge_ns = counted * hit_cost_ns_;
  record.window.ended_by_count = control.stop == POOL_STOP_HIT_LIMIT;
  return record;
}

Result<model::PoolBurstRecord, BurstFailure> GoPools::burst(process::TaskClock clock, const PoolLimits& limits) {
  PromptSection prompt;
  if (auto failure = begin_burst(std::move(clock), limits)) return Failure{std::move(*failure)};
  const auto& control = std::as_const(open_burst_->slot).control();
  const std::uint64_t end_ns = open_burst_->begin.time_ns + limits.length_ns;
  for (std::uint64_t now = process::monotonic_ns(); now < end_ns && load(control.stop) == POOL_STOP_NONE;
       now = process::monotonic_ns()) {
    process::sleep_until_ns(std::min(end_ns, now + kPollNs));
  }
  return end_burst();
}

std::optional<BurstFailure> GoPools::start_exact() {
  auto slot = open_slot(burst_sites());
  if (!slot) return slot.error();
  slot->control().follows_objects = 1;
  const std::uint64_t cpu_ns = process::cpu_time_ns(process_.pid).value_or(0);
  store(slot->control().armed, 1u);
  exact_.emplace(Exact{std::move(*slot), process::monotonic_ns(), cpu_ns});
  return std::nullopt;
}

void GoPools::learn_types() {
  if (exact_) learn(exact_->slot.read());
}

model::PoolBurstRecord GoPools::read_exact() {
  model::PoolBurstRecord record = burst_record(exact_->slot);
  record.exact = true;
  record.window.start_ns = exact_->start_ns;
  record.window.length_ns = process::monotonic_ns() - exact_->start_ns;
  const std::uint64_t cpu_ns = process::cpu_time_ns(process_.pid).value_or(exact_->cpu_ns);
  record.window.cpu_ns = cpu_ns - std::min(cpu_ns, exact_->cpu_ns);
  record.window.probe_hits = record.probe_hits;
  record.window.charge_ns = record.charge_ns;
  return record;
}

}  // namespace poolscope::probes

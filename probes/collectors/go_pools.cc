#include "probes/collectors/go_pools.h"

#include <utility>

#include "probes/collectors/go_place.h"
#include "probes/go/pool_state.h"

namespace poolscope::probes {
namespace {

constexpr std::uint32_t kUsualNewOffset = 0x20;  // since Go 1.13

}  // namespace

std::string reason_label(GoPoolsError::Reason reason) {
  switch (reason) {
    case GoPoolsError::Reason::kNoPools:
      return "no_pools";
    case GoPoolsError::Reason::kNoProbePoint:
      return "no_probe_point";
  }
  return "failed";
}

GoPools::GoPools(PoolPrograms& programs, const model::ProcessKey& process,
                 std::shared_ptr<const GoExecutable> executable, const PoolHitCosts& costs)
    : PoolProbes(programs, process), executable_(std::move(executable)), costs_(costs), memory_(process.pid) {}

Result<std::unique_ptr<GoPools>, GoPoolsError> GoPools::open(PoolPrograms& programs, const model::ProcessKey& process,
                                                             std::shared_ptr<const GoExecutable> executable,
                                                             const PoolHitCosts& costs) {
  std::unique_ptr<GoPools> pools(new GoPools(programs, process, std::move(executable), costs));
  if (auto error = pools->find_points()) return Failure{std::move(*error)};
  return pools;
}

std::optional<GoPoolsError> GoPools::find_points() {
  using Reason = GoPoolsError::Reason;
  auto points = go::find_pool_points(program());
  if (!points) return GoPoolsError{Reason::kNoPools, go::describe(points.error())};
  points_ = std::move(*points);
  if (!points_.get || !points_.put) {
    const auto state = points_.get ? points_.put_state : points_.get_state;
    return GoPoolsError{Reason::kNoProbePoint,
                        object().mapped.path + ": sync.Pool cannot be probed: " + go::text_of(state)};
  }
  names_.emplace(program(), process_.pid, object().bias, points_.new_offset.value_or(kUsualNewOffset));
  return std::nullopt;
}

std::string GoPools::caveat() const {
  if (program().has_race_detector()) return "built with -race: sync.Pool drops a quarter of the puts at random";
  if (!points_.get->tells_outcome && !points_.miss) {
    return std::string("misses are not seen: ") + go::text_of(points_.miss_state);
  }
  return program().verification_text();
}

PoolSite GoPools::site(const go::PoolPoint& point, pool_role role) const {
  PoolSite result{object().open_path, object().mapped.path, point.file_offset, {}};
  result.point.role = role;
  result.point.cost_ns = static_cast<__u32>(costs_.emulated_ns);
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

std::vector<PoolSite> GoPools::burst_sites(bool follows_objects) const {
  std::vector<PoolSite> sites{site(*points_.get, POOL_ROLE_GET), site(*points_.put, POOL_ROLE_PUT)};
  if (!points_.get->tells_outcome && points_.miss) sites.push_back(site(*points_.miss, POOL_ROLE_MISS));
  if (const auto cleanup = cleanup_site(); cleanup && follows_objects) sites.push_back(*cleanup);
  return sites;
}

std::optional<PoolSite> GoPools::cleanup_site() const {
  if (!points_.pool_cleanup_address) return std::nullopt;
  const auto offset = object().file->file_offset(*points_.pool_cleanup_address);
  if (!offset) return std::nullopt;
  PoolSite result{object().open_path, object().mapped.path, *offset, {}};
  result.point.role = POOL_ROLE_CLEANUP;
  result.point.cost_ns = static_cast<__u32>(costs_.trap_ns + costs_.single_step_extra_ns);  // at +0
  return result;
}

std::vector<PoolSite> GoPools::watch_sites(bool misses) const {
  std::vector<PoolSite> sites;
  if (misses && points_.miss) sites.push_back(site(*points_.miss, POOL_ROLE_MISS));
  if (const auto cleanup = cleanup_site()) sites.push_back(*cleanup);
  return sites;
}

bool GoPools::watches_collections() const {
  return points_.pool_cleanup_address && points_.old_pools_address;
}

std::uint64_t GoPools::old_pools() const {
  return points_.old_pools_address ? *points_.old_pools_address + object().bias : 0;
}

void GoPools::describe(const pool_key& key, std::uint64_t type, model::PoolSums& sums) {
  sums.pool = names_->identity(key.pool, type);
  sums.object_bytes = names_->object_bytes(type);
  sums.misses_known = points_.get->tells_outcome || points_.miss;
}

void GoPools::learn(const PoolResults& results) {
  for (const auto& [key, sums] : results.sums) {
    if (sums.type == 0) continue;
    const auto element = names_->element(sums.type);
    if (element) programs_.set_element({sums.type, static_cast<__u64>(process_.pid)}, *element);
  }
}

// Only where New is where the layout that read_pool_state() knows has it.
std::optional<model::PoolIdle> GoPools::idle_of(const pool_key& key) {
  if (points_.new_offset.value_or(0) != kUsualNewOffset) return std::nullopt;
  const auto state = go::read_pool_state(memory_, key.pool);
  if (!state || !state->is_complete) return std::nullopt;
  model::PoolIdle idle{state->idle, 0, 0};
  for (const go::IdleObject& object : state->sample) {
    const auto capacity_bytes = names_->capacity_bytes(object.type, object.data);
    if (!capacity_bytes) continue;
    ++idle.sampled;
    idle.sampled_bytes += *capacity_bytes;
  }
  return idle;
}

}  // namespace poolscope::probes

#include "probes/collectors/pool_calibration.h"

#include <algorithm>

#include <sched.h>

#include "probes/collectors/calibrated_functions.h"
#include "probes/collectors/calibration_child.h"

namespace poolscope::probes {
namespace {

using attach::AttachError;

PoolSite site_of(const CalibratedFunctions& functions, const PlannedFunction& function, pool_role role) {
  PoolSite site{functions.plan.objects.front().open_path, "the calibration child", function.entry.file_offset, {}};
  site.point.role = role;
  const auto argument = static_cast<__u16>(function.entry.arguments.front());
  (role == POOL_ROLE_GET ? site.point.size : site.point.object) = {POOL_PLACE_REGISTER, argument, 0};
  return site;
}

}  // namespace

Result<PoolHitPrices, AttachError> calibrate_pool_hits(PoolPrograms& programs, attach::Detacher& detacher) {
  const int cpu = sched_getcpu();
  auto child = CalibrationChild::start(CalibrationChild::Confinement::kNone, cpu);
  auto plain = CalibrationChild::start(CalibrationChild::Confinement::kNone, cpu);
  if (!child || !plain) return Failure{calibration_failure("it could not be forked")};
  const auto functions = find_calibrated_functions(*child);
  if (!functions) return Failure{functions.error()};
  detacher.wait_idle();
  auto slot = programs.acquire(static_cast<std::uint32_t>(child->pid()));
  if (!slot) return Failure{calibration_failure("all slots for pool probes are taken")};
  if (auto error = slot->attach({site_of(*functions, *functions->allocate, POOL_ROLE_GET),
                                 site_of(*functions, *functions->release, POOL_ROLE_PUT)})) {
    return Failure{std::move(*error)};
  }
  slot->control().armed = 1;
  const auto counted = price_pair(*child, *plain);
  slot->start_order();
  const auto in_order = price_pair(*child, *plain);
  if (!counted || !in_order) return Failure{calibration_failure("it died")};
  if (slot->control().hits < 2ull * kCalibrationRounds * kPairsPerRound)
    return Failure{calibration_failure("hits were not counted")};
  return PoolHitPrices{static_cast<std::uint64_t>(std::max(counted->extra_ns / 2, 1.0)),
                       static_cast<std::uint64_t>(std::max((in_order->extra_ns - counted->extra_ns) / 2, 0.0))};
}

}  // namespace poolscope::probes

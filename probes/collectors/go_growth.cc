#include "probes/collectors/go_growth.h"

#include <algorithm>
#include <utility>

#include "probes/collectors/go_place.h"
#include "probes/go/function_names.h"

namespace poolscope::probes {
namespace {

constexpr const char* kRuntime = "runtime";

}  // namespace

GoGrowth::GoGrowth(PoolPrograms& programs, const model::ProcessKey& process,
                   std::shared_ptr<const GoExecutable> executable, const go::GrowthPoints& points,
                   const PoolHitCosts& costs)
    : PoolProbes(programs, process), executable_(std::move(executable)), points_(points), costs_(costs) {}

Result<std::unique_ptr<GoGrowth>, go::GrowthPointsError> GoGrowth::open(PoolPrograms& programs,
                                                                        const model::ProcessKey& process,
                                                                        std::shared_ptr<const GoExecutable> executable,
                                                                        const PoolHitCosts& costs) {
  const auto points = go::find_growth_points(*executable->program);
  if (!points) return Failure{points.error()};
  return std::unique_ptr<GoGrowth>(new GoGrowth(programs, process, std::move(executable), *points, costs));
}

std::vector<PoolSite> GoGrowth::burst_sites(bool) const {
  const LoadedObject& object = executable_->object;
  PoolSite call{object.open_path, object.mapped.path, points_.call_offset, {}};
  call.point.role = POOL_ROLE_GROWTH_CALL;
  call.point.cost_ns = static_cast<__u32>(costs_.emulated_ns);
  call.point.flags_mask = points_.count_call_when.mask;
  call.point.flags_value = points_.count_call_when.value;
  call.point.size = place_of(points_.old_capacity);
  call.point.type = place_of(points_.type);
  PoolSite copy{object.open_path, object.mapped.path, points_.copy_offset, {}};
  copy.point.role = POOL_ROLE_GROWTH_COPY;
  copy.point.cost_ns = static_cast<__u32>(costs_.emulated_ns);
  copy.point.pool = place_of(points_.old_array);
  copy.point.object = place_of(points_.new_array);
  copy.point.size = place_of(points_.new_capacity);
  copy.point.type = place_of(points_.copied_bytes);
  return {call, copy};
}

// A stripped program has no symbols, but the table that the runtime itself needs.
model::Frame GoGrowth::frame_of(std::uint64_t return_address, ProcessImage& image) const {
  model::Frame frame = image.call_frame(return_address);
  const std::uint64_t in_call = return_address - executable_->object.bias - 1;
  if (const auto function = executable_->program->function_at(in_call)) {
    frame.symbol = function->name;
  }
  return frame;
}

// Up to the first caller that is not the runtime itself.
std::vector<model::Frame> GoGrowth::frames_of(const GrowthChains::Callers& callers, ProcessImage& image) const {
  std::vector<model::Frame> frames;
  for (const auto address : callers) {
    if (address == 0) break;
    frames.push_back(frame_of(address, image));
    if (go::package_of(frames.back().symbol) != kRuntime) break;
  }
  return frames;
}

void GoGrowth::on_open(PoolSlot& slot) {
  slot.start_growths();
}

void GoGrowth::on_read(PoolSlot& slot) {
  chains_.add(slot.take_growths());
}

model::BurstRecord GoGrowth::record_of(const model::PoolBurstRecord& burst, ProcessImage& image) {
  model::BurstRecord record;
  record.process = burst.process;
  record.kind = burst.exact ? model::BurstKind::kExact : model::BurstKind::kRate;
  record.allocation_window = burst.window;
  record.probe_hits = burst.probe_hits;
  record.charge_ns = burst.charge_ns;
  record.dropped = burst.dropped;
  std::map<std::vector<model::Frame>, model::GrowthChainCounts>
      merged;  // callers beyond the first outside do not matter
  for (auto& [callers, counts] : chains_.finish()) {
    auto frames = frames_of(callers, image);
    model::GrowthChainCounts& sum = merged[frames];
    sum.frames = std::move(frames);
    sum.chains += counts.chains;
    sum.steps += counts.steps;
    record.counts.reallocations += counts.steps;
    sum.copied_bytes += counts.copied_bytes;
    sum.first_bytes.merge(counts.first_bytes);
    sum.final_bytes.merge(counts.final_bytes);
  }
  for (auto& [frames, counts] : merged) record.growth_chains.push_back(std::move(counts));
  return record;
}

Result<model::BurstRecord, BurstFailure> GoGrowth::burst(CpuClock clock, const PoolLimits& limits,
                                                         ProcessImage& image) {
  auto burst = PoolProbes::burst(std::move(clock), limits);
  if (!burst) {
    (void)chains_.finish();
    return Failure{burst.error()};
  }
  return record_of(*burst, image);
}

void GoGrowth::keep_up() {
  PoolProbes::keep_up();
}

model::BurstRecord GoGrowth::read_exact(ProcessImage& image) {
  return record_of(PoolProbes::read_exact(), image);
}

}  // namespace poolscope::probes

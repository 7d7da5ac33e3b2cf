#include "probes/collectors/calibrated_functions.h"

#include <utility>

#include "probes/process/process.h"

namespace poolscope::probes {

using attach::AttachError;

AttachError calibration_failure(std::string cause) {
  return AttachError{AttachError::Reason::kSystem, "the calibration child", std::move(cause), 0};
}

Result<CalibratedFunctions, AttachError> find_calibrated_functions(const CalibrationChild& child) {
  ElfCache cache;
  const auto status = process::read_status(child.pid());
  if (!status) return Failure{calibration_failure(process::describe(status.error()))};
  auto image = ProcessImage::read(status->key, cache);
  if (!image) return Failure{calibration_failure(process::describe(image.error()))};
  auto plan = plan_allocators(*image);
  if (!plan) return Failure{calibration_failure(plan.error().detail)};
  CalibratedFunctions found{std::move(*image), std::move(*plan), nullptr, nullptr, std::nullopt};
  for (const auto& function : found.plan.objects.front().functions) {
    if (function.name == "malloc") found.allocate = &function;
    if (function.name == "free") found.release = &function;
  }
  if (found.allocate == nullptr || found.release == nullptr)
    return Failure{calibration_failure("malloc or free was not found in it")};
  for (const auto& object : found.image.objects()) {
    if (object.open_path != found.plan.objects.front().open_path) continue;
    auto entry =
        elf::entry_probe_point(*object.file, found.release->entry.function_address, elf::ProbeRequest{1, false});
    if (entry && entry->cost == elf::CostClass::kSingleStep) found.stepped = *entry;
  }
  return found;
}

}  // namespace poolscope::probes

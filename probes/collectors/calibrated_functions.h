#pragma once
// malloc and free of a CalibrationChild, and where they are probed.

#include <optional>
#include <string>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/calibration_child.h"
#include "probes/collectors/process_image.h"
#include "probes/elf/probe_point.h"

namespace poolscope::probes {

struct CalibratedFunctions {
  ProcessImage image;
  AllocatorPlan plan;
  const PlannedFunction* allocate = nullptr;  // in `plan`
  const PlannedFunction* release = nullptr;
  std::optional<elf::ProbePoint> stepped;  // an entry that must be single-stepped
};

[[nodiscard]] Result<CalibratedFunctions, attach::AttachError> find_calibrated_functions(const CalibrationChild& child);

// "the calibration child: CAUSE"
[[nodiscard]] attach::AttachError calibration_failure(std::string cause);

}  // namespace poolscope::probes

#include "agent/sampler/probing.h"

#include <utility>

namespace poolscope::sampler {

Result<std::unique_ptr<Probing>, attach::AttachError> Probing::start(const probes::LoadOptions& options) {
  std::unique_ptr<Probing> probing(new Probing);
  auto calibrated = probes::load_and_calibrate(options, probing->detacher_);
  if (!calibrated) return Failure{calibrated.error()};
  probing->programs_ = std::move(calibrated->programs);
  probing->calibration_ = calibrated->calibration;
  std::string why = "this kernel kills a process under a seccomp filter that meets a return probe";
  const auto survived = probes::return_probe_survives_seccomp(*probing->programs_, probing->detacher_, why);
  if (!survived.value_or(false)) probing->seccomp_refusal_ = why;
  return probing;
}

}  // namespace poolscope::sampler

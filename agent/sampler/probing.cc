#include "agent/sampler/probing.h"

#include <utility>

#include "probes/collectors/pool_calibration.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {

Result<std::unique_ptr<Probing>, attach::AttachError> Probing::start(const probes::LoadOptions& options) {
  std::unique_ptr<Probing> probing(new Probing);
  auto calibrated = probes::load_and_calibrate(options, probing->detacher_);
  if (!calibrated) return Failure{calibrated.error()};
  probing->programs_ = std::move(calibrated->programs);
  probing->calibration_ = calibrated->calibration;
  probing->pool_order_bytes_ = options.pool_order_bytes;
  std::string why = "this kernel kills a process under a seccomp filter that meets a return probe";
  const auto survived = probes::return_probe_survives_seccomp(*probing->programs_, probing->detacher_, why);
  if (!survived.value_or(false)) probing->seccomp_refusal_ = why;
  auto cpu_time = probes::CpuTimeProgram::start();
  if (cpu_time) {
    probing->cpu_time_ = std::move(*cpu_time);
  } else {
    probing->cpu_clock_problem_ = cpu_time.error().cause;
  }
  return probing;
}

attach::AttachMethod Probing::method() const {
  const bool perf = programs_->mode() == probes::ProgramMode::kPerfPair;
  return perf ? attach::AttachMethod::kPerfEvent : attach::AttachMethod::kUprobeMulti;
}

Result<probes::PoolPrograms*, attach::AttachError> Probing::pool_programs() {
  if (pool_programs_) return pool_programs_.get();
  auto loaded = probes::PoolPrograms::load(method(), detacher_, pool_order_bytes_);
  if (!loaded) return Failure{loaded.error()};
  pool_programs_ = std::move(*loaded);
  if (const auto prices = probes::calibrate_pool_hits(*pool_programs_, detacher_)) {
    pool_hit_ns_ = prices->hit_ns;
    pool_programs_->set_order_extra_ns(prices->order_extra_ns);
  }
  return pool_programs_.get();
}

bool Probing::sleep_until_stop(std::uint64_t when_ns) {
  if (pool_programs_) return pool_programs_->sleep_until_stop(when_ns);
  process::sleep_until_ns(when_ns);
  return false;
}

std::optional<probes::CpuSamples*> Probing::cpu_samples() {
  if (cpu_samples_problem_) return std::nullopt;
  if (!cpu_samples_) {
    auto started = probes::CpuSamples::start();
    if (!started) {
      cpu_samples_problem_ = {attach::reason_label(started.error().reason), attach::describe(started.error())};
      return std::nullopt;
    }
    cpu_samples_ = std::move(*started);
    set_cpu_ratio(cpu_ratio_);
  }
  return cpu_samples_.get();
}

bool Probing::processes_changed_since(std::uint64_t looked_ns) {
  if (!std::exchange(tried_process_changes_, true)) {
    if (auto started = probes::ProcessChanges::start()) process_changes_ = std::move(*started);
    return true;  // nobody watched until now
  }
  return process_changes_ == nullptr || process_changes_->any_since(looked_ns);
}

void Probing::set_cpu_ratio(double cpu_ratio) {
  cpu_ratio_ = cpu_ratio;
  if (cpu_samples_) can_pay_cpu_samples_ = cpu_samples_->limit_cpu_ratio(kCpuSamplesShare * cpu_ratio);
}

std::optional<probes::GcProbing> Probing::gc_probing() {
  if (!gc_programs_) {
    auto loaded = probes::GoGcPrograms::load(method());
    if (!loaded) return std::nullopt;
    gc_programs_ = std::move(*loaded);
  }
  return probes::GcProbing{*gc_programs_, detacher_, calibration_.costs.emulated_ns[ALLOC_HIT_RATE]};
}

}  // namespace poolscope::sampler

#pragma once
// Probing: what every measurement shares: loaded programs, their calibrated prices, parsed ELF files, the detacher.
//   Threads   start() before any other thread exists (it forks); the rest from one thread.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/calibration.h"
#include "probes/collectors/code_parts.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/collectors/cpu_samples.h"
#include "probes/collectors/custom_pool_spec.h"
#include "probes/collectors/go_runtime.h"
#include "probes/collectors/pool_probes.h"
#include "probes/collectors/pool_programs.h"
#include "probes/collectors/process_changes.h"
#include "probes/collectors/process_image.h"

namespace poolscope::sampler {

class Probing {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Probing>, attach::AttachError> start(const probes::LoadOptions& options);

  [[nodiscard]] probes::AllocPrograms& programs() { return *programs_; }
  [[nodiscard]] attach::Detacher& detacher() { return detacher_; }
  [[nodiscard]] const probes::Calibration& calibration() const { return calibration_; }
  [[nodiscard]] probes::ElfCache& elf_cache() { return elf_cache_; }

  // The programs that look at pools, loaded when first asked for.
  [[nodiscard]] Result<probes::PoolPrograms*, attach::AttachError> pool_programs();
  // Until then, or until a burst on pools has met more than it was planned for and stopped: true then.
  [[nodiscard]] bool sleep_until_stop(std::uint64_t when_ns);
  // The pools that the configuration describes; processes that are prepared from now on are searched for them.
  void set_custom_pools(std::vector<probes::CustomPoolSpec> specs) { custom_pools_ = std::move(specs); }
  [[nodiscard]] const std::vector<probes::CustomPoolSpec>& custom_pools() const { return custom_pools_; }

  // The program that sees garbage collections of Go, loaded when first asked for; nothing where it cannot be.
  [[nodiscard]] std::optional<probes::GcProbing> gc_probing();
  // Price of one hit of pool_programs(), calibrated when they were loaded; before that, or where it could not be, that of a counted
  // free.
  [[nodiscard]] probes::PoolHitCosts pool_hit_costs() const {
    const probes::HitCosts& costs = calibration_.costs;
    return {pool_hit_ns_.value_or(costs.emulated_ns[ALLOC_HIT_FREE]), costs.single_step_extra_ns,
            costs.emulated_ns[ALLOC_HIT_RATE]};
  }

  // Samples of CPU time, started when first asked for; nullopt where they cannot be had (cpu_samples_problem()).
  [[nodiscard]] std::optional<probes::CpuSamples*> cpu_samples();
  struct CpuSamplesProblem {
    std::string reason, detail;
  };
  [[nodiscard]] const std::optional<CpuSamplesProblem>& cpu_samples_problem() const { return cpu_samples_problem_; }
  // What all probes may take of a target: samples take at most kCpuSamplesShare of that.
  static constexpr double kCpuSamplesShare = 0.2;
  void set_cpu_ratio(double cpu_ratio);
  [[nodiscard]] bool can_pay_cpu_samples() const { return can_pay_cpu_samples_; }
  // Hands out samples that came in; some times a second.
  void poll_cpu_samples(std::uint64_t now_ns) {
    if (cpu_samples_) cpu_samples_->poll(now_ns);
  }
  [[nodiscard]] probes::PartsCache& code_parts() { return code_parts_; }

  [[nodiscard]] Result<probes::CpuClock, process::TaskClockError> open_cpu_clock(pid_t pid) const {
    return probes::CpuClock::open(cpu_time_.get(), pid);
  }

  // Why CPU time in bursts holds what a hypervisor takes; nothing where it does not. Tried by start().
  [[nodiscard]] const std::optional<std::string>& cpu_clock_problem() const { return cpu_clock_problem_; }

  // Whether a look at /proc that began at `looked_ns` may have missed a process: always true where events cannot be had.
  [[nodiscard]] bool processes_changed_since(std::uint64_t looked_ns);

  // Why return probes must not be placed in processes under a seccomp filter; nothing when they may. Tried by start().
  [[nodiscard]] const std::optional<std::string>& seccomp_refusal() const { return seccomp_refusal_; }

 private:
  Probing() = default;
  std::unique_ptr<probes::AllocPrograms> programs_;
  probes::Calibration calibration_;
  probes::ElfCache elf_cache_;
  std::optional<std::string> seccomp_refusal_;
  std::vector<probes::CustomPoolSpec> custom_pools_;
  [[nodiscard]] attach::AttachMethod method() const;
  std::uint32_t pool_order_bytes_ = 0;
  std::unique_ptr<probes::PoolPrograms> pool_programs_;
  std::optional<std::uint64_t> pool_hit_ns_;
  std::unique_ptr<probes::GoGcPrograms> gc_programs_;
  std::unique_ptr<probes::CpuSamples> cpu_samples_;
  std::optional<CpuSamplesProblem> cpu_samples_problem_;
  std::unique_ptr<probes::ProcessChanges> process_changes_;
  std::unique_ptr<probes::CpuTimeProgram> cpu_time_;  // nullptr: this kernel has no such walk
  std::optional<std::string> cpu_clock_problem_;
  bool tried_process_changes_ = false;
  double cpu_ratio_ = 0.01;
  bool can_pay_cpu_samples_ = true;
  probes::PartsCache code_parts_;
  attach::Detacher detacher_;  // last: its worker must end before the programs go
};

}  // namespace poolscope::sampler

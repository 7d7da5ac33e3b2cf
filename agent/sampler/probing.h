#pragma once
// Probing: what every measurement shares: loaded programs, their calibrated prices, parsed ELF files, the detacher.
//   Threads   start() before any other thread exists (it forks); the rest from one thread.

#include <memory>
#include <optional>
#include <string>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/calibration.h"
#include "probes/collectors/go_runtime.h"
#include "probes/collectors/pool_programs.h"
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
  // The program that sees garbage collections of Go, loaded when first asked for; nothing where it cannot be.
  [[nodiscard]] std::optional<probes::GcProbing> gc_probing();
  // Price of one hit of pool_programs(): that of a counted free, which does about as much.
  [[nodiscard]] std::uint64_t pool_hit_cost_ns() const { return calibration_.costs.emulated_ns[ALLOC_HIT_FREE]; }

  // Why return probes must not be placed in processes under a seccomp filter; nothing when they may. Tried by start().
  [[nodiscard]] const std::optional<std::string>& seccomp_refusal() const { return seccomp_refusal_; }

 private:
  Probing() = default;
  std::unique_ptr<probes::AllocPrograms> programs_;
  probes::Calibration calibration_;
  probes::ElfCache elf_cache_;
  std::optional<std::string> seccomp_refusal_;
  [[nodiscard]] attach::AttachMethod method() const;
  std::unique_ptr<probes::PoolPrograms> pool_programs_;
  std::unique_ptr<probes::GoGcPrograms> gc_programs_;
  attach::Detacher detacher_;  // last: its worker must end before the programs go
};

}  // namespace poolscope::sampler

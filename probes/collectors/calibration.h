#pragma once
// Calibration: what probes cost on this machine, and which of them work, found out by trying on a child process.
//   How       a forked child (second thread: on kernels before 6.10 uprobe.multi saw only the first) runs malloc/free
//             between walks over 64 KiB of memory, so that a hit finds the caches as a working program leaves them.
//             CPU time per pair with probes minus that just before, medians of rounds.
//   Threads   call it before starting threads of your own: it forks.
//   Cost      about half a second, once.

#include <memory>
#include <optional>
#include <string>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/alloc_programs.h"

namespace poolscope::probes {

struct Calibration {
  ProgramMode mode = ProgramMode::kSession;
  HitCosts costs;
  double baseline_pair_ns = 0;  // one malloc/free pair and the work around it, without probes
};

struct Calibrated {
  std::unique_ptr<AllocPrograms> programs;
  Calibration calibration;
};

// Loads the programs in the best mode that works here and measures it. `options.mode` is where the search starts, so a
// mode can be forced by starting at it.
[[nodiscard]] Result<Calibrated, attach::AttachError> load_and_calibrate(const LoadOptions& options,
                                                                         attach::Detacher& detacher);

// Whether a process under a kill-by-default seccomp filter survives a return probe: tried on a child that installs one.
// nullopt when it could not be tried, with the reason in `why`.
[[nodiscard]] std::optional<bool> return_probe_survives_seccomp(AllocPrograms& programs, attach::Detacher& detacher,
                                                                std::string& why);

}  // namespace poolscope::probes

#pragma once
// Why probes could not be placed, in words a person can act on.

#include <string>

namespace poolscope::attach {

struct AttachError {
  enum class Reason { kTargetGone, kNotPermitted, kUnsupported, kReturnProbeRefused, kSystem };
  Reason reason = Reason::kSystem;
  std::string what;   // the thing: "libc.so.6:free+3", "BPF programs"
  std::string cause;  // "bpf(BPF_LINK_CREATE)"; may be empty
  int sys_errno = 0;
};

// "cannot attach to libc.so.6:free+3: not permitted (EPERM); needs CAP_BPF and CAP_PERFMON, see `poolscope doctor`"
[[nodiscard]] std::string describe(const AttachError& error);
// snake_case, for the `reason` label of poolscope_collector_state.
[[nodiscard]] std::string reason_label(AttachError::Reason reason);
// The reason that an errno of bpf() or perf_event_open() stands for.
[[nodiscard]] AttachError from_errno(std::string what, std::string cause, int sys_errno);

}  // namespace poolscope::attach

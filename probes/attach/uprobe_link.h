#pragma once
// UprobeLinks: probes of one BPF program at several places of one file, in one process.
//   How       uprobe.multi and session links by raw bpf(2) (libbpf 1.1 has no call for them), or perf uprobes, one event
//             per place, on kernels without them.
//   Scope     one process: its memory only. A child forked meanwhile inherits the breakpoints until the links go.
//   Lifetime  the kernel removes the probes when the last descriptor closes, also when we are killed. Traps end within
//             0.2 ms of the close; the call itself waits 18-250 ms, so hand links to a Detacher instead of destroying
//             them where time matters.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"
#include "probes/attach/attach_error.h"

namespace poolscope::attach {

// How the kernel is asked; the same for all programs of a collector, since programs are loaded for one of them.
enum class AttachMethod { kUprobeMulti, kPerfEvent };

enum class ProbeKind { kEntry, kReturn, kSession };

struct ProbeSite {
  std::uint64_t file_offset = 0;
  std::uint64_t cookie = 0;
};

// Values of enum bpf_attach_type that the headers of Debian 12 do not know yet.
inline constexpr std::uint32_t kAttachTypeUprobeMulti = 48;
inline constexpr std::uint32_t kAttachTypeUprobeSession = 57;

using UprobeLinks = std::vector<UniqueFd>;

// `path` is what the kernel opens (/proc/PID/map_files/...), `what` is what errors call it. kSession needs kUprobeMulti.
[[nodiscard]] Result<UprobeLinks, AttachError> attach_uprobes(AttachMethod method, ProbeKind kind, int program_fd,
                                                              pid_t pid, const std::string& path,
                                                              const std::vector<ProbeSite>& sites,
                                                              const std::string& what);

}  // namespace poolscope::attach

#pragma once
// GoGcPrograms: the loaded BPF program and maps of go_gc.bpf.c, shared by all Go processes that are watched. Loaded once.
//   Threads   one thread, except the Detacher that a Watch hands its links to.
//   Memory    a ring buffer of GO_GC_RING_BYTES, and per process what came in since it was last asked for.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/uprobe_link.h"
#include "probes/bpf/go_gc.h"

struct go_gc;        // the skeleton
struct ring_buffer;  // of libbpf

namespace poolscope::probes {

class GoGcPrograms {
 public:
  // `method` is the one that works here (calibration.h finds it out).
  [[nodiscard]] static Result<std::unique_ptr<GoGcPrograms>, attach::AttachError> load(attach::AttachMethod method);
  ~GoGcPrograms();
  GoGcPrograms(const GoGcPrograms&) = delete;
  GoGcPrograms& operator=(const GoGcPrograms&) = delete;

  // From now on cycles of `pid` are kept until take(); at most GO_GC_PROCESSES processes.
  [[nodiscard]] Result<attach::UprobeLinks, attach::AttachError> watch(pid_t pid, const go_gc_plan& plan,
                                                                       const std::string& path,
                                                                       std::uint64_t file_offset,
                                                                       const std::string& what);
  void forget(pid_t pid);

  static constexpr std::size_t kMaxCycles = 1u << 16;  // kept for a process that nobody asks for
  struct Cycles {
    std::vector<go_gc_cycle> cycles;  // in order
    std::vector<std::byte> heap;      // the latest copy; empty when none came in
    std::uint64_t heap_cycles = 0;    // how many of `cycles` had ended when it was made
    std::uint64_t hits = 0;           // since watch(), as the next
    std::uint64_t copy_ns = 0;
  };
  // What came in for `pid` since the last call.
  [[nodiscard]] Cycles take(pid_t pid);

 private:
  GoGcPrograms() = default;
  [[nodiscard]] std::optional<attach::AttachError> open_and_load(attach::AttachMethod method);
  static int on_event(void* self, void* data, std::size_t bytes);

  attach::AttachMethod method_ = attach::AttachMethod::kUprobeMulti;
  go_gc* skeleton_ = nullptr;
  ring_buffer* ring_ = nullptr;
  std::map<pid_t, Cycles> inboxes_;
};

}  // namespace poolscope::probes

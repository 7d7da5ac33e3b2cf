#pragma once
// Asks a pool in another process for another limit, by its control page (poolscope/stats_page.h): what a pool with resizable_by_agent takes.
//   Rights    those of opening /proc/PID/map_files for writing (CAP_CHECKPOINT_RESTORE, CAP_SYS_PTRACE), as root has.
//   Harm      only a sealed memfd of that process that says it is a control page is written, and of it one slot.
//   When      a pool looks on its slow path. A request that it has not taken after `wait_at_most` is withdrawn.
//   Threads   one; two that ask the same pool at a time may take each other's answer.

#include <chrono>
#include <cstdint>
#include <string>

#include <sys/types.h>

#include "poolscope/result.h"

namespace poolscope::cli {

struct PoolRequest {
  std::string pool;
  std::string limit;  // buffer_bytes, max_idle_buffers, max_borrowed_buffers or max_retained_bytes
  std::uint64_t value = 0;
};

struct PoolRequestError {
  enum class Reason { kNoSuchPool, kNotAllowed, kRefused, kSystem };
  Reason reason;
  std::string text;  // for people
};

[[nodiscard]] Result<Done, PoolRequestError> ask_pool(pid_t pid, const PoolRequest& request,
                                                      std::chrono::milliseconds wait_at_most);

}  // namespace poolscope::cli

#pragma once
// ProcessChanges: whether looking through /proc again can show anything new. Reading a file of each process of the machine every second
// is most of what an agent with many targets does that is no measurement; on a machine whose processes stay it is for nothing.
//   What      a process began, ended, executed a program or changed its name. Threads do not count.
//   Late      /proc shows an ending process as it was for a moment more: a change counts for kSettleNs.
//   Cost      some 100 ns for each change, paid by who makes it; asking is one read of shared memory.
//   Threads   any for asking.

#include <cstdint>
#include <memory>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"

struct process_changes;  // the skeleton

namespace poolscope::probes {

class ProcessChanges {
 public:
  static constexpr std::uint64_t kSettleNs = 500'000'000;

  [[nodiscard]] static Result<std::unique_ptr<ProcessChanges>, attach::AttachError> start();
  ~ProcessChanges();
  ProcessChanges(const ProcessChanges&) = delete;
  ProcessChanges& operator=(const ProcessChanges&) = delete;

  // Whether a look at /proc that began at `looked_ns` (CLOCK_MONOTONIC) may have missed something.
  [[nodiscard]] bool any_since(std::uint64_t looked_ns) const;

 private:
  ProcessChanges() = default;
  process_changes* skeleton_ = nullptr;
};

}  // namespace poolscope::probes

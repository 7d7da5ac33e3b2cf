#pragma once
// ProcessMemory: reads the memory of a process from outside (process_vm_readv): no trap, no stop. What is read while the
// process runs may be torn between words.

#include <sys/types.h>

#include "probes/go/memory_reader.h"

namespace poolscope::probes {

class ProcessMemory final : public go::MemoryReader {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}
  [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> into) const override;

 private:
  pid_t pid_;
};

}  // namespace poolscope::probes

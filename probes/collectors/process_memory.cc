#include "probes/collectors/process_memory.h"

#include <sys/uio.h>

namespace poolscope::probes {

bool ProcessMemory::read(std::uint64_t address, std::span<std::byte> into) const {
  const iovec local{into.data(), into.size()};
  const iovec remote{reinterpret_cast<void*>(address), into.size()};
  return process_vm_readv(pid_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(into.size());
}

}  // namespace poolscope::probes

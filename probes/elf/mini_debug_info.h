#pragma once
// MiniDebugInfo: the function symbols that distributions keep in .gnu_debugdata of stripped files, as an
// xz-compressed ELF.

#include <cstdint>
#include <span>

#include "poolscope/unique_fd.h"

namespace poolscope::elf {

// The unpacked bytes as an anonymous file; none when `packed` is no whole xz stream, would give more than
// `max_bytes`, or wants a dictionary above kMaxXzMemoryBytes.
[[nodiscard]] UniqueFd unpack_xz(std::span<const std::uint8_t> packed, std::uint64_t max_bytes);

}  // namespace poolscope::elf

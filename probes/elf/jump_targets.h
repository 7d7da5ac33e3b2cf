#pragma once
// Who can jump into the middle of a function: the proof behind "a probe here runs once per call".
//   Careful   every doubt counts as a jump: one that is not there costs a dearer probe, a missed one wrong counts.
//   Cost      one pass over the code segment of the function, about 1 ms per megabyte.
//   Hostile   any bytes and symbols may come in; the work is bounded by the size of the segment.

#include <cstdint>
#include <optional>

#include "probes/elf/elf_file.h"

namespace poolscope::elf {

// Where a function ends: by the size of its symbol, else at the next symbol, else a generous guess. Never more than
// 256 KiB on.
[[nodiscard]] std::uint64_t function_end(const ElfFile& file, std::uint64_t function_address);

// The lowest address in (function_address, last] that a direct jump or call of the object may go to; nothing when there
// is none. When the code of the object cannot be read, the answer is the first address of the range.
[[nodiscard]] std::optional<std::uint64_t> lowest_jump_target(const ElfFile& file, std::uint64_t function_address,
                                                              std::uint64_t last);

// Whether the function may go to an address it takes from a table (switch, computed goto). Such a table can hold any
// instruction of the function, also one at its start: a loop whose head is a `switch` puts its own head there. A jump to
// one pointer that was passed in or loaded (a tail call through a hook, a vtable or a GOT slot) does not count. The table
// is looked for between the entry and function_end(): compilers dispatch where the switch stands, not in a part that they
// have moved away as cold.
[[nodiscard]] bool may_dispatch_through_table(const ElfFile& file, std::uint64_t function_address);

}  // namespace poolscope::elf

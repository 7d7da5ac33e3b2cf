#pragma once
// Functions of a file that somebody may have meant who named one that is not there.

#include <string>
#include <string_view>
#include <vector>

#include "probes/elf/elf_file.h"

namespace poolscope::probes {

// At most `limit`, nearest first: clones that the compiler made of it ("get.part.0"), names that hold it (C++), names
// with a few typing errors. A mangled name is followed by the readable one in brackets.
[[nodiscard]] std::vector<std::string> near_names(const elf::ElfFile& file, std::string_view name, std::size_t limit);

}  // namespace poolscope::probes

// Any bytes as a symbol name.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "probes/elf/elf_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  const std::string text = poolscope::elf::demangle(name);
  if (text.empty() != name.empty()) std::abort();
  return 0;
}

// Any bytes as an ELF file of a target: everything that ElfFile answers, and a probe point for its first functions.
#include <algorithm>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

#include "probes/elf/elf_file.h"
#include "probes/elf/probe_point.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::elf;

namespace {

constexpr std::size_t kFunctionsLookedAt = 8;

void ask_about(const ElfFile& file, const Symbol& function) {
  (void)demangle(function.name);
  (void)file.file_offset(function.address);
  (void)file.function_at(function.address);
  (void)file.frame_step(function.address);
  (void)file.source_line(function.address);
  (void)file.find_function(function.name);
  const auto point = choose_probe_point(file, function.address, {.argument_count = 2, .needs_return = false});
  if (point) FUZZ_CHECK(point->address >= point->function_address);
  if (function.is_ifunc) (void)ifunc_candidates(file, function.address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0);
  FUZZ_CHECK(write(fd, data, size) == static_cast<ssize_t>(size));
  // a root without debug files: what the machine has must not matter
  const auto file = ElfFile::open(fd, "fuzz.so", "/proc/self/fdinfo");
  if (!file) {
    FUZZ_CHECK(!describe(file.error()).empty());
    return 0;
  }
  const auto functions = (*file)->functions();
  FUZZ_CHECK(std::ranges::is_sorted(functions, {}, &Symbol::address));
  for (const Symbol& function : functions.first(std::min(functions.size(), kFunctionsLookedAt)))
    ask_about(**file, function);
  return 0;
}

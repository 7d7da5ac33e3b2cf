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
constexpr std::size_t kCodeBytes = 64;

void ask_about_address(const ElfFile& file, std::uint64_t address) {
  const auto offset = file.file_offset(address);
  if (offset) FUZZ_CHECK(file.address_of_file_offset(*offset).has_value());
  const auto code = file.read_code(address, kCodeBytes);
  FUZZ_CHECK(code.size() <= kCodeBytes && code.empty() != offset.has_value());
  const auto segment = file.code_segment(address);
  FUZZ_CHECK(!offset || address - segment.address < segment.bytes.size());
  const Symbol* function = file.function_at(address);
  FUZZ_CHECK(function == nullptr || address - function->address < function->size_bytes);
  (void)file.frame_step(address);
  (void)file.source_line(address);
}

void ask_about(const ElfFile& file, const Symbol& function) {
  (void)demangle(function.name);
  FUZZ_CHECK(!file.find_function(function.name).empty());
  ask_about_address(file, function.address);
  ask_about_address(file, function.address + function.size_bytes - 1);
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
  for (const std::uint64_t address : {std::uint64_t{0}, (*file)->entry_address(), ~std::uint64_t{0}})
    ask_about_address(**file, address);
  return 0;
}

// Any bytes as the data of a program: build information, function table and moduledata, wherever they are in it.
#include <cstdint>

#include "probes/go/build_info.h"
#include "probes/go/file_memory.h"
#include "probes/go/go_program.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/go/made_program.h"

using namespace poolscope::go;

namespace {

constexpr std::size_t kCodeBytes = 64;

void ask_about(const PcLineTable& table) {
  for (std::size_t i = 0; i < table.function_count() && i < 8; ++i) {
    const auto function = table.function(i);
    if (!function) continue;
    FUZZ_CHECK(function->size_bytes > 0);
    FUZZ_CHECK(table.find(function->name).has_value());
  }
  for (const std::uint64_t address : {std::uint64_t{0}, test::kCodeAddress, ~std::uint64_t{0}}) {
    const auto function = table.at(address);
    FUZZ_CHECK(!function || address - function->address < function->size_bytes);
  }
  (void)table.find("main.main");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::Bytes bytes(data, data + size);
  if (const auto table = PcLineTable::parse(bytes, test::kCodeAddress, "fuzz")) ask_about(*table);

  const auto file = test::open_bytes(test::make_elf(test::Bytes(kCodeBytes, 0x90), bytes));
  const FileMemory memory(*file->image());
  const auto info = read_build_info(*file->image(), memory);
  FUZZ_CHECK(info || !describe(info.error()).empty());
  if (const auto table = PcLineTable::open(*file, memory)) ask_about(*table);
  const auto program = GoProgram::open(*file);
  if (!program) {
    FUZZ_CHECK(!describe(program.error()).empty());
    return 0;
  }
  FUZZ_CHECK((*program)->version() >= (GoVersion{1, 17}));
  if (const auto types = (*program)->types()) FUZZ_CHECK(types->start < types->end);
  return 0;
}

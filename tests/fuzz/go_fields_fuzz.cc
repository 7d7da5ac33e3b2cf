// Any bytes as the debug information of a program. The first two bytes say how many of the rest are abbreviations; none of them: those
// of the types of tests/unit/go/made_fields.h.
#include <algorithm>
#include <cstdint>

#include "probes/go/data_symbols.h"
#include "probes/go/pool_fields.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/go/made_fields.h"

using namespace poolscope::go;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t own = std::min<std::size_t>(data[0] | data[1] << 8, size - 2);
  const std::uint8_t* rest = data + 2;
  const test::Bytes abbreviations = own == 0 ? test::make_type_abbreviations() : test::Bytes(rest, rest + own);
  const auto file = test::open_bytes(test::make_elf_with_debug_info(abbreviations, {rest + own, data + size}));
  const PoolFields fields(*file);
  FUZZ_CHECK(fields.pointers().size() <= kMaxPoolPointers);
  for (std::uint64_t offset = 0; offset < 64; offset += 8) {
    (void)fields.path(test::kDataAddress, offset);
    for (const auto& pointer : fields.pointers()) {
      const auto name = fields.name_behind(pointer, offset);
      FUZZ_CHECK(!name || name->starts_with(pointer.name));
    }
  }
  const DataSymbols symbols(*file);
  FUZZ_CHECK(symbols.count() <= 2 * kMaxDataSymbols);
  return 0;
}

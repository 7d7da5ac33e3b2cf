// Any bytes as the code of sync.(*Pool).Get, Put and sync.poolCleanup in an otherwise sound program.
#include <cstdint>

#include "probes/elf/x86_instruction.h"
#include "probes/go/pool_points.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/go/made_program.h"

using namespace poolscope::go;

namespace {

constexpr std::size_t kMaxCodeBytes = 16u << 10;

void check(const std::optional<PoolPoint>& point, PointState state, const poolscope::elf::ElfFile& file) {
  FUZZ_CHECK(state != PointState::kExact || (point && point->tells_outcome));
  if (!point) return;
  const auto code = file.read_code(point->address, poolscope::elf::kMaxInstructionBytes);
  const auto instruction = poolscope::elf::decode(code, point->address, 0);
  FUZZ_CHECK(instruction && is_conditional_jump(*instruction) && poolscope::elf::kernel_emulates(*instruction));
  FUZZ_CHECK(file.address_of_file_offset(point->file_offset) == point->address);
  FUZZ_CHECK(point->tells_outcome == (point->count_when.mask == 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxCodeBytes) return 0;
  test::Bytes program_data = test::make_build_info("go1.19", "");
  program_data.resize(48);
  // one function after the other, each with the same code
  const std::vector<test::MadeFunction> functions = {
      {"sync.(*Pool).Get", size}, {"sync.(*Pool).Put", size}, {"sync.poolCleanup", size}};
  const test::Bytes table = test::make_table(test::kTableForms[2], functions);
  program_data.insert(program_data.end(), table.begin(), table.end());
  test::Bytes code;
  for (std::size_t i = 0; i < functions.size(); ++i) code.insert(code.end(), data, data + size);
  const auto file = test::open_bytes(test::make_elf(code, program_data));
  const auto program = GoProgram::open(*file);
  FUZZ_CHECK(program);
  const auto points = find_pool_points(**program);
  FUZZ_CHECK(points);
  check(points->get, points->get_state, *file);
  check(points->miss, points->miss_state, *file);
  check(points->put, points->put_state, *file);
  FUZZ_CHECK(points->get_state != PointState::kNoStackCheck || !points->get);
  return 0;
}

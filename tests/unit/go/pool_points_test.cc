// Probe points in sync.Pool: on real programs in several builds, and on programs in which something is otherwise.
#include "probes/go/pool_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using elf::Register;
using testing::Optional;

ValueLocation in(Register reg) {
  return {ValueLocation::Kind::kRegister, reg, 0};
}
bool is_on_stack(const std::optional<ValueLocation>& location) {
  return location && location->kind == ValueLocation::Kind::kStack && location->rsp_offset > 0;
}

PoolPoints points_of(const OpenedProgram& program) {
  auto points = find_pool_points(*program.program);
  if (!points) throw std::runtime_error(describe(points.error()));
  return *points;
}

// objdump's lines of the function up to the instruction at `address`, and that one last; empty when no instruction
// starts there.
std::vector<std::string> disassembly_to(const std::string& path, const PoolPoint& point) {
  char range[128];
  std::snprintf(range, sizeof range, " --start-address=0x%lx --stop-address=0x%lx ",
                static_cast<unsigned long>(point.function_address), static_cast<unsigned long>(point.address + 8));
  std::istringstream text(output_of("objdump -d --no-show-raw-insn" + std::string(range) + path));
  char start[32];
  std::snprintf(start, sizeof start, "%lx:", static_cast<unsigned long>(point.address));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line);
    if (line.find(start) != std::string::npos) return lines;
  }
  return {};
}

class RealPool : public testing::TestWithParam<Build> {};
INSTANTIATE_TEST_SUITE_P(Builds, RealPool, testing::ValuesIn(kPoolBuilds),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(RealPool, HasAllThreeExactPoints) {
  const PoolPoints points = points_of(open_program(GetParam()));
  EXPECT_EQ(points.get_state, PointState::kExact);
  EXPECT_EQ(points.miss_state, PointState::kExact);
  EXPECT_EQ(points.put_state, PointState::kExact);
  for (const auto& point : {points.get, points.miss, points.put}) {
    ASSERT_TRUE(point);
    EXPECT_TRUE(point->tells_outcome);
    EXPECT_EQ(point->count_when.mask, 0u);
  }
}

TEST_P(RealPool, IsProbedAtConditionalJumpsThatFollowATestAgainstNil) {
  const auto program = open_program(GetParam());
  const PoolPoints points = points_of(program);
  for (const auto& point : {points.get, points.miss, points.put}) {
    const auto lines = disassembly_to(built(GetParam()), *point);
    ASSERT_GE(lines.size(), 2u) << point->instruction;
    EXPECT_THAT(lines.back(), testing::ContainsRegex("j(n?e) ")) << point->instruction;
    EXPECT_THAT(lines[lines.size() - 2], testing::ContainsRegex("test +%r([a-z]+),%r"));
    EXPECT_EQ(program->file().address_of_file_offset(point->file_offset), point->address);
  }
}

TEST_P(RealPool, TellsWherePoolAndObjectAre) {
  const PoolPoints points = points_of(open_program(GetParam()));
  const bool has_race_detector = GetParam() == Build::kRace;
  EXPECT_TRUE(is_on_stack(points.get->pool));
  EXPECT_EQ(points.get->type, in(Register::kRax));
  EXPECT_TRUE(is_on_stack(points.get->data));
  EXPECT_EQ(points.miss->pool, in(Register::kRcx));
  EXPECT_FALSE(points.miss->type);
  if (has_race_detector) {
    EXPECT_TRUE(is_on_stack(points.put->pool));
    EXPECT_TRUE(is_on_stack(points.put->data));
  } else {
    EXPECT_EQ(points.put->pool, in(Register::kRax));
    EXPECT_EQ(points.put->type, in(Register::kRbx));
    EXPECT_EQ(points.put->data, in(Register::kRcx));
  }
}

TEST_P(RealPool, HasTheFieldNewWhereTheSourceHasIt) {
  EXPECT_THAT(points_of(open_program(GetParam())).new_offset, Optional(0x20));
}

TEST_P(RealPool, HasItsListsWhereTheSymbolsSay) {
  const auto program = open_program(GetParam());
  const PoolPoints points = points_of(program);
  ASSERT_TRUE(points.pool_cleanup_address && points.all_pools_address && points.old_pools_address);
  EXPECT_EQ(program->function_at(*points.pool_cleanup_address)->name, "sync.poolCleanup");
  EXPECT_NE(*points.all_pools_address, *points.old_pools_address);
  const auto all = program->find_variable("sync.allPools");
  if (all) {
    EXPECT_EQ(*points.all_pools_address, all->address);
    EXPECT_EQ(*points.old_pools_address, program->find_variable("sync.oldPools")->address);
  }
}

// The names are gone; DWARF too, which is a second source of them.
TEST(StrippedPool, HasItsListsFoundByDecoding) {
  for (const Build build : {Build::kPlain, Build::kPie, Build::kRace}) {
    const auto program = open_program(build);
    Bytes elf = bytes_of(built(build));
    hide_sections(elf);
    const PoolPoints points = points_of(open_program(open_bytes(elf)));
    EXPECT_THAT(points.all_pools_address, Optional(program->find_variable("sync.allPools")->address)) << name_of(build);
    EXPECT_THAT(points.old_pools_address, Optional(program->find_variable("sync.oldPools")->address)) << name_of(build);
  }
}

TEST(StrippedPool, HasTheSamePointsAsTheUnstripped) {
  const PoolPoints whole = points_of(open_program(Build::kPlain));
  const PoolPoints stripped = points_of(open_program(Build::kStripped));
  const auto same = [](const std::optional<PoolPoint>& a, const std::optional<PoolPoint>& b) {
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->address - a->function_address, b->address - b->function_address);
    EXPECT_EQ(a->pool, b->pool);
    EXPECT_EQ(a->type, b->type);
    EXPECT_EQ(a->data, b->data);
  };
  same(whole.get, stripped.get);
  same(whole.miss, stripped.miss);
  same(whole.put, stripped.put);
}

TEST(StrippedPool, OfADebianPackageHasAllThreeExactPoints) {
  const PoolPoints points = points_of(open_program(open_path("/usr/bin/prometheus")));
  EXPECT_EQ(points.get_state, PointState::kExact);
  EXPECT_EQ(points.miss_state, PointState::kExact);
  EXPECT_EQ(points.put_state, PointState::kExact);
  EXPECT_TRUE(points.get->data && points.all_pools_address && points.old_pools_address);
}

TEST(PoolPoints, OfAProgramWithoutPoolsAreAnErrorThatSaysSo) {
  const auto program = open_program(Build::kTiny);
  const auto points = find_pool_points(*program.program);
  ASSERT_FALSE(points);
  EXPECT_EQ(points.error().reason, PoolPointsError::Reason::kPoolNotLinked);
  EXPECT_THAT(describe(points.error()), testing::HasSubstr("sync.Pool"));
}

// ---- Programs in which something is otherwise

// A copy of the plain program that can be changed at the addresses of its points.
class ChangedPool : public testing::Test {
 protected:
  ChangedPool() : elf_(bytes_of(built(Build::kPlain))), original_(points_of(open_program(Build::kPlain))) {}

  void change(std::uint64_t address, std::string_view bytes) { write_at(elf_, address, bytes); }
  PoolPoints points() const { return points_of(open_program(open_bytes(elf_))); }
  // Address of the first `bytes` at or behind `from`.
  std::uint64_t find(std::uint64_t from, std::string_view bytes) const {
    const std::size_t start = file_offset_of(elf_, from);
    const std::string_view text(reinterpret_cast<const char*>(elf_.data()), elf_.size());
    return from + text.find(bytes, start) - start;
  }

  Bytes elf_;
  PoolPoints original_;
};

void expect_stack_check(const std::optional<PoolPoint>& point) {
  ASSERT_TRUE(point);
  EXPECT_EQ(point->address, point->function_address + 4);  // behind cmp rsp, [r14 + 16]
  EXPECT_EQ(point->count_when.mask, kZeroFlag | kCarryFlag);
  EXPECT_EQ(point->count_when.value, 0u);
  EXPECT_FALSE(point->tells_outcome);
  EXPECT_EQ(point->pool, in(Register::kRax));
}

TEST_F(ChangedPool, FallsBackToTheStackCheckWhenPutTestsSomethingElse) {
  change(original_.put->address - 3, "\x48\x85\xf6");  // test rsi, rsi
  const PoolPoints changed = points();
  EXPECT_EQ(changed.put_state, PointState::kTestNotFound);
  expect_stack_check(changed.put);
  EXPECT_EQ(changed.put->type, in(Register::kRbx));
  EXPECT_EQ(changed.put->data, in(Register::kRcx));
  EXPECT_EQ(changed.get_state, PointState::kExact);
}

TEST_F(ChangedPool, HasNoMissesWhenNewIsNotCalled) {
  change(find(original_.miss->address, "\xff\xd0"), "\x66\x90");  // call rax
  const PoolPoints changed = points();
  EXPECT_EQ(changed.miss_state, PointState::kTestNotFound);
  EXPECT_FALSE(changed.miss);
  EXPECT_EQ(changed.get_state, PointState::kTestNotFound);
  expect_stack_check(changed.get);
  EXPECT_FALSE(changed.get->type || changed.get->data);
}

TEST_F(ChangedPool, KeepsMissesWhenTheObjectIsTestedOtherwise) {
  change(original_.get->address - 3, "\x48\x85\xf6");  // test rsi, rsi
  const PoolPoints changed = points();
  EXPECT_EQ(changed.miss_state, PointState::kExact);
  EXPECT_EQ(changed.miss->address, original_.miss->address);
  EXPECT_EQ(changed.get_state, PointState::kTestNotFound);
  expect_stack_check(changed.get);
}

TEST_F(ChangedPool, FollowsAnotherFieldForNew) {
  change(find(original_.miss->address - 16, "\x48\x8b\x51\x20"), "\x48\x8b\x51\x28");  // mov rdx, [rcx + 0x28]
  EXPECT_THAT(points().new_offset, Optional(0x28));
}

TEST_F(ChangedPool, TakesNoPointInsideALoop) {
  // where the test jumps to on nil, it is jumped back to
  const std::uint64_t back = find(original_.put->address, "\xc3\x48") + 1;
  const auto distance = static_cast<char>(original_.put->address - 3 - (back + 2));
  change(back, std::string("\xeb") + distance + "\x90\x90\x90");
  EXPECT_EQ(points().put_state, PointState::kNotOncePerCall);
}

TEST_F(ChangedPool, TakesNoPointThatAWayThroughTheFunctionAvoids) {
  // instead of storing the arguments: jump over the test to the return
  const std::uint64_t early = original_.put->address - 3 - 5;
  const std::uint64_t ret = find(original_.put->address, "\xc3\x48");
  const auto distance = static_cast<char>(ret - (early + 2));
  change(early, std::string("\x74") + distance + "\x90\x90\x90");
  EXPECT_EQ(points().put_state, PointState::kNotOncePerCall);
}

TEST_F(ChangedPool, IsNotDecodedThroughBytesThatAreNoInstruction) {
  change(original_.put->address + 2, "\x06");
  const PoolPoints changed = points();
  EXPECT_EQ(changed.put_state, PointState::kUndecodable);
  expect_stack_check(changed.put);
}

TEST_F(ChangedPool, IsNotDecodedWhenItJumpsThroughARegister) {
  change(original_.put->address + 2, "\xff\xe0");
  EXPECT_EQ(points().put_state, PointState::kIndirectJump);
}

TEST_F(ChangedPool, HasNoPointWithNeitherTestNorStackCheck) {
  change(original_.put->address - 3, "\x48\x85\xf6");
  change(original_.put->function_address + 4, "\x0f\x83");  // jae
  const PoolPoints changed = points();
  EXPECT_EQ(changed.put_state, PointState::kNoStackCheck);
  EXPECT_FALSE(changed.put);
}

}  // namespace
}  // namespace poolscope::go

#include <cstdio>

#include <gtest/gtest.h>

#include "probes/elf/probe_point.h"
#include "tests/unit/probe_point/fake_elf_file.h"

namespace poolscope::elf {
namespace {

constexpr std::uint64_t kEntry = 0x401200;
constexpr std::uint64_t kElsewhere = 0x402000;

// test rdi,rdi; je: the point would be at +3.
constexpr auto kTestJe = "48 85 ff 0f 84 bf 00 00 00 c3";

FakeElfFile function(std::string_view hex) {
  FakeElfFile file;
  file.code(kEntry, hex);
  return file;
}

ProbePoint choose(const ElfFile& file, const ProbeRequest& request = {}) {
  const auto point = choose_probe_point(file, kEntry, request);
  EXPECT_TRUE(point.has_value());
  return point.value();
}

TEST(ProbePointJumps, LoopOfTheFunctionIntoItsPrologueIsRefused) {
  // test rdi,rdi; je +0x40; dec rdi; jmp entry+3
  const auto point = choose(function("48 85 ff 74 40 48 ff cf eb f9"));
  EXPECT_EQ(point.address, kEntry);
  EXPECT_EQ(point.cost, CostClass::kSingleStep);
}

TEST(ProbePointJumps, JumpToTheEntryIsOneMoreCall) {
  // test rdi,rdi; je +0x40; dec rdi; jmp entry
  const auto point = choose(function("48 85 ff 74 40 48 ff cf eb f6"));
  EXPECT_EQ(point.address, kEntry + 3);
}

TEST(ProbePointJumps, JumpBehindThePointIsNoConcern) {
  // test rdi,rdi; je +0x40; dec rdi; jmp entry+5
  const auto point = choose(function("48 85 ff 74 40 48 ff cf eb fb"));
  EXPECT_EQ(point.address, kEntry + 3);
}

TEST(ProbePointJumps, EarlierCandidateSurvivesAJumpToALaterInstruction) {
  // mov rax,rdi; push rbx (point); push rbp; je +0x40; jmp to push rbp
  const auto point = choose(function("48 89 f8 53 55 74 40 eb fb"));
  EXPECT_EQ(point.address, kEntry + 3);
  EXPECT_EQ(point.cost, CostClass::kEmulated);
}

struct OtherCase {
  const char* name;
  const char* opcode;  // what stands before a 32-bit displacement
};
class OtherFunction : public testing::TestWithParam<OtherCase> {};

void place_branch(FakeElfFile& file, std::uint64_t address, std::string_view opcode, std::uint64_t target) {
  const auto opcode_bytes = bytes_of(opcode).size();
  file.code(address, opcode);
  const auto displacement = static_cast<std::uint32_t>(target - (address + opcode_bytes + 4));
  char hex[16];
  std::snprintf(hex, sizeof hex, "%02x %02x %02x %02x", displacement & 0xff, (displacement >> 8) & 0xff,
                (displacement >> 16) & 0xff, displacement >> 24);
  file.code(address + opcode_bytes, hex);
}

TEST_P(OtherFunction, JumpingOntoThePointMakesItRefused) {
  auto file = function(kTestJe);
  place_branch(file, kElsewhere, GetParam().opcode, kEntry + 3);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST_P(OtherFunction, JumpingToTheEntryDoesNot) {
  auto file = function(kTestJe);
  place_branch(file, kElsewhere, GetParam().opcode, kEntry);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

TEST_P(OtherFunction, JumpingFromTheFirstOrLastBytesOfTheSegmentIsSeen) {
  const auto length = bytes_of(GetParam().opcode).size() + 4;
  for (const std::uint64_t address :
       {FakeElfFile::kSegmentAddress, FakeElfFile::kSegmentAddress + FakeElfFile::kSegmentBytes - length}) {
    auto file = function(kTestJe);
    place_branch(file, address, GetParam().opcode, kEntry + 3);
    EXPECT_EQ(choose(file).address, kEntry);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OtherFunction,
                         testing::Values(OtherCase{"Jmp", "e9"}, OtherCase{"Call", "e8"}, OtherCase{"Jo", "0f 80"},
                                         OtherCase{"Jg", "0f 8f"}, OtherCase{"JmpWithBndPrefix", "f2 e9"},
                                         OtherCase{"Xbegin", "c7 f8"}),
                         [](const auto& c) { return c.param.name; });

struct ShortCase {
  const char* name;
  std::int64_t from;  // of the branch, relative to the entry
  const char* hex;
};
// Onto an instruction in (entry, entry+3], the point.
class ShortBranch : public testing::TestWithParam<ShortCase> {};

TEST_P(ShortBranch, IntoThePrologueMakesThePointRefused) {
  auto file = function(kTestJe);
  file.code(kEntry + static_cast<std::uint64_t>(GetParam().from), GetParam().hex);
  EXPECT_EQ(choose(file).address, kEntry);
}

INSTANTIATE_TEST_SUITE_P(Reach, ShortBranch,
                         testing::Values(ShortCase{"FarthestForward", -128, "eb 7f"},
                                         ShortCase{"FarthestForwardOntoThePoint", -126, "eb 7f"},
                                         ShortCase{"FarthestBack", 129, "eb 80"}, ShortCase{"Conditional", 16, "75 f1"},
                                         ShortCase{"Loop", 16, "e2 f1"}, ShortCase{"Jrcxz", 16, "e3 f1"},
                                         ShortCase{"JustBefore", -2, "74 03"}),
                         [](const auto& c) { return c.param.name; });

TEST(ProbePointJumps, BranchBytesInsideAnInstructionOfASizedFunctionAreDismissed) {
  auto file = function(kTestJe);
  // mov eax, 0x00f1eb90; ret: its bytes eb f1 would be a jump to entry+3 if they stood alone
  file.code(kEntry + 14, "b8 90 eb f1 00 c3").symbol("f", kEntry, 10).symbol("g", kEntry + 14, 6);
  file.code(kEntry + 16, "eb f1");
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

TEST(ProbePointJumps, TheSameBytesCountWhereNoSymbolTellsTheInstructions) {
  auto file = function(kTestJe);
  file.code(kEntry + 14, "b8 90 eb f1 00 c3");
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointJumps, TheSameBytesCountWhereTheFunctionDoesNotDecodeToItsEnd) {
  auto file = function(kTestJe);
  file.code(kEntry + 14, "b8 90 eb f1 00 06").symbol("f", kEntry, 10).symbol("g", kEntry + 14, 6);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointJumps, BranchBytesBetweenTwoSymbolsAreDismissedWhenAllBetweenThemDecodes) {
  auto file = function(kTestJe);
  // nop; mov eax, 0x00f0eb90; ret, a local function without a symbol between f and g
  file.code(kEntry + 10, "0f 1f 40 00 90 b8 90 eb f0 00 c3");
  file.symbol("f", kEntry, 10).symbol("g", kEntry + 21, 6);
  EXPECT_EQ(choose(file).address, kEntry + 3);

  auto rest_left_over = function(kTestJe);
  rest_left_over.code(kEntry + 10, "0f 1f 40 00 90 b8 90 eb f0 00 c3 48");
  rest_left_over.symbol("f", kEntry, 10).symbol("g", kEntry + 22, 6);
  EXPECT_EQ(choose(rest_left_over).address, kEntry);
}

TEST(ProbePointJumps, OnlySoManyBytesThatLookLikeBranchesAreDismissed) {
  constexpr std::uint64_t kLimit = 32;
  for (const std::uint64_t count : {kLimit, kLimit + 1}) {
    auto file = function(kTestJe);
    file.symbol("f", kEntry, 10).symbol("g", kElsewhere, count * 10);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t mov_rcx_imm64 = kElsewhere + i * 10;
      file.code(mov_rcx_imm64, "48 b9 00 00 00 00 00 90 90 90");
      place_branch(file, mov_rcx_imm64 + 2, "e9", kEntry + 3);
    }
    EXPECT_EQ(choose(file).address, count <= kLimit ? kEntry + 3 : kEntry);
  }
}

TEST(ProbePointJumps, PrefixedBranchOfASizedFunctionIsNotDismissed) {
  auto file = function(kTestJe);
  file.code(kEntry + 15, "3e eb f1").symbol("f", kEntry, 10).symbol("g", kEntry + 15, 3);  // notrack jmp entry+3
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointJumps, UnreadableSegmentLeavesOnlyTheEntry) {
  auto file = function(kTestJe);
  file.without_segment();
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointJumps, SecondEntryInThePrologueEndsTheWalk) {
  auto file = function(kTestJe);
  file.symbol("f", kEntry, 10).symbol("f_inner", kEntry + 3, 7);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointJumps, AliasOfTheFunctionIsNoSecondEntry) {
  auto file = function(kTestJe);
  file.symbol("f", kEntry, 10).symbol("__f", kEntry, 10);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

// --- jump tables

TEST(ProbePointTables, DispatchThroughATableLeavesOnlyPushesBehindTheEntry) {
  auto file = function("48 85 ff 74 02 ff 24 c5 00 20 40 00");  // test rdi,rdi; je; jmp [rax*8+0x402000]
  file.symbol("f", kEntry, 12);
  EXPECT_EQ(choose(file).address, kEntry);

  auto with_push = function("48 85 ff 55 74 02 ff 24 c5 00 20 40 00");
  with_push.symbol("f", kEntry, 13);
  EXPECT_EQ(choose(with_push).address, kEntry + 3);
}

TEST(ProbePointTables, DispatchThroughAnAddedOffsetCounts) {
  // test rdi,rdi; je; movsxd rax,[rdx+rax*4]; add rax,rdx; jmp rax
  auto file = function("48 85 ff 74 08 48 63 04 82 48 01 d0 ff e0");
  file.symbol("f", kEntry, 14);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointTables, DispatchThroughALoadedElementCounts) {
  // test rdi,rdi; je; mov rax,[rdx+rax*8]; jmp rax
  auto file = function("48 85 ff 74 05 48 8b 04 c2 ff e0");
  file.symbol("f", kEntry, 11);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointTables, TailCallThroughAHookIsNoDispatch) {
  // test rdi,rdi; je; mov rax,[rip+0x100]; mov rax,[rax]; jmp rax
  auto file = function("48 85 ff 74 40 48 8b 05 00 01 00 00 48 8b 00 ff e0");
  file.symbol("f", kEntry, 17);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

TEST(ProbePointTables, TailCallThroughAnArgumentIsNoDispatch) {
  auto file = function("48 85 ff 74 40 ff e2");  // test rdi,rdi; je; jmp rdx
  file.symbol("f", kEntry, 7);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

TEST(ProbePointTables, TailCallBehindAReturnIsNoDispatchWhenTheJumpToItBringsAPointer) {
  // mov rax,[rdi]; mov rax,[rax+0x10]; test rdi,rdi; jne +4; movsx eax,al; ret; jmp rax
  auto file = function("48 8b 07 48 8b 40 10 48 85 ff 75 04 0f be c0 c3 ff e0");
  file.symbol("f", kEntry, 18);
  EXPECT_EQ(choose(file).address, kEntry + 10);
}

TEST(ProbePointTables, OneOfTwoWaysWithAComputedAddressCountsAsDispatch) {
  // mov rax,[rdi]; test rdi,rdi; jne +3; add rax,rdx; jmp rax
  auto file = function("48 8b 07 48 85 ff 75 03 48 01 d0 ff e0");
  file.symbol("f", kEntry, 13);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointTables, JumpThroughARegisterOfUnknownOriginCountsAsDispatch) {
  // mov rax,[rdi]; test rdi,rdi; je; ret; jmp rax, to which nothing comes forward
  auto file = function("48 8b 07 48 85 ff 74 40 c3 ff e0");
  file.symbol("f", kEntry, 11);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointTables, TailCallThroughTheGotIsNoDispatch) {
  auto file = function("48 85 ff 74 40 ff 25 00 01 00 00");  // test rdi,rdi; je; jmp [rip+0x100]
  file.symbol("f", kEntry, 11);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

}  // namespace
}  // namespace poolscope::elf

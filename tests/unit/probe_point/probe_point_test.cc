#include "probes/elf/probe_point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/probe_point/fake_elf_file.h"

namespace poolscope::elf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kEntry = 0x401200;

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

// --- which instruction is taken, by the bytes of the function

struct PrologueCase {
  const char* name;
  const char* hex;
  unsigned argument_count;
  bool needs_return;
  std::uint64_t offset;  // of the chosen instruction
  CostClass cost;
  std::vector<Register> arguments;
  std::uint32_t stack_bytes;
};

void PrintTo(const PrologueCase& c, std::ostream* out) {
  *out << c.name << " (" << c.hex << ")";
}

class Prologue : public testing::TestWithParam<PrologueCase> {};

TEST_P(Prologue, GivesTheFirstEmulatedInstructionThatStillHasTheArguments) {
  const auto& c = GetParam();
  const auto point = choose(function(c.hex), {.argument_count = c.argument_count, .needs_return = c.needs_return});
  EXPECT_EQ(point.address - kEntry, c.offset) << point.instruction;
  EXPECT_EQ(point.cost, c.cost);
  EXPECT_EQ(point.arguments, c.arguments);
  EXPECT_EQ(point.stack_bytes, c.stack_bytes);
}

constexpr auto kEmulated = CostClass::kEmulated;
constexpr auto kSingleStep = CostClass::kSingleStep;
constexpr auto kRax = Register::kRax;
constexpr auto kRdx = Register::kRdx;
constexpr auto kRbx = Register::kRbx;
constexpr auto kRsi = Register::kRsi;
constexpr auto kRdi = Register::kRdi;
constexpr auto kR12 = Register::kR12;

INSTANTIATE_TEST_SUITE_P(
    Emulated, Prologue,
    testing::Values(
        PrologueCase{"PushAtTheEntry", "41 54 55 53 48 89 fb c3", 1, false, 0, kEmulated, {kRdi}, 0},
        PrologueCase{"NopAtTheEntry", "90 48 89 fb c3", 1, false, 0, kEmulated, {kRdi}, 0},
        PrologueCase{"JumpAtTheEntry", "e9 00 10 00 00", 1, false, 0, kEmulated, {kRdi}, 0},
        PrologueCase{"ShortJumpAtTheEntry", "eb 40", 1, false, 0, kEmulated, {kRdi}, 0},
        PrologueCase{"CallAtTheEntry", "e8 00 10 00 00 c3", 1, false, 0, kEmulated, {kRdi}, 0},
        PrologueCase{"TestAndJeOfGlibcFree", "48 85 ff 0f 84 bf 00 00 00 55 c3", 1, false, 3, kEmulated, {kRdi}, 0},
        PrologueCase{
            "CmpAndJaOfJemallocMalloc", "48 81 ff 00 10 00 00 0f 87 93 00 00 00 c3", 1, false, 7, kEmulated, {kRdi}, 0},
        PrologueCase{"ShortConditionalJump", "48 85 ff 74 40 c3", 1, false, 3, kEmulated, {kRdi}, 0},
        PrologueCase{"Endbr64IsWalkedOver", "f3 0f 1e fa 55 c3", 1, false, 4, kEmulated, {kRdi}, 0},
        PrologueCase{"MultiByteNopIsWalkedOver", "0f 1f 44 00 00 55 c3", 1, false, 5, kEmulated, {kRdi}, 0},
        PrologueCase{"PrefixedNopIsWalkedOver", "66 90 55 c3", 1, false, 2, kEmulated, {kRdi}, 0},
        PrologueCase{
            "SixBytesOfAnotherInstructionAreWalkedOver", "0f ba 64 24 08 03 55", 1, false, 6, kEmulated, {kRdi}, 0},
        PrologueCase{"PushWithOtherRexIsWalkedOver", "48 55 55 c3", 1, false, 2, kEmulated, {kRdi}, 8},
        PrologueCase{
            "CallAfterAMoveIsTheLastCandidate", "48 83 ec 08 e8 00 10 00 00 55 c3", 1, false, 4, kEmulated, {kRdi}, 8},
        PrologueCase{"NoArgumentsAreNeverLost", "31 ff 55 c3", 0, false, 2, kEmulated, {}, 0}),
    [](const auto& c) { return c.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Arguments, Prologue,
    testing::Values(
        // mov rax,rdi; xor edi,edi; push rbp
        PrologueCase{"FollowedThroughAMove", "48 89 f8 31 ff 55 c3", 1, false, 5, kEmulated, {kRax}, 0},
        // mov rax,rdi; test rdi,rdi; je
        PrologueCase{"OwnRegisterIsPreferredToACopy", "48 89 f8 48 85 ff 74 40", 1, false, 6, kEmulated, {kRdi}, 0},
        // mov r12,rdi; mov rdi,rbp; mov rbx,r12; xor r12d,r12d; push rbp
        PrologueCase{
            "FollowedThroughTwoMoves", "49 89 fc 48 89 ef 4c 89 e3 45 31 e4 55", 1, false, 12, kEmulated, {kRbx}, 0},
        // xchg rdi,rsi; push rbp
        PrologueCase{"ExchangedRegistersSwap", "48 87 f7 55 c3", 2, false, 3, kEmulated, {kRsi, kRdi}, 0},
        // xchg edi,esi; push rbp: the upper halves are gone
        PrologueCase{"HalfExchangeLosesBoth", "87 f7 55 c3", 1, false, 0, kSingleStep, {kRdi}, 0},
        // mov edi,edi; push rbp
        PrologueCase{"HalfMoveOntoItselfLosesIt", "89 ff 55 c3", 1, false, 0, kSingleStep, {kRdi}, 0},
        // mov dil,1; push rbp
        PrologueCase{"WriteToOneByteLosesIt", "40 b7 01 55 c3", 1, false, 0, kSingleStep, {kRdi}, 0},
        // cmove rdi,rax; push rbp
        PrologueCase{"ConditionalWriteLosesIt", "48 0f 44 f8 55 c3", 1, false, 0, kSingleStep, {kRdi}, 0},
        // mov rsi,rax; test rdi,rdi; push rbp
        PrologueCase{"LostSecondArgumentDoesNotMatterToOne", "48 89 c6 48 85 ff 55", 1, false, 6, kEmulated, {kRdi}, 0},
        PrologueCase{"LostSecondArgumentFallsBack", "48 89 c6 48 85 ff 55", 2, false, 0, kSingleStep, {kRdi, kRsi}, 0},
        // mul rsi (writes rdx without naming it); push rbp
        PrologueCase{"HiddenWriteIsSeen", "48 f7 e6 55 c3", 3, false, 0, kSingleStep, {kRdi, kRsi, kRdx}, 0},
        // movsb (moves rsi and rdi); push rbp
        PrologueCase{"StringInstructionLosesItsPointers", "a4 55 c3", 1, false, 0, kSingleStep, {kRdi}, 0},
        // mov r12,rdi; pop rdi would return to an argument
        PrologueCase{"PopBelowTheReturnAddressEndsTheWalk", "49 89 fc 5f 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // reallocarray of glibc: mov rax,rsi; mul rdx; mov rsi,rax; jo
        PrologueCase{
            "ReallocarrayKeepsItsPointer", "48 89 f0 48 f7 e2 48 89 c6 70 05 c3", 1, false, 9, kEmulated, {kRdi}, 0},
        PrologueCase{"ReallocarrayLosesItsSizes",
                     "48 89 f0 48 f7 e2 48 89 c6 70 05 c3",
                     3,
                     false,
                     0,
                     kSingleStep,
                     {kRdi, kRsi, kRdx},
                     0},
        // mov rax,rdi; mov rdi,rsi; mov rsi,rdx; mov rdx,rax; push: every argument in the place of another
        PrologueCase{"RotatedArguments",
                     "48 89 f8 48 89 f7 48 89 d6 48 89 c2 55",
                     3,
                     false,
                     12,
                     kEmulated,
                     {kRax, kRdi, kRsi},
                     0},
        // mov r12,rdi; xor edi,edi; push rbp
        PrologueCase{"CopyInANewRegister", "49 89 fc 31 ff 55", 1, false, 5, kEmulated, {kR12}, 0}),
    [](const auto& c) { return c.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Stack, Prologue,
    testing::Values(
        // sub rsp,0x18; test rdi,rdi; je
        PrologueCase{"SubIsCounted", "48 83 ec 18 48 85 ff 74 40", 1, false, 7, kEmulated, {kRdi}, 24},
        // add rsp,-128; push
        PrologueCase{"AddOfANegativeNumberIsCounted", "48 83 c4 80 55", 1, false, 4, kEmulated, {kRdi}, 128},
        // push 1; push
        PrologueCase{"PushOfANumberIsCounted", "6a 01 55", 1, false, 2, kEmulated, {kRdi}, 8},
        // pushfq; popfq; push
        PrologueCase{"PushAndPopOfFlagsAreCounted", "9c 9d 55", 1, false, 2, kEmulated, {kRdi}, 0},
        // push word [rdi]: moves the stack by 2
        PrologueCase{"SixteenBitPushEndsTheWalk", "66 ff 37 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // mov rax,rsp; push
        PrologueCase{"ReadingTheStackPointerIsFine", "48 89 e0 55", 1, false, 3, kEmulated, {kRdi}, 0},
        // and rsp,-32; push
        PrologueCase{"AligningTheStackEndsTheWalk", "48 83 e4 e0 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // lea rsp,[rsp-8]; push
        PrologueCase{"LeaOfTheStackPointerEndsTheWalk", "48 8d 64 24 f8 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // sub rsp,rax; push
        PrologueCase{"SubOfARegisterEndsTheWalk", "48 29 c4 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // sub esp,8; push
        PrologueCase{"SubOfHalfTheStackPointerEndsTheWalk", "83 ec 08 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // sub rsp,0x7fffffff; push
        PrologueCase{"AbsurdFrameEndsTheWalk", "48 81 ec ff ff ff 7f 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"ReturnProbeMaySitOnTheFirstPush", "48 89 fb 55 53", 1, true, 3, kEmulated, {kRdi}, 0},
        // sub rsp,8; test rdi,rdi; je
        PrologueCase{
            "ReturnProbeIsRefusedAfterThePush", "48 83 ec 08 48 85 ff 74 40", 1, true, 0, kSingleStep, {kRdi}, 0},
        // sub rsp,8; add rsp,8; push
        PrologueCase{
            "ReturnProbeIsFineWhenTheStackIsBack", "48 83 ec 08 48 83 c4 08 55", 1, true, 8, kEmulated, {kRdi}, 0}),
    [](const auto& c) { return c.param.name; });

INSTANTIATE_TEST_SUITE_P(
    EndOfStraightLine, Prologue,
    testing::Values(
        PrologueCase{"Ret", "48 89 f8 c3 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"IndirectCall", "ff d0 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"IndirectJump", "ff e0 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"Syscall", "0f 05 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"Ud2", "0f 0b 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"Hlt", "f4 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"Int3", "cc 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"Jrcxz", "e3 10 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        // 16-bit branches: the kernel refuses to probe them, so they are no candidate
        PrologueCase{
            "BranchWithOperandSizePrefix", "48 85 ff 66 0f 84 00 00 00 00 55", 1, false, 0, kSingleStep, {kRdi}, 0},
        PrologueCase{"BytesThatAreNoInstruction", "48 89 f8 06 55", 1, false, 0, kSingleStep, {kRdi}, 0}),
    [](const auto& c) { return c.param.name; });

// test rdi,rdi; je: the point would be at +3.
constexpr auto kTestJe = "48 85 ff 0f 84 bf 00 00 00 c3";

// --- limits

TEST(ProbePointLimits, WalkEndsAfter256Bytes) {
  std::string movs;  // 7 bytes each: mov [rsi],imm32
  for (int i = 0; i < 36; ++i) movs += "48 c7 06 00 00 00 00 ";
  EXPECT_EQ(choose(function(movs + "55")).address, kEntry + 252);        // one byte, at 252
  EXPECT_EQ(choose(function(movs + "0f 1f 40 00 55")).address, kEntry);  // the push is at 256
}

TEST(ProbePointLimits, WalkEndsAfter64Instructions) {
  std::string tests;
  for (int i = 0; i < 63; ++i) tests += "48 85 ff ";
  EXPECT_EQ(choose(function(tests + "55")).address, kEntry + 63 * 3);
  EXPECT_EQ(choose(function(tests + "48 85 ff 55")).address, kEntry);
}

TEST(ProbePointLimits, WalkEndsWithTheFunction) {
  auto file = function("48 89 f8 55");
  file.symbol("f", kEntry, 3);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointLimits, WalkEndsWithTheSegment) {
  auto file = function("48 89 f8 0f 84 00 00 00 00");
  file.ends_at(kEntry + 6);
  EXPECT_EQ(choose(file).address, kEntry);
}

TEST(ProbePointLimits, CandidateInTheLastByteOfTheSegmentIsFound) {
  auto file = function("48 89 f8 55");
  file.ends_at(kEntry + 4);
  EXPECT_EQ(choose(file).address, kEntry + 3);
}

TEST(ProbePointLimits, FunctionAtTheFirstByteOfTheSegmentIsFound) {
  FakeElfFile file;
  file.code(FakeElfFile::kSegmentAddress, "48 85 ff 74 40");
  const auto point = choose_probe_point(file, FakeElfFile::kSegmentAddress, {});
  ASSERT_TRUE(point);
  EXPECT_EQ(point->address, FakeElfFile::kSegmentAddress + 3);
}

// --- what is reported, and errors

TEST(ProbePoint, SaysWhereAndWhatItIs) {
  auto file = function(kTestJe);
  const auto point = choose(file);
  EXPECT_EQ(point.function_address, kEntry);
  EXPECT_EQ(point.address, kEntry + 3);
  EXPECT_EQ(point.file_offset, kEntry + 3 - FakeElfFile::kSegmentAddress + FakeElfFile::kSegmentFileOffset);
  EXPECT_EQ(point.instruction, "jz 0x4012c8");
  EXPECT_EQ(point.flags.mask, 0u);
}

TEST(ProbePoint, EntryPointIsTheFirstInstructionWhateverItCosts) {
  const auto dear = entry_probe_point(function(kTestJe), kEntry, {.argument_count = 2});
  ASSERT_TRUE(dear);
  EXPECT_EQ(dear->address, kEntry);
  EXPECT_EQ(dear->cost, CostClass::kSingleStep);
  EXPECT_THAT(dear->arguments, ElementsAre(kRdi, kRsi));
  EXPECT_EQ(dear->instruction, "test rdi, rdi");

  const auto cheap = entry_probe_point(function("41 54"), kEntry, {});
  ASSERT_TRUE(cheap);
  EXPECT_EQ(cheap->cost, CostClass::kEmulated);
  EXPECT_EQ(cheap->instruction, "push r12");
}

TEST(ProbePoint, AddressOutsideTheCodeIsAnErrorThatNamesTheFunction) {
  FakeElfFile file;
  for (const auto& result : {choose_probe_point(file, 0x10, {}), entry_probe_point(file, 0x10, {})}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, ProbePointError::Reason::kNoCode);
    EXPECT_THAT(describe(result.error()), HasSubstr("libfake.so:0x10"));
    EXPECT_THAT(describe(result.error()), HasSubstr("no executable bytes"));
  }
}

TEST(ProbePoint, UndecodableEntryIsAnErrorThatNamesTheFunction) {
  auto file = function("06 55");
  file.symbol("strange", kEntry, 2);
  const auto result = choose_probe_point(file, kEntry, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, ProbePointError::Reason::kUndecodable);
  EXPECT_THAT(describe(result.error()), HasSubstr("libfake.so:strange"));
}

TEST(ProbePoint, InstructionCutOffByTheEndOfTheSegmentIsUndecodable) {
  auto file = function("48 89");
  file.ends_at(kEntry + 2);
  const auto result = choose_probe_point(file, kEntry, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, ProbePointError::Reason::kUndecodable);
}

TEST(ProbePointDeathTest, MoreArgumentsThanRegistersAborts) {
  EXPECT_DEATH((void)choose_probe_point(function("55"), kEntry, {.argument_count = 7}), "");
}

TEST(ProbePoint, SixArgumentsAreTheirSixRegisters) {
  EXPECT_THAT(
      choose(function("55"), {.argument_count = 6}).arguments,
      ElementsAre(Register::kRdi, Register::kRsi, Register::kRdx, Register::kRcx, Register::kR8, Register::kR9));
}

}  // namespace
}  // namespace poolscope::elf

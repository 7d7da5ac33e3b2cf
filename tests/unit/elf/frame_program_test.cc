#include "probes/elf/frame_program.h"

#include <vector>

#include <dwarf.h>
#include <gtest/gtest.h>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

using Code = std::vector<std::uint8_t>;
constexpr std::uint8_t kRbp = 6, kRsp = 7, kRbx = 3, kReturnAddress = 16;

// The start of every x86-64 function: CFA = rsp + 8, return address at CFA - 8.
const Code kEntry = {DW_CFA_def_cfa, kRsp, 8, DW_CFA_offset | kReturnAddress, 1};

std::optional<FrameStep> run(const Code& own, std::uint64_t code_offset = 0) {
  return run_frame_program({kEntry, own, 1, -8}, code_offset);
}

struct Row {
  const char* name;
  Code own;
  std::optional<std::int64_t> cfa_offset;  // nothing: no step
};
class FrameProgramRow : public testing::TestWithParam<Row> {};
TEST_P(FrameProgramRow, GivesTheOffset) {
  const auto step = run(GetParam().own);
  EXPECT_EQ(step ? std::optional(step->cfa_offset) : std::nullopt, GetParam().cfa_offset);
}
INSTANTIATE_TEST_SUITE_P(
    Table, FrameProgramRow,
    testing::Values(
        Row{"Nothing", {}, 8}, Row{"Nops", {DW_CFA_nop, DW_CFA_nop}, 8}, Row{"Offset", {DW_CFA_def_cfa_offset, 48}, 48},
        Row{"TwoByteOffset", {DW_CFA_def_cfa_offset, 0x90, 0x02}, 272},
        Row{"SignedOffset", {DW_CFA_def_cfa_offset_sf, 0x7e}, 16}, Row{"Whole", {DW_CFA_def_cfa, kRbp, 16}, 16},
        Row{"OtherRegister", {DW_CFA_def_cfa_register, kRbx}, {}},
        Row{"Expression", {DW_CFA_def_cfa_expression, 2, DW_OP_breg7, 8}, {}},
        Row{"OffsetAfterExpression", {DW_CFA_def_cfa_expression, 1, DW_OP_nop, DW_CFA_def_cfa_offset, 8}, {}},
        Row{"WholeAfterExpression", {DW_CFA_def_cfa_expression, 1, DW_OP_nop, DW_CFA_def_cfa, kRsp, 24}, 24},
        Row{"NoReturnAddress", {DW_CFA_undefined, kReturnAddress}, {}},
        Row{"ReturnAddressElsewhere", {DW_CFA_offset | kReturnAddress, 2}, {}},
        Row{"ReturnAddressRestored", {DW_CFA_undefined, kReturnAddress, DW_CFA_restore_extended, kReturnAddress}, 8},
        Row{"RbpInRegister", {DW_CFA_register, kRbp, kRbx}, {}},
        Row{"RbpExpression", {DW_CFA_expression, kRbp, 1, DW_OP_nop}, {}},
        Row{"OtherRegistersDoNotMatter", {DW_CFA_expression, kRbx, 1, DW_OP_nop, DW_CFA_register, 12, 13}, 8},
        Row{"ArgumentsSize", {DW_CFA_GNU_args_size, 16}, 8},
        Row{"RememberAndRestore", {DW_CFA_remember_state, DW_CFA_def_cfa_offset, 64, DW_CFA_restore_state}, 8},
        Row{"RestoreWithoutRemember", {DW_CFA_restore_state}, {}}, Row{"UnknownInstruction", {0x3e}, {}},
        Row{"CutOff", {DW_CFA_def_cfa_offset}, {}}, Row{"NumberWithoutEnd", {DW_CFA_def_cfa_offset, 0x80, 0x80}, {}},
        Row{"BlockBeyondTheEnd", {DW_CFA_expression, kRbx, 100}, {}},
        Row{"HugeRegisterNumber", {DW_CFA_offset_extended, 0xff, 0xff, 0xff, 0x3f, 1}, 8}),
    [](const auto& info) { return info.param.name; });

TEST(FrameProgram, KnowsWhereRbpIsSaved) {
  EXPECT_EQ(run({DW_CFA_offset | kRbp, 2})->saved_rbp_at_cfa, -16);
  EXPECT_EQ(run({DW_CFA_offset | kRbp, 2, DW_CFA_restore | kRbp})->saved_rbp_at_cfa, std::nullopt);
  EXPECT_EQ(run({DW_CFA_offset | kRbp, 2, DW_CFA_same_value, kRbp})->saved_rbp_at_cfa, std::nullopt);
}

struct Advance {
  const char* name;
  Code advance;
  std::uint64_t bytes;
};
class FrameProgramAdvance : public testing::TestWithParam<Advance> {};
TEST_P(FrameProgramAdvance, BeginsTheNextRowAtThatByte) {
  Code own = GetParam().advance;
  own.insert(own.end(), {DW_CFA_def_cfa_offset, 16});
  EXPECT_EQ(run(own, GetParam().bytes - 1)->cfa_offset, 8);
  EXPECT_EQ(run(own, GetParam().bytes)->cfa_offset, 16);
}
INSTANTIATE_TEST_SUITE_P(Table, FrameProgramAdvance,
                         testing::Values(Advance{"InTheInstruction", {DW_CFA_advance_loc | 5}, 5},
                                         Advance{"OneByte", {DW_CFA_advance_loc1, 200}, 200},
                                         Advance{"TwoBytes", {DW_CFA_advance_loc2, 0x00, 0x10}, 0x1000},
                                         Advance{"FourBytes", {DW_CFA_advance_loc4, 0, 0, 1, 0}, 0x10000}),
                         [](const auto& info) { return info.param.name; });

TEST(FrameProgram, RefusesEndlessRemembering) {
  EXPECT_TRUE(run(Code(kMaxRememberedRows, DW_CFA_remember_state)).has_value());
  EXPECT_FALSE(run(Code(kMaxRememberedRows + 1, DW_CFA_remember_state)).has_value());
}

TEST(FrameProgram, RefusesAnEndlessProgram) {
  EXPECT_TRUE(run(Code(kMaxFrameProgramBytes, DW_CFA_nop)).has_value());
  EXPECT_FALSE(run(Code(kMaxFrameProgramBytes + 1, DW_CFA_nop)).has_value());
}

TEST(FrameProgram, SurvivesFactorsThatOverflow) {
  const Code own = {DW_CFA_advance_loc4, 0xff, 0xff, 0xff, 0xff, DW_CFA_def_cfa_offset_sf, 0x7e};
  EXPECT_EQ(run_frame_program({kEntry, own, ~0ull, -8}, 0)->cfa_offset, 8);
  EXPECT_FALSE(run_frame_program({kEntry, own, 1, INT64_MIN}, 0).has_value());
}

}  // namespace
}  // namespace poolscope::elf

// Following values through hand-made code.
#include "probes/go/value_flow.h"

#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using elf::Register;

struct Followed {
  std::unique_ptr<elf::ElfFile> file;
  std::unique_ptr<FunctionCode> code;
  ValueFlow flow;

  // Where the value of `reg` at the entry is before the last instruction.
  std::optional<ValueLocation> last_place_of(Register reg) {
    const auto& state = flow.before(code->size() - 1);
    return state ? flow.locate(flow.at_entry(reg), *state) : std::nullopt;
  }
};

Followed follow(const Bytes& bytes) {
  auto file = open_bytes(make_elf(bytes, {0}));
  auto code = FunctionCode::read(*file, kCodeAddress, bytes.size());
  if (!code) throw std::runtime_error("cannot be decoded");
  auto kept = std::make_unique<FunctionCode>(std::move(*code));
  auto flow = ValueFlow::run(*kept);
  if (!flow) throw std::runtime_error("does not come to an end");
  return {std::move(file), std::move(kept), std::move(*flow)};
}

ValueLocation on_stack(std::int32_t rsp_offset) {
  return {ValueLocation::Kind::kStack, Register::kRsp, rsp_offset};
}
ValueLocation in(Register reg) {
  return {ValueLocation::Kind::kRegister, reg, 0};
}

struct FlowCase {
  const char* name;
  Bytes code;
  std::optional<ValueLocation> rax;  // where the first argument is in the end
};
class ValueOfRax : public testing::TestWithParam<FlowCase> {};
TEST_P(ValueOfRax, IsWhereTheCodePutIt) {
  EXPECT_EQ(follow(GetParam().code).last_place_of(Register::kRax), GetParam().rax);
}
INSTANTIATE_TEST_SUITE_P(
    Table, ValueOfRax,
    testing::Values(
        FlowCase{"Untouched", {0xc3}, in(Register::kRax)},
        FlowCase{"Moved", {0x48, 0x89, 0xc3, 0x31, 0xc0, 0xc3}, in(Register::kRbx)},  // mov rbx, rax; xor eax, eax
        FlowCase{"Overwritten", {0x31, 0xc0, 0xc3}, std::nullopt},
        FlowCase{"OverwrittenInPart", {0xb0, 0x01, 0xc3}, std::nullopt},  // mov al, 1
        // sub rsp, 0x18; mov [rsp + 0x10], rax; xor eax, eax
        FlowCase{"Spilled", {0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x44, 0x24, 0x10, 0x31, 0xc0, 0xc3}, on_stack(0x10)},
        // the same and add rsp, 0x18: below rsp nothing lasts
        FlowCase{"SpilledBelow",
                 {0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x44, 0x24, 0x10, 0x31, 0xc0, 0x48, 0x83, 0xc4, 0x18, 0xc3},
                 std::nullopt},
        // push rax; call +0: a call keeps the stack, and not rax
        FlowCase{"PushedOverACall", {0x50, 0xe8, 0, 0, 0, 0, 0xc3}, on_stack(0)},
        FlowCase{"Called", {0xe8, 0, 0, 0, 0, 0xc3}, std::nullopt},
        // push rax; mov byte [rsp + 7], 1; xor eax, eax
        FlowCase{"SlotDamagedInPart", {0x50, 0xc6, 0x44, 0x24, 0x07, 0x01, 0x31, 0xc0, 0xc3}, std::nullopt},
        // push rax; mov rdi, rsp; call +0: the callee may change the slot
        FlowCase{"SlotPassedToACall", {0x50, 0x48, 0x89, 0xe7, 0xe8, 0, 0, 0, 0, 0xc3}, std::nullopt},
        // push rax; xor eax, eax; pop rcx
        FlowCase{"Popped", {0x50, 0x31, 0xc0, 0x59, 0xc3}, in(Register::kRcx)},
        // test ebx, ebx; je +3; mov rcx, rax; mov rax, rcx: one way leaves rax, the other sets it to itself or to rcx
        FlowCase{"ChangedOnOneWay", {0x85, 0xdb, 0x74, 0x02, 0x31, 0xc0, 0xc3}, std::nullopt},
        FlowCase{"CopiedOnOneWay", {0x85, 0xdb, 0x74, 0x03, 0x48, 0x89, 0xc1, 0xc3}, in(Register::kRax)}),
    [](const auto& test) { return test.param.name; });

TEST(ValueFlow, NamesTheSameLoadThroughSlotAndRegisterTheSame) {
  // mov rdx, [rax + 0x20]; push rdx; xor edx, edx; pop rbx; test rbx, rbx; ret
  auto followed = follow({0x48, 0x8b, 0x50, 0x20, 0x52, 0x31, 0xd2, 0x5b, 0x48, 0x85, 0xdb, 0xc3});
  const auto& state = followed.flow.before(followed.code->size() - 1);
  ASSERT_TRUE(state && state->compared_with_zero);
  const Value& tested = followed.flow.value(*state->compared_with_zero);
  EXPECT_EQ(tested.kind, Value::Kind::kLoaded);
  EXPECT_EQ(tested.base, followed.flow.at_entry(Register::kRax));
  EXPECT_EQ(tested.offset, 0x20);
}

TEST(ValueFlow, ForgetsATestWhenTheFlagsChange) {
  // test rax, rax; inc rcx; ret
  auto followed = follow({0x48, 0x85, 0xc0, 0x48, 0xff, 0xc1, 0xc3});
  EXPECT_FALSE(followed.flow.before(2)->compared_with_zero);
  EXPECT_TRUE(followed.flow.before(1)->compared_with_zero);
}

TEST(ValueFlow, ComesToAnEndInALoop) {
  // mov rax, [rax]; test rax, rax; jne to the load, one instruction behind the entry
  auto followed = follow({0x90, 0x48, 0x8b, 0x00, 0x48, 0x85, 0xc0, 0x75, 0xf8, 0xc3});
  EXPECT_FALSE(followed.last_place_of(Register::kRax));
  EXPECT_EQ(followed.last_place_of(Register::kRbx), in(Register::kRbx));
}

TEST(FunctionCode, OfTooManyInstructionsIsRefused) {
  const Bytes nops(kMaxFunctionInstructions + 1, 0x90);
  const auto file = open_bytes(make_elf(nops, {0}));
  EXPECT_FALSE(FunctionCode::read(*file, kCodeAddress, nops.size()));
  EXPECT_TRUE(FunctionCode::read(*file, kCodeAddress, nops.size() - 1));
}

TEST(FunctionCode, BeyondTheEndOfTheCodeIsRefused) {
  const auto file = open_bytes(make_elf({0x90, 0xc3}, {0}));
  EXPECT_FALSE(FunctionCode::read(*file, kCodeAddress, 3));
  EXPECT_FALSE(FunctionCode::read(*file, kCodeAddress, 0));
}

TEST(FunctionCode, DoesNotTakeARestartForALoop) {
  // jbe to the last jump; test; ret; jmp to the entry
  const Bytes code = {0x76, 0x04, 0x74, 0x00, 0x90, 0xc3, 0xeb, 0xf8};
  const auto file = open_bytes(make_elf(code, {0}));
  const auto function = FunctionCode::read(*file, kCodeAddress, code.size());
  ASSERT_TRUE(function);
  EXPECT_TRUE(function->successors(4).restarts);
  EXPECT_TRUE(function->runs_once_per_call(1));
  EXPECT_TRUE(function->runs_at_most_once_per_call(0));
}

}  // namespace
}  // namespace poolscope::go

// Probe points in runtime.growslice, on real programs in several builds.
#include "probes/go/growth_points.h"

#include <gtest/gtest.h>

#include "probes/go/stack_check.h"
#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using elf::Register;

ValueLocation in(Register reg) {
  return {ValueLocation::Kind::kRegister, reg, 0};
}

GrowthPoints points_of(const OpenedProgram& program) {
  const auto points = find_growth_points(*program.program);
  if (!points) throw std::runtime_error(describe(points.error()));
  return *points;
}

class RealGrowth : public testing::TestWithParam<Build> {};
INSTANTIATE_TEST_SUITE_P(Builds, RealGrowth, testing::ValuesIn(kPoolBuilds),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(RealGrowth, IsSeenAtTheStackCheckAndAtTheCopy) {
  const GrowthPoints points = points_of(open_program(GetParam()));
  EXPECT_TRUE(points.call_instruction.starts_with("jbe")) << points.call_instruction;
  EXPECT_EQ(points.count_call_when.mask, kZeroFlag | kCarryFlag);
  EXPECT_EQ(points.count_call_when.value, 0u);
  EXPECT_TRUE(points.copy_instruction.starts_with("call")) << points.copy_instruction;
  EXPECT_LT(points.call_offset, points.copy_offset);
}

TEST_P(RealGrowth, HasItsArgumentsWhereGo119PassesThem) {
  const GrowthPoints points = points_of(open_program(GetParam()));
  EXPECT_EQ(points.type, in(Register::kRax));
  EXPECT_EQ(points.old_capacity, in(Register::kRdi));
  EXPECT_EQ(points.new_array, in(Register::kRax));
  EXPECT_EQ(points.old_array, in(Register::kRbx));
  EXPECT_EQ(points.copied_bytes, in(Register::kRcx));
}

TEST_P(RealGrowth, FindsTheNewCapacityInTheFrame) {
  const GrowthPoints points = points_of(open_program(GetParam()));
  EXPECT_EQ(points.new_capacity.kind, ValueLocation::Kind::kStack);
  EXPECT_GE(points.new_capacity.rsp_offset, 0);
}

TEST(GrowthPoints, AreInOtherRegistersSinceGo120) {
  Bytes bytes = bytes_of(built(Build::kStripped));
  replace_text(bytes, "go1.19", "go1.20");
  const GrowthPoints points = points_of(open_program(open_bytes(bytes)));
  EXPECT_EQ(points.type, in(Register::kRsi));
  EXPECT_EQ(points.old_capacity, in(Register::kRcx));
}

TEST(GrowthPoints, ErrorsNameTheProgramAndTheCause) {
  using Reason = GrowthPointsError::Reason;
  for (const Reason reason :
       {Reason::kNotLinked, Reason::kNoStackCheck, Reason::kUndecodable, Reason::kNoCopy, Reason::kCapacityLost}) {
    const std::string text = describe({reason, "server"});
    EXPECT_TRUE(text.starts_with("server")) << text;
    EXPECT_NE(text.find("growslice"), std::string::npos) << text;
  }
  EXPECT_EQ(reason_label(Reason::kNotLinked), "no_append");
  EXPECT_EQ(reason_label(Reason::kNoCopy), "no_probe_point");
}

}  // namespace
}  // namespace poolscope::go

#include "agent/sampler/undilated.h"

#include <gtest/gtest.h>

namespace poolscope::sampler {
namespace {

constexpr double kPrice = 1, kBusy = 0.9;

model::Window window(std::uint64_t cpu_ns, std::uint64_t charge_ns, std::uint64_t length_ns = 1'000'000) {
  model::Window result;
  result.length_ns = length_ns;
  result.cpu_ns = cpu_ns;
  result.charge_ns = charge_ns;
  return result;
}

TEST(Undilated, RateIsPerCpuSecondOfTheTargetAlone) {
  EXPECT_DOUBLE_EQ(per_undilated_second(100, window(1'000'000, 500'000), kPrice), 200e3);
}

TEST(Undilated, ChargeNearTheWholeLeavesTheTargetAQuarter) {
  EXPECT_DOUBLE_EQ(per_undilated_second(100, window(1'000'000, 990'000), kPrice), 400e3);
}

TEST(Undilated, WindowWithoutCpuTimeHasNoRate) {
  EXPECT_EQ(per_undilated_second(100, window(0, 0), kPrice), 0);
}

TEST(Saturation, IsBelievedAfterThreeWindowsInARow) {
  Saturation saturation;
  EXPECT_EQ(saturation.note(window(1'000'000, 990'000), kPrice, kBusy), kLeastOwnShare);
  EXPECT_EQ(saturation.note(window(1'000'000, 990'000), kPrice, kBusy), kLeastOwnShare);
  EXPECT_EQ(saturation.note(window(1'000'000, 990'000), kPrice, kBusy), kLeastSaturatedShare);
}

TEST(Saturation, IsForgottenWithTheFirstWindowThatIsNot) {
  Saturation saturation;
  for (int i = 0; i < 5; ++i) (void)saturation.note(window(1'000'000, 990'000), kPrice, kBusy);
  EXPECT_EQ(saturation.note(window(1'000'000, 500'000), kPrice, kBusy), kLeastOwnShare);
}

TEST(Saturation, IsNotToldOfATargetThatMostlyPauses) {
  Saturation saturation;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(saturation.note(window(300'000, 290'000), kPrice, kBusy), kLeastOwnShare);
}

TEST(Saturation, IsNotToldOfAProcessThatMostlyWaitsWhoseSlowedPulsesFillWindows) {
  constexpr double kMostlyWaits = 0.1;
  Saturation saturation;
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(saturation.note(window(1'000'000, 990'000), kPrice, kMostlyWaits), kLeastOwnShare);
}

TEST(Saturation, IsStillToldAfterAWindowWithoutACpu) {
  Saturation saturation;
  for (int i = 0; i < 2; ++i) (void)saturation.note(window(1'000'000, 990'000), kPrice, kBusy);
  (void)saturation.note(window(100'000, 0), kPrice, kBusy);
  EXPECT_EQ(saturation.note(window(1'000'000, 990'000), kPrice, kBusy), kLeastSaturatedShare);
}

}  // namespace
}  // namespace poolscope::sampler

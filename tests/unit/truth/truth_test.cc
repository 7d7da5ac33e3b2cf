#include "tests/truth/truth.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace poolscope::truth {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

// 100 objects in the first tenth of a second, of 1 to 100 bytes; the n-th lives for n * 200 us.
EventStream a_hundred_objects() {
  EventStream stream;
  for (std::uint32_t i = 0; i < 100; ++i) stream.add_allocation(i * kMillisecond, 0, i + 1);
  for (std::uint32_t i = 0; i < 100; ++i) stream.add_free(i * kMillisecond + (i + 1) * kMillisecond / 5, 0, i);
  std::ranges::sort(stream.events, {}, &Event::time_ns);
  stream.end_ns = 1000 * kMillisecond;
  return stream;
}

TEST(Truth, CountsEventsInsideTheRangeOnly) {
  Truth truth({10 * kMillisecond, 60 * kMillisecond});
  truth.add(a_hundred_objects());
  EXPECT_EQ(truth.allocations(), 50u);
  EXPECT_DOUBLE_EQ(truth.allocations_per_second(), 1000);
  EXPECT_DOUBLE_EQ(truth.bytes_per_second(), (11 + 60) * 25 / 0.05);
}

TEST(Truth, OfSizesIsTheSmallestThatEnoughAskedForOrLess) {
  Truth truth({0, 100 * kMillisecond});
  truth.add(a_hundred_objects());
  EXPECT_EQ(truth.size_quantile(0.5), 50u);
  EXPECT_EQ(truth.size_quantile(0.951), 96u);
  EXPECT_EQ(truth.size_quantile(0), 1u);
}

TEST(Truth, OfSizesIsAbsentWhenThereWereNone) {
  EXPECT_FALSE(Truth({0, kMillisecond}).size_quantile(0.5));
}

TEST(Truth, OfLivesIsTheShareThatDiedInTime) {
  Truth truth({0, 100 * kMillisecond});
  truth.add(a_hundred_objects());
  EXPECT_EQ(truth.lives().births, 100u);
  EXPECT_EQ(truth.lives().dead_by_1ms, 5u);
  EXPECT_EQ(truth.lives().dead_by_10ms, 50u);
  EXPECT_DOUBLE_EQ(truth.lives().bytes_dead_by_10ms / truth.lives().bytes, 51 * 25 / 5050.0);
}

TEST(Truth, OfLivesLeavesOutBirthsThatNobodyFollowedLongEnough) {
  EventStream stream = a_hundred_objects();
  stream.end_ns = 50 * kMillisecond;
  Truth truth({0, 100 * kMillisecond});
  truth.add(stream);
  EXPECT_EQ(truth.lives().births, 41u);
}

}  // namespace
}  // namespace poolscope::truth

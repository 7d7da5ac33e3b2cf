#include "ui/model/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One sample every two seconds; a negative number begins anew behind a hole.
Series counter(std::initializer_list<double> totals) {
  Series series;
  std::uint64_t second = 0;
  for (const double total : totals) {
    series.samples.push_back({(second += 2) * viewer_test::kSecond, std::abs(total), {}, {}, total < 0 || second == 2});
  }
  return series;
}

std::vector<double> values(const Series& series) {
  std::vector<double> values;
  for (const Sample& sample : series.samples) values.push_back(sample.value);
  return values;
}

TEST(RateOfCounter, IsNothingOfNoneOrOne) {
  EXPECT_THAT(values(rate_of_counter({})), IsEmpty());
  EXPECT_THAT(values(rate_of_counter(counter({5}))), IsEmpty());
}

TEST(RateOfCounter, IsWhatWasAddedPerSecond) {
  EXPECT_THAT(values(rate_of_counter(counter({0, 10, 40, 40}))), ElementsAre(5, 15, 0));
}

TEST(RateOfCounter, SpreadsWhatIsToldInPieces) {
  EXPECT_THAT(values(rate_of_counter(counter({0, 0, 0, 60, 60, 100}))), ElementsAre(10, 10, 10, 10, 10));
}

TEST(RateOfCounter, LeavesAHoleWhereTheCounterBeganAnew) {
  const Series rates = rate_of_counter(counter({100, 110, 4, 8}));
  EXPECT_THAT(values(rates), ElementsAre(5, 2));
  EXPECT_TRUE(rates.samples[1].begins);
}

TEST(RateOfCounter, LeavesAHoleWhereThereIsOne) {
  const Series rates = rate_of_counter(counter({100, 110, -200, 220}));
  EXPECT_THAT(values(rates), ElementsAre(5, 10));
  EXPECT_TRUE(rates.samples[1].begins);
}

TEST(RatioOfCounters, IsOfWhatWasAddedToBoth) {
  EXPECT_THAT(values(ratio_of_counters(counter({0, 1, 1, 4}), counter({0, 10, 20, 30}))), ElementsAre(0.1, 0, 0.3));
}

TEST(RatioOfCounters, IsNothingWhereTheWholeStandsStill) {
  EXPECT_THAT(values(ratio_of_counters(counter({0, 0, 0}), counter({7, 7, 7}))), IsEmpty());
  EXPECT_THAT(values(ratio_of_counters({}, counter({7, 8, 9}))), IsEmpty());
}

TEST(Joined, IsEstimatedUntilItIsCounted) {
  const Series counted = {{{6 * viewer_test::kSecond, 60, {}, {}, true}}};
  const Series all = joined(counter({1, 2, 3, 4}), counted);
  EXPECT_THAT(values(all), ElementsAre(1, 2, 60));
  EXPECT_FALSE(all.samples[2].begins) << "no hole between them";
  EXPECT_THAT(values(joined(counter({1, 2}), {})), ElementsAre(1, 2));
  EXPECT_THAT(values(joined({}, counted)), ElementsAre(60));
}

}  // namespace
}  // namespace poolscope::viewer

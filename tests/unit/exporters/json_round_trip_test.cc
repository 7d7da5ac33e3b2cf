#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "exporters/model/json.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using poolscope::model::describe;
using poolscope::model::Estimate;
using poolscope::model::Snapshot;
using poolscope::model::snapshot_from_json;
using poolscope::model::to_json;

Snapshot round_trip(const Snapshot& snapshot, int indent = 0) {
  auto read = snapshot_from_json(to_json(snapshot, indent));
  if (!read) {
    ADD_FAILURE() << describe(read.error());
    return {};
  }
  return *std::move(read);
}

Snapshot with_rate(double value) {
  Snapshot snapshot;
  snapshot.targets.emplace_back().allocations.per_second = Estimate{value, {}, {}};
  return snapshot;
}

TEST(JsonRoundTrip, KeepsAnEmptySnapshot) {
  EXPECT_EQ(round_trip(Snapshot{}), Snapshot{});
}

TEST(JsonRoundTrip, KeepsEveryField) {
  const Snapshot snapshot = poolscope::test::full_snapshot();
  EXPECT_EQ(round_trip(snapshot), snapshot);
  EXPECT_EQ(round_trip(snapshot, 2), snapshot);
}

TEST(JsonRoundTrip, KeepsRandomSnapshots) {
  std::mt19937_64 random(2026);
  for (int i = 0; i < 300; ++i) {
    const Snapshot snapshot = poolscope::test::random_snapshot(random);
    ASSERT_EQ(round_trip(snapshot), snapshot) << "round " << i << "\n" << to_json(snapshot, 2);
  }
}

struct DoubleCase {
  const char* name;
  double value;
};
class JsonRoundTripOfADouble : public testing::TestWithParam<DoubleCase> {};
TEST_P(JsonRoundTripOfADouble, KeepsEveryBit) {
  const Snapshot read = round_trip(with_rate(GetParam().value));
  ASSERT_EQ(read.targets.size(), 1u);
  ASSERT_TRUE(read.targets[0].allocations.per_second);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(read.targets[0].allocations.per_second->value),
            std::bit_cast<std::uint64_t>(GetParam().value));
}
INSTANTIATE_TEST_SUITE_P(Table, JsonRoundTripOfADouble,
                         testing::Values(DoubleCase{"Zero", 0.0}, DoubleCase{"NegativeZero", -0.0},
                                         DoubleCase{"Whole", 3.0}, DoubleCase{"Third", 1.0 / 3},
                                         DoubleCase{"Smallest", std::numeric_limits<double>::denorm_min()},
                                         DoubleCase{"SmallestNormal", std::numeric_limits<double>::min()},
                                         DoubleCase{"Largest", std::numeric_limits<double>::max()},
                                         DoubleCase{"BeyondExactIntegers", 9007199254740993.0},
                                         DoubleCase{"AboveSixtyFourBits", 36893488147419103232.0}),
                         [](const auto& c) { return c.param.name; });

TEST(JsonRoundTrip, KeepsTheLargestIntegers) {
  Snapshot snapshot;
  snapshot.time_unix_ns = std::numeric_limits<std::uint64_t>::max();
  snapshot.targets.emplace_back().processes.push_back({{std::numeric_limits<std::int32_t>::max(), 1}, 2, "x"});
  EXPECT_EQ(round_trip(snapshot), snapshot);
}

TEST(JsonRoundTrip, KeepsZerosThatWereCounted) {
  Snapshot snapshot;
  snapshot.targets.emplace_back().exact = true;
  EXPECT_NE(to_json(snapshot).find(R"("counted":{"allocations":0)"), std::string::npos);
  EXPECT_EQ(round_trip(snapshot), snapshot);
}

TEST(JsonRoundTrip, KeepsTextOfEveryLanguage) {
  Snapshot snapshot;
  snapshot.targets.emplace_back().name = "größe \"名\" \\ \t\n \U0001F980";
  EXPECT_EQ(round_trip(snapshot), snapshot);
}

}  // namespace

// The sampling design, replayed on streams of a made-up service, and the estimates that follow: a small ./dev bench truth_simulation.

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/truth/made_streams.h"
#include "tests/truth/simulation.h"

namespace poolscope::truth {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kReplays = 30;
#else
constexpr unsigned kReplays = 200;
#endif

struct Case {
  MadeStream stream;
  bool has_sizes_and_lives = true;  // enough bursts see work for intervals of these
};

void PrintTo(const Case& what, std::ostream* out) {
  *out << name_of(what.stream.load) << (what.stream.has_io_calls ? " with calls" : "");
}

class Sampling : public testing::TestWithParam<Case> {};

TEST_P(Sampling, IsNotBiasedAndItsIntervalsHold) {
  const auto& [what, has_sizes_and_lives] = GetParam();
  Design design;
  design.has_io_calls = what.has_io_calls;
  const EventStream stream = make_stream(what);
  for (const Cell& cell : simulate(stream, design, kReplays, 1)) {
    const bool is_rate = cell.figure.ends_with("/s");
    if (!is_rate && !has_sizes_and_lives) continue;
    ASSERT_GT(cell.intervals, kReplays * 9 / 10) << cell.figure;
    // The mean of so many estimates is off by chance, too.
    const double chance = 3 * cell.half_width / 2 / std::sqrt(static_cast<double>(cell.estimates));
    const double bucket = cell.figure.ends_with("size") ? 0.125 : 0;
    EXPECT_LT(std::abs(cell.bias), 0.02 + chance + bucket) << cell.figure << ", truth " << cell.truth;
    EXPECT_GE(cell.coverage, 0.90 - 2 * std::sqrt(0.09 / kReplays))
        << cell.figure << ", half-width " << cell.half_width;
  }
}

INSTANTIATE_TEST_SUITE_P(Loads, Sampling,
                         testing::Values(Case{{.load = Load::kSteady, .seconds = 16}},
                                         Case{{.load = Load::kSteady, .seconds = 16, .has_io_calls = true}},
                                         Case{{.load = Load::kPeriodic, .seconds = 16}, false},
                                         Case{{.load = Load::kSwitching, .seconds = 24}}));

TEST(MadeStream, IsTheSameForTheSameSeed) {
  const EventStream one = make_stream({.seconds = 1}), same = make_stream({.seconds = 1}),
                    other = make_stream({.seconds = 1, .seed = 2});
  EXPECT_EQ(one.events.size(), same.events.size());
  EXPECT_EQ(one.events.back().time_ns, same.events.back().time_ns);
  EXPECT_NE(one.events.size(), other.events.size());
}

TEST(MadeStream, ComesInTheOrderOfTime) {
  for (const Load load : {Load::kSaturated, Load::kSteady, Load::kBursty, Load::kPeriodic, Load::kSwitching}) {
    const EventStream stream = make_stream({.load = load, .seconds = 1});
    EXPECT_TRUE(std::ranges::is_sorted(stream.events, {}, &Event::time_ns)) << name_of(load);
    EXPECT_GT(stream.events.size(), 10'000u) << name_of(load);
  }
}

}  // namespace
}  // namespace poolscope::truth

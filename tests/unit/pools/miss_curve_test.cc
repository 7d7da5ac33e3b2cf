#include "pools/sizing/miss_curve.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/pools/played_pool.h"

namespace {

using poolscope::sizing::CapMisses;
using poolscope::sizing::kIdleCapCount;
using poolscope::sizing::kIdleCaps;
using poolscope::sizing::MissCurve;
using poolscope::sizing::MissCurveBuilder;
using poolscope::sizing::PlayedPool;

// 'p' puts, anything else gets.
MissCurve curve_of(std::string_view events) {
  MissCurveBuilder builder;
  for (const char event : events) event == 'p' ? builder.put() : builder.get();
  return builder.curve();
}

CapMisses played(std::string_view events, std::uint64_t cap) {
  PlayedPool played(cap);
  for (const char event : events) event == 'p' ? played.put() : played.get();
  return played.misses();
}

void expect_as_played(std::string_view events) {
  const MissCurve curve = curve_of(events);
  for (std::size_t i = 0; i < kIdleCapCount; ++i) {
    EXPECT_EQ(curve.caps[i], played(events, kIdleCaps[i])) << "cap " << kIdleCaps[i] << " of " << events.substr(0, 80);
  }
}

std::string drawn(std::size_t length, double puts, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution is_put(puts);
  std::string events;
  for (std::size_t i = 0; i < length; ++i) events += is_put(random) ? 'p' : 'g';
  return events;
}

TEST(MissCurve, WithoutEventsHasNoGets) {
  EXPECT_EQ(curve_of(""), MissCurve{});
}

TEST(MissCurve, OfGetsAloneMissesAllWhenNothingWasThere) {
  const auto curve = curve_of("ggggg");
  EXPECT_EQ(curve.gets, 5u);
  EXPECT_EQ(curve.caps[0], (CapMisses{5, 4, 4, 4})) << "cap 1: the first get takes the one object there may be";
  EXPECT_EQ(curve.caps[7], (CapMisses{5, 0, 0, 0})) << "cap 8: there may be enough for all";
}

TEST(MissCurve, OfGetAndPutInTurnNeedsOneObject) {
  const auto curve = curve_of("gpgpgpgp");
  EXPECT_EQ(curve.caps[0], (CapMisses{1, 0, 3, 0}));
}

TEST(MissCurve, OfPutsAndThenGetsMissesWhatTheCapThrewAway) {
  const auto curve = curve_of("ppppgggg");
  EXPECT_EQ(curve.caps[0].misses_after, 3u);
  EXPECT_EQ(curve.caps[1].misses_after, 2u);
  EXPECT_EQ(curve.caps[3].misses_after, 0u);
}

TEST(MissCurve, IsNotKnownAfterwardsForACapThatWasNeverFilledOrEmptied) {
  const auto curve = curve_of(std::string("gpgpgpgpgpgpgpgpgpgp"));
  EXPECT_EQ(curve.caps[7].gets_after, 0u);
  EXPECT_EQ(curve.caps[7].from_empty - curve.caps[7].from_full, 1u);
}

TEST(MissCurve, IsWhatAPoolPlayedForEachCapMisses) {
  for (const double puts : {0.2, 0.45, 0.5, 0.55, 0.8}) {
    for (unsigned seed = 0; seed < 12; ++seed) expect_as_played(drawn(600, puts, seed));
  }
}

TEST(MissCurve, IsRightForPoolsDeeperThanTheLargestCap) {
  expect_as_played(std::string(5000, 'p') + std::string(5000, 'g') + drawn(500, 0.5, 1));
  expect_as_played(std::string(5000, 'g') + std::string(4500, 'p') + std::string(6000, 'g'));
}

// The order of two neighbours cannot always be told.
TEST(MissCurve, ChangesByAtMostOneMissForEachPairInTheWrongOrder) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::string events = drawn(300, 0.5, seed);
    const MissCurve right = curve_of(events);
    for (std::size_t at = 1; at < events.size(); at += 7) {
      std::string swapped = events;
      std::swap(swapped[at - 1], swapped[at]);
      const MissCurve wrong = curve_of(swapped);
      for (std::size_t i = 0; i < kIdleCapCount; ++i) {
        const auto misses = static_cast<std::int64_t>(right.caps[i].from_empty);
        EXPECT_LE(std::abs(misses - static_cast<std::int64_t>(wrong.caps[i].from_empty)), 1);
      }
    }
  }
}

TEST(MissCurve, WhatLiesDeeperThanTheLargestCapIsLostToAll) {
  MissCurveBuilder builder;
  for (int i = 0; i < 5000; ++i) builder.put();
  for (int i = 0; i < 5000; ++i) builder.get();
  const MissCurve curve = builder.curve();
  EXPECT_EQ(curve.caps.back().from_empty, 5000u - 4096);
  EXPECT_EQ(curve.caps.front().from_empty, 4999u);
}

TEST(MissCurve, MergesByAdding) {
  MissCurve sum = curve_of("gpgp");
  sum.merge(curve_of("ppggg"));
  EXPECT_EQ(sum.gets, 5u);
  EXPECT_EQ(sum.caps[0].from_empty, 1u + 2u);
  EXPECT_EQ(sum.caps[0].from_full, 0u + 2u);
}

TEST(MissCurve, CapsAreEveryOneUpTo16AndThenFourPerPowerOfTwo) {
  EXPECT_EQ(kIdleCaps[15], 16u);
  EXPECT_EQ(kIdleCaps[16], 20u);
  EXPECT_EQ(kIdleCaps[19], 32u);
  EXPECT_TRUE(std::ranges::is_sorted(kIdleCaps));
}

}  // namespace

#include "agent/estimate/call_sites.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

model::Frame frame(const std::string& symbol) {
  return {symbol, "/usr/bin/server", 0x1000, "server.c:1"};
}

model::CallSiteCounts site(std::vector<model::Frame> frames, std::uint64_t calls, std::uint64_t bytes = 0) {
  model::CallSiteCounts counts;
  counts.frames = std::move(frames);
  counts.calls = calls;
  counts.requested_bytes = bytes;
  return counts;
}

TEST(CallSites, AreNamedAfterTheLastFrameAndKeepTheWayThere) {
  auto burst = rate_burst(0, 10);
  burst.call_sites = {site({frame("zmalloc"), frame("createObject")}, 10, 640)};
  const auto target = summarize_all({burst}, {stratum(1)});
  ASSERT_EQ(target.call_sites.size(), 1u);
  EXPECT_EQ(target.call_sites[0].symbol, "createObject");
  EXPECT_EQ(target.call_sites[0].object, "/usr/bin/server");
  EXPECT_EQ(target.call_sites[0].offset, 0x1000u);
  EXPECT_EQ(target.call_sites[0].callers, (std::vector{frame("zmalloc"), frame("createObject")}));
  EXPECT_NEAR(target.call_sites[0].per_second->value, 10, 1e-9);
  EXPECT_NEAR(target.call_sites[0].bytes_per_second->value, 640, 1e-9);
  EXPECT_FALSE(target.call_sites[0].counted_calls);
}

TEST(CallSites, MergeByFramesBusiestFirst) {
  auto first = rate_burst(0, 30), second = rate_burst(1, 30);
  first.call_sites = {site({frame("a")}, 20), site({frame("b")}, 10)};
  second.call_sites = {site({frame("b")}, 30)};
  const auto sites = summarize_all({first, second}, {stratum(1)}).call_sites;
  ASSERT_EQ(sites.size(), 2u);
  EXPECT_EQ(sites[0].symbol, "b");
  EXPECT_DOUBLE_EQ(sites[0].per_second->value, 20);
  EXPECT_NEAR(sites[0].share_ratio, 40 / 60.0, 1e-9);
  EXPECT_DOUBLE_EQ(sites[1].per_second->value, 10);
}

TEST(CallSites, HaveAShareOfAllCallsWhenSomeWereNotResolved) {
  auto burst = rate_burst(0, 100);
  burst.call_sites = {site({frame("a")}, 25)};
  EXPECT_NEAR(summarize_all({burst}, {stratum(1)}).call_sites[0].share_ratio, 0.25, 1e-9);
}

TEST(CallSites, OfAnEarlierGenerationAreLeftOut) {
  auto early = rate_burst(0, 10), late = rate_burst(1, 10);
  early.call_sites = {site({frame("zmalloc")}, 10)};
  late.call_sites = {site({frame("zmalloc"), frame("a")}, 10)};
  late.site_generation = 1;
  const auto sites = summarize_all({early, late}, {stratum(1)}).call_sites;
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].symbol, "a");
  EXPECT_DOUBLE_EQ(sites[0].per_second->value, 10);  // of one window, not of two
}

TEST(CallSites, HaveAnIntervalFromTwelveBursts) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < 12; ++i) {
    bursts.push_back(rate_burst(i, 10));
    bursts.back().call_sites = {site({frame("a")}, i % 2 ? 10 : 0)};
  }
  const auto sites = summarize_all(bursts, {stratum(1)}).call_sites;
  EXPECT_NEAR(sites[0].per_second->value, 5, 1e-9);
  EXPECT_GT(*sites[0].per_second->high, 8);
}

TEST(CallSites, BeyondTheFiftiethAreSummed) {
  auto burst = rate_burst(0, 60);
  for (unsigned i = 0; i < 60; ++i) burst.call_sites.push_back(site({frame("f" + std::to_string(i))}, 1, 8));
  const auto sites = summarize_all({burst}, {stratum(1)}).call_sites;
  ASSERT_EQ(sites.size(), kLargestCallSites + 1);
  EXPECT_EQ(sites.back().symbol, "(other)");
  EXPECT_NEAR(sites.back().per_second->value, 10, 1e-9);
  EXPECT_NEAR(sites.back().bytes_per_second->value, 80, 1e-9);
  EXPECT_TRUE(sites.back().callers.empty());
}

TEST(CallSites, WithoutFramesAreUnknown) {
  auto burst = rate_burst(0, 1);
  burst.call_sites = {site({}, 1)};
  EXPECT_EQ(summarize_all({burst}, {stratum(1)}).call_sites[0].symbol, "(unknown)");
}

struct ShortLivedCase {
  const char* name;
  std::uint64_t births, short_lived, followed_ns;
  std::optional<double> ratio;
};
class ShortLived : public ::testing::TestWithParam<ShortLivedCase> {};
TEST_P(ShortLived, NeedsTwentyBirthsFollowedLongEnough) {
  auto burst = cohort(0, {1000}, {}, GetParam().followed_ns);
  burst.call_sites = {site({frame("a")}, 100)};
  burst.call_sites[0].births = GetParam().births;
  burst.call_sites[0].short_lived = GetParam().short_lived;
  EXPECT_EQ(summarize_all({burst}, {stratum(1)}).call_sites[0].short_lived_ratio, GetParam().ratio);
}
INSTANTIATE_TEST_SUITE_P(Table, ShortLived,
                         ::testing::Values(ShortLivedCase{"Enough", 20, 15, kChurnAgeNs, 0.75},
                                           ShortLivedCase{"TooFew", 19, 15, kChurnAgeNs, std::nullopt},
                                           ShortLivedCase{"TooShort", 20, 15, kChurnAgeNs - 1, std::nullopt}),
                         [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace poolscope::estimate::testing

#include "probes/collectors/growth_chains.h"

#include <vector>

#include <gtest/gtest.h>

namespace poolscope::probes {
namespace {

constexpr std::uint64_t kCaller = 0x401000, kOtherCaller = 0x402000;

growth_event growth(std::uint64_t time_ns, std::uint64_t old_array, std::uint64_t old_bytes, std::uint64_t new_array,
                    std::uint64_t new_bytes, std::uint64_t caller = kCaller) {
  growth_event event{};
  event.time_ns = time_ns;
  event.old_array = old_array;
  event.new_array = new_array;
  event.old_bytes = event.copied_bytes = old_bytes;
  event.new_bytes = new_bytes;
  event.callers[0] = caller;
  return event;
}

std::map<GrowthChains::Callers, model::GrowthChainCounts> chains_of(const std::vector<growth_event>& events) {
  GrowthChains chains;
  chains.add(events);
  return chains.finish();
}

model::GrowthChainCounts only(const std::vector<growth_event>& events) {
  const auto chains = chains_of(events);
  EXPECT_EQ(chains.size(), 1u);
  return chains.empty() ? model::GrowthChainCounts{} : chains.begin()->second;
}

TEST(GrowthChains, WithoutGrowthsThereAreNone) {
  EXPECT_TRUE(chains_of({}).empty());
}

TEST(GrowthChains, FollowABufferFromArrayToArray) {
  const auto chain = only({growth(1, 0, 0, 10, 8), growth(2, 10, 8, 20, 16), growth(3, 20, 16, 30, 32)});
  EXPECT_EQ(chain.chains, 1u);
  EXPECT_EQ(chain.steps, 2u);
  EXPECT_EQ(chain.copied_bytes, 24u);
  EXPECT_EQ(chain.first_bytes.quantile(1), 8u);
  EXPECT_EQ(chain.final_bytes.quantile(1), 35u) << "the bucket of 32";
}

TEST(GrowthChains, BeginWithTheCapacityOfAnArrayThatSomethingElseMade) {
  const auto chain = only({growth(1, 10, 8, 20, 16)});
  EXPECT_EQ(chain.steps, 1u);
  EXPECT_EQ(chain.first_bytes.quantile(1), 8u);
}

TEST(GrowthChains, AFirstArrayAloneIsNoGrowth) {
  EXPECT_TRUE(chains_of({growth(1, 0, 0, 10, 8)}).empty());
}

TEST(GrowthChains, AnArrayOfAnotherCapacityAtTheSameAddressIsAnotherBuffer) {
  EXPECT_EQ(only({growth(1, 5, 8, 10, 16), growth(2, 10, 12, 20, 24)}).chains, 2u);
}

TEST(GrowthChains, TwoGrowthsOfTheSameArrayAreTwoChains) {
  EXPECT_EQ(only({growth(1, 5, 8, 10, 16), growth(2, 10, 16, 20, 32), growth(3, 10, 16, 30, 32)}).chains, 2u);
}

TEST(GrowthChains, AnAddressThatIsUsedAgainEndsTheChainThatHadIt) {
  EXPECT_EQ(only({growth(1, 5, 8, 10, 16), growth(2, 6, 8, 10, 16)}).chains, 2u);
}

TEST(GrowthChains, ArePutInOrderOfTime) {
  EXPECT_EQ(only({growth(3, 20, 16, 30, 32), growth(2, 10, 8, 20, 16)}).chains, 1u);
}

TEST(GrowthChains, GoOnInTheNextCall) {
  GrowthChains chains;
  chains.add(std::vector{growth(1, 5, 8, 10, 16)});
  chains.add(std::vector{growth(2, 10, 16, 20, 32)});
  EXPECT_EQ(chains.finish().begin()->second.chains, 1u);
  EXPECT_TRUE(chains.finish().empty());
}

TEST(GrowthChains, BelongToThePlaceOfTheirFirstGrowth) {
  const auto chains = chains_of(
      {growth(1, 5, 8, 10, 16), growth(2, 10, 16, 20, 32, kOtherCaller), growth(3, 7, 8, 40, 16, kOtherCaller)});
  ASSERT_EQ(chains.size(), 2u);
  EXPECT_EQ(chains.at({kCaller, 0, 0}).steps, 2u);
  EXPECT_EQ(chains.at({kOtherCaller, 0, 0}).steps, 1u);
}

TEST(GrowthChains, BeyondWhatIsKeptAllAreTakenAsEnded) {
  GrowthChains chains;
  std::vector<growth_event> events;
  for (std::uint64_t i = 0; i < GrowthChains::kMaxOpen + 10; ++i) events.push_back(growth(i, 1, 8, 100 + i, 16));
  chains.add(events);
  EXPECT_EQ(chains.finish().begin()->second.chains, GrowthChains::kMaxOpen + 10);
}

}  // namespace
}  // namespace poolscope::probes

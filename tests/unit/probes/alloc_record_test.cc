#include "probes/collectors/alloc_record.h"

#include <gmock/gmock.h>

#include "tests/unit/probes/own_process.h"

namespace {

using namespace poolscope;
using namespace poolscope::probes;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::uint64_t kGeneration = 7;

TEST(AllocRecord, ChargeIsHitsTimesPrices) {
  const __u64 hits[ALLOC_HIT_COUNT] = {1, 2, 3, 4};
  EXPECT_EQ(charge_ns(hits, {1000, 100, 10, 1}), 1234u);
  EXPECT_EQ(sum_of(hits), 10u);
}

TEST(AllocRecord, DifferenceOfReadingsIsTakenFieldByField) {
  alloc_counts earlier{}, later{};
  earlier.allocations = 3;
  later.allocations = 10;
  earlier.window_hits[ALLOC_HIT_RETURN] = 1;
  later.window_hits[ALLOC_HIT_RETURN] = 5;
  later.died_bytes_ns[PS_LOG_LINEAR_BUCKETS - 1] = 8;
  const alloc_counts difference = minus(later, earlier);
  EXPECT_EQ(difference.allocations, 7u);
  EXPECT_EQ(difference.window_hits[ALLOC_HIT_RETURN], 4u);
  EXPECT_EQ(difference.died_bytes_ns[PS_LOG_LINEAR_BUCKETS - 1], 8u);
}

TEST(AllocRecord, SizesKeepTheirBuckets) {
  alloc_counts counts{};
  counts.size_bytes[ps_log_linear_index(64)] = 5;
  counts.size_bytes[PS_LOG_LINEAR_BUCKETS - 1] = 1;
  EXPECT_THAT(size_histogram(counts).buckets(),
              UnorderedElementsAre(Pair(ps_log_linear_index(64), 5.0), Pair(PS_LOG_LINEAR_BUCKETS - 1u, 1.0)));
}

TEST(AllocRecord, ObjectsThatAreAliveAtTheEndAreCensoredAtTheirAge) {
  AllocResults results;
  results.counts.births = 3;
  results.counts.birth_bytes = 300;
  results.counts.died_ns[ps_log_linear_index(50)] = 1;
  results.counts.died_bytes_ns[ps_log_linear_index(50)] = 100;
  birth young{}, old{};
  young.born_ns = 9000;
  young.requested_bytes = 40;
  old.born_ns = 1000;
  old.requested_bytes = 60;
  results.alive = {young, old};

  const model::Lifetimes lives = lifetimes(results, 10'000);
  EXPECT_EQ(lives.births, 3u);
  EXPECT_EQ(lives.birth_bytes, 300u);
  EXPECT_THAT(lives.died_ns.buckets(), UnorderedElementsAre(Pair(ps_log_linear_index(50), 1.0)));
  EXPECT_THAT(lives.died_bytes_ns.buckets(), UnorderedElementsAre(Pair(ps_log_linear_index(50), 100.0)));
  EXPECT_THAT(lives.alive_ns.buckets(),
              UnorderedElementsAre(Pair(ps_log_linear_index(1000), 1.0), Pair(ps_log_linear_index(9000), 1.0)));
  EXPECT_THAT(lives.alive_bytes_ns.buckets(),
              UnorderedElementsAre(Pair(ps_log_linear_index(1000), 40.0), Pair(ps_log_linear_index(9000), 60.0)));
}

TEST(AllocRecord, AgesAtTheEndLeaveOutWhatProbesTookFromTheThread) {
  AllocResults results;
  birth watched{}, elsewhere{};
  watched.tid = 1;
  watched.born_ns = elsewhere.born_ns = 4000;
  watched.charge_ns = 100;
  elsewhere.tid = 2;
  results.alive = {watched, elsewhere};
  results.thread_charge_ns = {{1, 1600}};
  EXPECT_THAT(lifetimes(results, 10'000).alive_ns.buckets(),
              UnorderedElementsAre(Pair(ps_log_linear_index(4500), 1.0), Pair(ps_log_linear_index(6000), 1.0)));
}

TEST(AllocRecord, CohortIsFollowedUpToTheAgeOfTheYoungestThatIsAlive) {
  AllocResults results;
  EXPECT_EQ(followed_ns(results, 2000, 10'000), 8000u) << "all have died: as long as the clock says";
  birth young{};
  young.tid = 1;
  young.born_ns = 1900;
  results.alive = {young};
  results.thread_charge_ns = {{1, 3000}};
  EXPECT_EQ(followed_ns(results, 2000, 10'000), 5100u);
  EXPECT_EQ(followed_ns(results, 10'000, 2000), 0u);
}

TEST(AllocRecord, ObjectsBornAfterTheEndHaveAge0) {
  AllocResults results;
  birth late{};
  late.born_ns = 20'000;
  results.alive = {late};
  EXPECT_THAT(lifetimes(results, 10'000).alive_ns.buckets(), UnorderedElementsAre(Pair(0u, 1.0)));
}

TEST(AllocRecord, EveryDropReasonHasItsName) {
  alloc_counts counts{};
  EXPECT_TRUE(dropped_by_reason(counts).empty()) << "what did not happen has no entry";
  counts.dropped[ALLOC_DROP_BIRTHS_FULL] = 1;
  counts.dropped[ALLOC_DROP_SITES_FULL] = 2;
  counts.dropped[ALLOC_DROP_CHAINS_FULL] = 3;
  counts.dropped[ALLOC_DROP_THREADS_FULL] = 4;
  counts.dropped[ALLOC_DROP_ABANDONED] = 5;
  counts.dropped[ALLOC_DROP_STACK_FAULT] = 6;
  counts.dropped[ALLOC_DROP_FREE_MISSED] = 7;
  EXPECT_THAT(dropped_by_reason(counts),
              UnorderedElementsAre(Pair("births_full", 1), Pair("sites_full", 2), Pair("chains_full", 3),
                                   Pair("threads_full", 4), Pair("call_abandoned", 5), Pair("stack_fault", 6),
                                   Pair("free_missed", 7)));
}

// --- call sites, in the process of the tests

extern "C" __attribute__((noinline)) void poolscope_test_place() {}

class AllocRecordSites : public testing::Test {
 protected:
  // As a return address inside the function.
  const std::uint64_t place = reinterpret_cast<std::uint64_t>(&poolscope_test_place) + 1;
  ProcessImage image = test::image_of_this_process();

  [[nodiscard]] site_key key_of(std::uint64_t tgid) const { return {place, place, kGeneration << 32 | tgid}; }
  [[nodiscard]] std::uint64_t own_pid() const { return static_cast<std::uint64_t>(image.key().pid); }
};

TEST_F(AllocRecordSites, FramesEndAtTheFirstUnusedOne) {
  AllocResults results;
  site counted{5, 500, 4, 3, {place, place, 0, place, 0, 0}};
  results.sites = {{key_of(own_pid()), counted}};
  const auto sites = call_sites(results, image);
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].frames.size(), 2u);
  EXPECT_EQ(sites[0].frames[0].symbol, "poolscope_test_place");
  EXPECT_EQ(sites[0].calls, 5u);
  EXPECT_EQ(sites[0].requested_bytes, 500u);
  EXPECT_EQ(sites[0].births, 4u);
  EXPECT_EQ(sites[0].short_lived, 3u);
}

TEST_F(AllocRecordSites, SitesAndChainsOfOtherProcessesAreLeftOut) {
  AllocResults results;
  results.sites = {{key_of(own_pid() + 1), site{}}, {key_of(own_pid()), site{}}};
  results.chains = {{{key_of(own_pid() + 1), 0}, chain{}}, {{key_of(own_pid()), 0}, chain{}}};
  EXPECT_EQ(call_sites(results, image).size(), 1u);
  EXPECT_EQ(growth_chains(results, image).size(), 1u);
}

TEST_F(AllocRecordSites, ChainsNameTheFirstAndTheLastCaller) {
  AllocResults results;
  chain counted{};
  counted.chains = 2;
  counted.steps = 6;
  counted.copied_bytes = 1000;
  counted.first_bytes[ps_log_linear_index(64)] = 2;
  counted.final_bytes[CHAIN_BUCKETS - 1] = 2;
  site_key followed = key_of(own_pid());
  followed.last = 0x10;  // nothing is mapped there
  results.chains = {{{followed, 0}, counted}};
  const auto chains = growth_chains(results, image);
  ASSERT_EQ(chains.size(), 1u);
  ASSERT_EQ(chains[0].frames.size(), 2u);
  EXPECT_EQ(chains[0].frames[0].symbol, "poolscope_test_place");
  EXPECT_EQ(chains[0].frames[1].symbol, "");
  EXPECT_EQ(chains[0].frames[1].offset, 0x10u);
  EXPECT_EQ(chains[0].steps, 6u);
  EXPECT_EQ(chains[0].copied_bytes, 1000u);
  EXPECT_THAT(chains[0].first_bytes.buckets(), UnorderedElementsAre(Pair(ps_log_linear_index(64), 2.0)));
  EXPECT_THAT(chains[0].final_bytes.buckets(), UnorderedElementsAre(Pair(CHAIN_BUCKETS - 1u, 2.0)));
  EXPECT_FALSE(chains[0].is_single_growths);
}

TEST_F(AllocRecordSites, GrowthsAreToldApartFromChains) {
  AllocResults results;
  results.chains = {{{key_of(own_pid()), 1}, chain{}}};
  EXPECT_TRUE(growth_chains(results, image).at(0).is_single_growths);
}

}  // namespace

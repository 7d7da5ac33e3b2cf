// What events are put in relation to: CPU time, read and write calls, time, allocations.

#include <cmath>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "agent/estimate/sample.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

constexpr unsigned kBursts = 24;
constexpr double kWindowSeconds = 0.002;

// One request after the other: each takes 5 us of CPU time, two read or write calls and six allocations. A hit is charged
// with 0.7 us and takes `true_price` of it; without pauses between requests the target is busy all the time.
struct Server {
  double true_price_seconds = 0.7e-6;
  double pause_seconds = 0;  // between requests; takes no CPU time
  double warm_up = 1;        // CPU time of a request inside windows, over that outside
  double calls_noise = 0;    // relative, of the calls a window sees
  std::mt19937_64 random{7};
  std::int32_t processes = 1;

  static constexpr double kRequestSeconds = 5e-6;
  static constexpr unsigned kAllocations = 6;
  [[nodiscard]] double requests_per_second() const { return 1 / (kRequestSeconds + pause_seconds); }
  [[nodiscard]] double truth() const { return kAllocations * requests_per_second(); }

  model::BurstRecord burst(unsigned at) {
    const double inside_seconds = warm_up * kRequestSeconds + kAllocations * true_price_seconds;
    // What probes take is made up for in the pause, as far as that goes.
    const double period = std::max(inside_seconds, kRequestSeconds + pause_seconds);
    const double requests = kWindowSeconds / period * (1 + 0.01 * (at % 5));
    auto record = rate_burst(at, static_cast<std::uint64_t>(kAllocations * requests), 0);
    record.process.pid = 1 + static_cast<std::int32_t>(at) % processes;
    auto& window = record.allocation_window;
    window.length_ns = static_cast<std::uint64_t>(kWindowSeconds * 1e9);
    window.cpu_ns = static_cast<std::uint64_t>(requests * inside_seconds * 1e9);
    window.charge_ns = static_cast<std::uint64_t>(kAllocations * requests * 0.7e-6 * 1e9);
    record.charge_ns = window.charge_ns;
    const double noise = calls_noise > 0 ? std::lognormal_distribution<double>(0, calls_noise)(random) : 1;
    window.work.io_calls = static_cast<std::uint64_t>(2 * requests * noise);
    return record;
  }

  std::vector<model::BurstRecord> bursts() {
    std::vector<model::BurstRecord> records;
    for (unsigned i = 0; i < kBursts; ++i) records.push_back(burst(i));
    return records;
  }

  [[nodiscard]] std::vector<model::StratumRecord> strata() const {
    auto record = stratum(kRequestSeconds * requests_per_second() * kBursts, kBursts);
    record.work.io_calls = static_cast<std::uint64_t>(2 * requests_per_second() * kBursts);
    return {record};
  }

  model::AllocationSummary seen() { return summarize_all(bursts(), strata()).allocations; }
};

double error_of(const model::MaybeEstimate& rate, double truth) {
  return rate->value / truth - 1;
}

TEST(Relation, ToCallsNeedsNoPrice) {
  Server server{.true_price_seconds = 1.1e-6};
  const auto rate = server.seen().per_second;
  EXPECT_NEAR(error_of(rate, server.truth()), 0, 0.02);
  EXPECT_LT((*rate->high - *rate->low) / rate->value, 0.05);
}

TEST(Relation, ToCpuTimeCarriesTheDoubtOfThePrice) {
  Server server;
  auto bursts = server.bursts();
  for (auto& burst : bursts) burst.allocation_window.work = {};
  const auto rate = summarize_all(bursts, server.strata()).allocations.per_second;
  EXPECT_NEAR(error_of(rate, server.truth()), 0, 0.02);
  EXPECT_GT((*rate->high - *rate->low) / rate->value, 0.2);
}

TEST(Relation, ToCallsIsNotTakenWhereCallsDoNotGoWithEvents) {
  Server server{.calls_noise = 2};
  EXPECT_NEAR(error_of(server.seen().per_second, server.truth()), 0, 0.10);
}

TEST(Relation, ToCallsTakesHalfOfTheLastCallOutOfAWindowThatEndedAmongItsEvents) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < kBursts; ++i) {
    // Two calls that bring 100 allocations each; the window ended after 130 to 170.
    auto& burst = bursts.emplace_back(rate_burst(i, 130 + 40 * (i % 2)));
    burst.allocation_window.ended_by_count = true;
    burst.allocation_window.work.io_calls = 2;
  }
  const RecordList list = in_time_order(bursts);
  const Sample sample = Sample::of_allocations(list, {false, {std::nullopt, 10.0}, {}, {}});
  const auto rate = sample.rate([](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(record.counts.allocations));
  });
  ASSERT_EQ(std::string_view(sample.related_to), "io_calls");
  EXPECT_NEAR(rate->value, 1000, 10);
  EXPECT_LT(*rate->low, 750) << "the whole call, or none of it, is not excluded";
}

TEST(Relation, ToTimeServesATargetThatMostlyWaits) {
  // Without read and write calls, and warmer inside windows than outside: CPU time alone says 1.6 times as much.
  Server server{.pause_seconds = 200e-6, .warm_up = 0.6};
  auto bursts = server.bursts();
  for (auto& burst : bursts) burst.allocation_window.work = {};
  const auto rate = summarize_all(bursts, server.strata()).allocations.per_second;
  EXPECT_NEAR(error_of(rate, server.truth()), 0, 0.04);
}

// Windows met none of the pauses between two loads, which the CPU time of all time knows.
TEST(Relation, ToCpuTimeServesATargetThatMostlyWaitsAndDoesNotNoticeItsProbes) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < kBursts; ++i) {
    bursts.push_back(rate_burst(i, 1000, 0.4));
    bursts.back().allocation_window.charge_ns = kSecondNs / 1000;
  }
  const auto rate = summarize_all(bursts, {stratum(4, 20), stratum(0, 20)}).allocations.per_second;
  EXPECT_NEAR(error_of(rate, 1000 * 0.25), 0, 0.01);
}

TEST(Relation, ToTimeIsNotTakenForATargetThatNeverWaits) {
  Server server;
  auto bursts = server.bursts();
  for (auto& burst : bursts) burst.allocation_window.work = {};
  const RecordList list = in_time_order(bursts);
  const Basis basis{false, {1.0, std::nullopt}, {}, {}};
  EXPECT_EQ(std::string_view(Sample::of_allocations(list, basis).related_to), "cpu_time");
}

// Of a target that mostly waits and has no calls: a tenth of `noticed` of the CPU time of its windows is taken by probes.
double width_where_noticed(double noticed) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < kBursts; ++i) {
    bursts.push_back(rate_burst(i, 1000, 0.4));
    bursts.back().allocation_window.charge_ns = static_cast<std::uint64_t>(noticed * 0.1 * 0.4 * kSecondNs);
  }
  const auto rate = summarize_all(bursts, {stratum(8, 20)}).allocations.per_second;
  return std::log(*rate->high / *rate->low);
}

TEST(Relation, ToCpuTimeOfATargetThatMostlyWaitsIsInMoreDoubtTheMoreOfItProbesTake) {
  EXPECT_GT(width_where_noticed(0.5), width_where_noticed(0.1) + 2 * 1.96 * 0.2 * 0.3);
  EXPECT_GT(width_where_noticed(0.25), 2 * 1.96 * 0.2 * 0.25);
}

// A query takes 8 allocations and a wait, of some 300 us of CPU time; in windows 10 % more, of which probes are charged a quarter.
TEST(Relation, ToWaitsServesATargetThatMostlyWaitsAndHardlyNoticesItsProbes) {
  constexpr double kQueriesPerSecond = 400, kQuerySeconds = 300e-6;
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < kBursts; ++i) {
    const unsigned queries = 1 + i % 3;
    // An eighth begin amid a query, and an eighth end amid one.
    const unsigned begun = i % 8 == 0 ? 4 : 0, unfinished = i % 8 == 1 ? 4 : 0;
    auto& window = bursts.emplace_back(rate_burst(i, 8 * queries - begun + unfinished)).allocation_window;
    window.length_ns = 5'000'000;
    window.cpu_ns = static_cast<std::uint64_t>(1.1 * kQuerySeconds * queries * kSecondNs);
    window.charge_ns = window.cpu_ns / 40;
    window.late_ns = unfinished > 0 ? 5000 : 0;
    window.work.waits = queries;
    window.work.io_calls = 0;
  }
  model::StratumRecord whole = stratum(kQuerySeconds * kQueriesPerSecond * 10, 10);
  whole.work.waits = static_cast<std::uint64_t>(10 * kQueriesPerSecond);
  whole.work.io_calls = 0;
  const auto rate = summarize_all(bursts, {whole}).allocations.per_second;
  EXPECT_NEAR(error_of(rate, 8 * kQueriesPerSecond), 0, 0.01);
}

// 100 allocations in 40 us, then a pause of 250 us, however long that took: 345 k/s. Probes take 170 us of a piece of work, so a window of half a
// millisecond sees one.
struct PausesOfFixedLength {
  unsigned unfinished = 0;               // windows that end amid a piece of work
  static constexpr unsigned kBegun = 3;  // that begin amid one: as often as it runs, an eighth of the time
  double io_calls_per_wait = 0;

  static constexpr double kPiecesPerSecond = 1 / 290e-6;
  [[nodiscard]] static double truth() { return 100 * kPiecesPerSecond; }

  [[nodiscard]] model::MaybeEstimate seen() const {
    std::vector<model::BurstRecord> bursts;
    for (unsigned i = 0; i < kBursts; ++i) {
      const bool is_unfinished = i < unfinished, is_begun = io_calls_per_wait == 0 && i >= kBursts - kBegun;
      const unsigned seen = 100 + (is_unfinished ? 50 : 0) - (is_begun ? 50 : 0);
      auto& window = bursts.emplace_back(rate_burst(i, seen)).allocation_window;
      window.length_ns = 500'000;
      window.charge_ns = is_unfinished ? 255'000 : 170'000;
      window.cpu_ns = window.charge_ns + (is_unfinished ? 60'000 : 40'000);
      window.late_ns = is_unfinished ? 85'000 : 0;
      window.work.waits = 1;
      window.work.io_calls = static_cast<std::uint64_t>(std::llround(io_calls_per_wait));
    }
    model::StratumRecord whole = stratum(40e-6 * kPiecesPerSecond * 10, 10);
    whole.work.waits = static_cast<std::uint64_t>(10 * kPiecesPerSecond);
    whole.work.io_calls = static_cast<std::uint64_t>(io_calls_per_wait * 10 * kPiecesPerSecond);
    return summarize_all(bursts, {whole}).allocations.per_second;
  }
};

TEST(Relation, ToWaitsServesPausesThatMakeUpForNothing) {
  const auto rate = PausesOfFixedLength{}.seen();
  EXPECT_NEAR(error_of(rate, PausesOfFixedLength::truth()), 0, 0.01);
  EXPECT_LT(*rate->high / *rate->low, 1.2);
}

TEST(Relation, ToWaitsTakesHalfOfAPieceInWhichAWindowEnds) {
  EXPECT_NEAR(error_of(PausesOfFixedLength{.unfinished = 6}.seen(), PausesOfFixedLength::truth()), 0, 0.01);
}

TEST(Relation, ToWaitsIsNotTakenWherePiecesRunIntoEachOther) {
  const auto rate = PausesOfFixedLength{.unfinished = 13}.seen();
  EXPECT_GT(*rate->high / *rate->low, 1.5) << "as wide as time leaves it";
}

TEST(Relation, ToWaitsIsNotTakenWhereNoWindowMetOne) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < kBursts; ++i) {
    auto& window = bursts.emplace_back(rate_burst(i, 90 + i % 20, 0.4)).allocation_window;
    window.late_ns = 0;
    window.work.waits = 0;
  }
  model::StratumRecord whole = stratum(4, 20);
  whole.work.waits = 100;
  const auto rate = summarize_all(bursts, {whole}).allocations.per_second;
  ASSERT_TRUE(rate && rate->low);
  EXPECT_GT(*rate->low, 0);
  EXPECT_NEAR(error_of(rate, 100.0 * 0.2 / 0.4), 0, 0.1);
}

TEST(Relation, ToWaitsIsNotTakenOfOneThatReadsRequests) {
  const auto rate = PausesOfFixedLength{.io_calls_per_wait = 1}.seen();
  EXPECT_NEAR(error_of(rate, PausesOfFixedLength::truth()), 0, 0.01) << "by its calls";
}

TEST(Relation, OfSeveralProcessesIsToCpuTime) {
  Server server{.processes = 2};
  const auto bursts = server.bursts();
  const RecordList list = in_time_order(bursts);
  const Basis basis{false, {1.0, 2 * server.requests_per_second()}, {}, {}};
  EXPECT_EQ(std::string_view(Sample::of_allocations(list, basis).related_to), "cpu_time");
}

TEST(Relation, OfFreesToAllocationsOutdoesWindowsThatDisagree) {
  Server server;
  auto bursts = server.bursts();
  for (unsigned i = 0; i < kBursts; ++i) {
    bursts.push_back(server.burst(kBursts + i));
    auto& cohort = bursts.back();
    cohort.kind = model::BurstKind::kCohort;
    cohort.frees_beside_allocations = cohort.counts.allocations / 2;
    cohort.free_window = cohort.allocation_window;
    cohort.counts.frees = i % 2 ? cohort.counts.allocations : 10;
  }
  const auto frees = summarize_all(bursts, server.strata()).allocations.frees_per_second;
  EXPECT_NEAR(error_of(frees, server.truth() / 2), 0, 0.03);
}

TEST(Relation, OfFreesToAllocationsCarriesTheDoubtOfTheAllocations) {
  Server server;
  std::vector<model::BurstRecord> bursts = server.bursts();
  for (auto& burst : bursts) burst.frees_beside_allocations = burst.counts.allocations;
  const RecordList list = in_time_order(bursts);
  const Sample sample = Sample::of_frees_beside(list, {1000, 800, 1200});
  const auto rate = sample.rate([](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(*record.frees_beside_allocations));
  });
  EXPECT_NEAR(rate->value, 1000, 1e-6);
  EXPECT_GT(*rate->high, 1200);
  EXPECT_LT(*rate->low, 1000 / 1.2);
}

}  // namespace
}  // namespace poolscope::estimate::testing

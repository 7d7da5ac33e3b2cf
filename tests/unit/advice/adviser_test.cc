#include "agent/advice/adviser.h"

#include <gtest/gtest.h>

#include "agent/advice/measure_prices.h"
#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

model::Snapshot snapshot_of(std::vector<model::TargetSnapshot> targets) {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = 1'700'000'000'000'000'000;
  snapshot.targets = std::move(targets);
  return snapshot;
}

TEST(Adviser, TellsThePricesItWentBy) {
  model::Snapshot snapshot = snapshot_of({testing::service()});
  Adviser(testing::prices()).advise(snapshot);
  EXPECT_EQ(snapshot.agent.prices, testing::prices());
}

TEST(Adviser, KeepsTargetsApart) {
  model::TargetSnapshot one = testing::service(), other = testing::service();
  other.name = "other";
  one.pools = {testing::too_small_buffers()};
  other.pools = {testing::good()};
  other.pools[0].name = one.pools[0].name;
  Adviser adviser(testing::prices());
  model::Snapshot snapshot;
  for (int epoch = 0; epoch < 10; ++epoch) {
    snapshot = snapshot_of({one, other});
    snapshot.time_unix_ns += static_cast<std::uint64_t>(epoch) * Adviser::kEpochNs;
    adviser.advise(snapshot);
  }
  EXPECT_EQ(snapshot.targets[0].advice.front().kind, "buffer_bytes");
  EXPECT_EQ(snapshot.targets[1].advice.front().verdict, model::Verdict::kKeep);
}

TEST(Adviser, TreatsAClockThatWentBackAsANewBeginning) {
  model::TargetSnapshot target = testing::service();
  target.pools = {testing::too_small_buffers()};
  Adviser adviser(testing::prices());
  model::Snapshot snapshot = snapshot_of({target});
  adviser.advise(snapshot);
  snapshot.time_unix_ns -= 3600'000'000'000;
  adviser.advise(snapshot);
  for (int epoch = 0; epoch < 10; ++epoch) {
    snapshot.time_unix_ns += Adviser::kEpochNs;
    adviser.advise(snapshot);
  }
  EXPECT_EQ(snapshot.targets[0].advice.front().kind, "buffer_bytes");
}

TEST(AdviseOnce, SaysAtOnceWhatAnAdviserSaysLater) {
  model::TargetSnapshot target = testing::service();
  target.pools = {testing::too_small_buffers()};
  model::Snapshot snapshot = snapshot_of({target});
  advise_once(snapshot, testing::prices());
  EXPECT_EQ(snapshot.targets[0].advice.front().kind, "buffer_bytes");
}

TEST(MeasurePrices, FindsThatMoreCostsMore) {
  const sizing::Prices prices = measure_prices();
  ASSERT_GE(prices.allocation_ns.size(), 2u);
  EXPECT_GT(prices.allocation(64), 0);
  EXPECT_GT(prices.allocation(1 << 20), prices.allocation(64));
  EXPECT_GT(prices.copy_ns_per_byte, 0);
  EXPECT_GT(prices.pool_pair_ns, 0);
}

}  // namespace
}  // namespace poolscope::advice

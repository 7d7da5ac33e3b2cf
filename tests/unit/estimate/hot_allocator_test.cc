#include "agent/estimate/hot_allocator.h"

#include <gmock/gmock.h>

#include "agent/estimate/cpu_share.h"
#include "agent/estimate/sample.h"
#include "agent/estimate/target_summary.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t kAllocations = 1000;

// Windows in which each allocation left the target `own_ns` beside a probe that was charged with `charge_ns`.
std::vector<model::BurstRecord> windows(std::uint64_t own_ns, std::uint64_t charge_ns) {
  std::vector<model::BurstRecord> records;
  for (unsigned at = 0; at < 30; ++at) {
    model::BurstRecord record = rate_burst(at, kAllocations);
    record.allocation_window.length_ns = record.allocation_window.cpu_ns = kAllocations * (own_ns + charge_ns);
    record.allocation_window.charge_ns = kAllocations * charge_ns;
    records.push_back(record);
  }
  return records;
}

std::vector<model::StratumRecord> busy_strata() {
  return std::vector<model::StratumRecord>(30, stratum(1));
}

model::CpuShareRecord samples(std::uint64_t all, std::uint64_t in_allocator) {
  model::CpuShareRecord record;
  record.samples = all;
  record.allocator = in_allocator;
  return record;
}

std::optional<std::string> why(const std::vector<model::BurstRecord>& records, const model::CpuShareRecord& seen) {
  return why_charge_is_too_low(in_time_order(records), PriceCheck{}, estimate_cpu_share(std::span(&seen, 1)));
}

TEST(HotAllocator, WhoseCallsWouldBeSlowerThanCallsAreWasChargedTooLittle) {
  // 1000 ns charged where 1300 were taken: 20 ns look like 320, and 75 % of them for an allocation and its free
  const auto reason = why(windows(320, 1000), samples(400, 312));
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, StartsWith("L2 refused: probes would slow the target"));
  EXPECT_THAT(*reason, HasSubstr("76 % of the CPU time in bursts"));
  EXPECT_THAT(*reason, HasSubstr("78 % of the target's own in its allocator"));
}

TEST(HotAllocator, IsBelievedWhereItsCallsTakeAsLongAsCallsDo) {
  EXPECT_FALSE(why(windows(320, 1000), samples(400, 40))) << "32 ns a call";
  EXPECT_FALSE(why(windows(320, 1000), samples(0, 0))) << "nothing is known of its calls";
  EXPECT_FALSE(why(windows(700, 1000), samples(400, 312))) << "as musl's malloc looks, whose calls are that slow";
}

TEST(HotAllocator, WhoseChargeIsCutIsJudgedByWhatIsLeftThen) {
  std::vector<model::BurstRecord> records = windows(20, 1280);
  for (auto& record : records) record.allocation_window.charge_ns += record.allocation_window.charge_ns / 4;
  ASSERT_TRUE(why(records, samples(400, 300))) << "a fifth of 1300 ns is left";
  EXPECT_THAT(*why(records, samples(400, 300)), HasSubstr("100 % of the CPU time in bursts"));
}

TEST(HotAllocator, HasNoRateInASnapshotAndItsCollectorSaysWhy) {
  const auto records = windows(320, 1000);
  const auto strata = busy_strata();
  const std::vector<model::CpuShareRecord> seen{samples(400, 312)};
  model::TargetStatus status;
  status.collectors = {{"alloc_bursts", "L2", model::CollectorState::kCollecting, "", ""}};
  const model::GcCounters no_gc;
  const PublishedTotals no_pages;
  TargetRecords all{records, strata};
  const auto before = summarize_target({status, all, {}, no_gc, no_pages});
  EXPECT_TRUE(before.allocations.per_second);
  EXPECT_EQ(before.collectors[0].state, model::CollectorState::kCollecting);
  all.cpu_shares = seen;
  const auto after = summarize_target({status, all, {}, no_gc, no_pages});
  EXPECT_FALSE(after.allocations.per_second);
  EXPECT_FALSE(after.allocations.bytes_per_second);
  EXPECT_EQ(after.collectors[0].state, model::CollectorState::kUnavailable);
  EXPECT_EQ(after.collectors[0].reason, "too_hot");
  EXPECT_THAT(after.collectors[0].detail, StartsWith("L2 refused"));
}

}  // namespace
}  // namespace poolscope::estimate::testing

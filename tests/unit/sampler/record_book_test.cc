#include "agent/sampler/record_book.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/estimate/make_pools.h"

namespace poolscope::sampler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

model::TargetStatus status_at(std::uint64_t second, const std::string& name) {
  model::TargetStatus status;
  status.at_ns = second * estimate::testing::kSecondNs;
  status.name = name;
  return status;
}

// The statuses that are told again.
class Statuses final : public model::RecordSink {
 public:
  explicit Statuses(const RecordBook& book) { book.retell(model::TargetSink(this, 1)); }
  void take(model::TargetId, const model::TargetRecord& record) override {
    if (const auto* status = std::get_if<model::TargetStatus>(&record)) names.push_back(status->name);
  }
  void take(const model::Moment&) override {}
  [[nodiscard]] bool wants_state() const override { return false; }
  std::vector<std::string> names;
};

TEST(RecordBook, MakesOneOfTheCallSitesBeyondTheBusiest) {
  RecordBook book({});
  model::BurstRecord burst = estimate::testing::rate_burst(1, 1000);
  for (unsigned i = 0; i < RecordBook::kMaxSites + 3; ++i) {
    auto& site = burst.call_sites.emplace_back();
    site.frames.push_back({"f" + std::to_string(i), "", i, ""});
    site.calls = i + 1;
    site.requested_bytes = 10 * site.calls;
  }
  book.keep(std::move(burst));
  const auto& sites = book.bursts().at(0).call_sites;
  ASSERT_THAT(sites, SizeIs(RecordBook::kMaxSites + 1));
  EXPECT_EQ(sites.front().calls, RecordBook::kMaxSites + 3);
  EXPECT_EQ(sites.back().frames.at(0).symbol, "(other)");
  EXPECT_EQ(sites.back().calls, 1u + 2 + 3);
  EXPECT_EQ(sites.back().requested_bytes, 10u * (1 + 2 + 3));
}

TEST(RecordBook, ForgetsWhatBeganEarlier) {
  RecordBook book({});
  for (unsigned second = 1; second <= 3; ++second) {
    book.keep(estimate::testing::rate_burst(second, 10));
    book.keep(model::SliceGrowthRecord{estimate::testing::rate_burst(second, 10)});
    book.keep(estimate::testing::pool_burst(second, {}));
    book.keep(estimate::testing::miss_watch(second, {}));
    model::StratumRecord stratum;
    stratum.start_ns = second * estimate::testing::kSecondNs;
    book.keep(stratum);
  }
  book.forget_before(2 * estimate::testing::kSecondNs);
  const auto records = book.records();
  EXPECT_THAT(records.bursts, SizeIs(2));
  EXPECT_THAT(records.slice_growth, SizeIs(2));
  EXPECT_THAT(records.pool_bursts, SizeIs(2));
  EXPECT_THAT(records.pool_watches, SizeIs(2));
  EXPECT_THAT(records.strata, SizeIs(2));
  book.forget_before(4 * estimate::testing::kSecondNs);
  EXPECT_THAT(book.records().bursts, IsEmpty());
}

TEST(RecordBook, KeepsAStatusOnlyWhenItDiffers) {
  RecordBook book({});
  EXPECT_EQ(book.status().name, "");
  EXPECT_EQ(book.keep(status_at(1, "a")).at_ns, estimate::testing::kSecondNs);
  EXPECT_EQ(book.keep(status_at(2, "a")).at_ns, estimate::testing::kSecondNs);
  EXPECT_EQ(book.keep(status_at(3, "b")).at_ns, 3 * estimate::testing::kSecondNs);
  EXPECT_THAT(Statuses(book).names, ElementsAre("a", "b"));
}

TEST(RecordBook, KeepsTheStatusThatHeldWhenWhatIsKeptBegan) {
  RecordBook book({});
  book.keep(status_at(1, "a"));
  book.keep(status_at(3, "b"));
  book.keep(status_at(5, "c"));
  book.forget_before(4 * estimate::testing::kSecondNs);
  EXPECT_THAT(Statuses(book).names, ElementsAre("b", "c"));
  book.forget_before(9 * estimate::testing::kSecondNs);
  EXPECT_EQ(book.status().name, "c");
}

}  // namespace
}  // namespace poolscope::sampler

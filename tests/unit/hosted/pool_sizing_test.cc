// When a hosted pool gets another number of buffers.
#include "agent/host/pool_sizing.h"

#include <gtest/gtest.h>

namespace poolscope::host::test {
namespace {

using std::chrono::seconds;
constexpr PoolSizing::Time kStart{};

// A pool of 16 to 128 buffers that is looked at once a second.
class Pool {
 public:
  Pool(Sizing policy, std::uint32_t buffers) : buffers_(buffers), sizing_(policy, 16, 128) {}

  // `gets` a second for `count` seconds, with so many out at a time, and so many gets that failed.
  void pass(int count, std::uint64_t gets, std::uint32_t used, std::uint64_t failed = 0) {
    for (int i = 0; i < count; ++i) {
      now_ += seconds(1);
      gets_ += gets;
      failed_ += failed;
      sizing_.note_used(used);
      if (const auto wanted = sizing_.suggest(buffers_, gets_, failed_, now_)) {
        buffers_ = *wanted;
        ++changes_;
      }
    }
  }
  std::uint32_t buffers() const { return buffers_; }
  int changes() const { return changes_; }

 private:
  std::uint32_t buffers_;
  PoolSizing sizing_;
  PoolSizing::Time now_ = kStart;
  std::uint64_t gets_ = 0, failed_ = 0;
  int changes_ = 0;
};

TEST(FixedSize, NeverChanges) {
  Pool pool(Sizing::kFixed, 32);
  pool.pass(1000, 1000, 32, 500);
  EXPECT_EQ(pool.changes(), 0);
}

TEST(OverflowBandSize, GrowsByHalfWhenMoreThanFiveOfAHundredGetsFail) {
  Pool pool(Sizing::kOverflowBand, 32);
  pool.pass(11, 1000, 32, 60);
  EXPECT_EQ(pool.buffers(), 48u);
}

TEST(OverflowBandSize, StaysBetweenOneAndFiveOfAHundred) {
  Pool pool(Sizing::kOverflowBand, 32);
  pool.pass(100, 1000, 32, 30);
  EXPECT_EQ(pool.changes(), 0);
}

TEST(OverflowBandSize, ShrinksByAQuarterDownToWhatIsOutAtATime) {
  Pool pool(Sizing::kOverflowBand, 100);
  pool.pass(11, 1000, 10);
  EXPECT_EQ(pool.buffers(), 75u);
  pool.pass(100, 1000, 50);
  EXPECT_EQ(pool.buffers(), 50u);
  pool.pass(200, 1000, 3);
  EXPECT_EQ(pool.buffers(), 16u) << "min_buffers";
}

TEST(OverflowBandSize, NeverGoesBeyondMaxBuffers) {
  Pool pool(Sizing::kOverflowBand, 120);
  pool.pass(100, 1000, 120, 900);
  EXPECT_EQ(pool.buffers(), 128u);
}

TEST(OverflowBandSize, WaitsForAHundredGets) {
  Pool pool(Sizing::kOverflowBand, 32);
  pool.pass(90, 1, 1);
  EXPECT_EQ(pool.changes(), 0);
  pool.pass(20, 1, 1);
  EXPECT_EQ(pool.buffers(), 24u);
}

TEST(QuantileSize, JumpsToWhatSufficesOnceItIsSure) {
  Pool pool(Sizing::kQuantile, 100);
  pool.pass(380, 1000, 40);
  EXPECT_EQ(pool.changes(), 0) << "too few seconds for 99 %";
  pool.pass(20, 1000, 40);
  EXPECT_EQ(pool.changes(), 1);
  EXPECT_GE(pool.buffers(), 40u);
  EXPECT_LE(pool.buffers(), 45u) << "a bucket is an eighth of a power of two";
}

TEST(QuantileSize, StaysWhenTheAnswerIsNear) {
  Pool pool(Sizing::kQuantile, 45);
  pool.pass(2000, 1000, 40);
  EXPECT_EQ(pool.changes(), 0);
}

TEST(QuantileSize, GrowsWhenGetsFailInMoreThanAFewSeconds) {
  Pool pool(Sizing::kQuantile, 32);
  for (int i = 0; i < 45; ++i) {
    pool.pass(9, 1000, 32);
    pool.pass(1, 1000, 32, 5);
  }
  EXPECT_GE(pool.buffers(), 48u);
}

TEST(QuantileSize, DoesNotGrowForOneBadSecond) {
  Pool pool(Sizing::kQuantile, 32);
  pool.pass(600, 1000, 30);
  pool.pass(1, 1000, 32, 500);
  pool.pass(300, 1000, 30);
  EXPECT_EQ(pool.changes(), 0);
}

TEST(PoolSizing, LeavesAPoolClosedThatSomebodyClosed) {
  for (const Sizing policy : {Sizing::kOverflowBand, Sizing::kQuantile}) {
    Pool pool(policy, 0);
    pool.pass(1000, 1000, 0, 1000);
    EXPECT_EQ(pool.changes(), 0);
  }
}

}  // namespace
}  // namespace poolscope::host::test

// BufferPool, and the pools of the reports that it stands in for.
#include "poolscope/buffer_pool.h"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poolscope/detail/memory_marks.h"

namespace poolscope::test {
namespace {

BufferPoolOptions unseen(std::vector<std::size_t> buffer_bytes) {
  return {.pool = {.name = "b", .sample_one_in = 1, .publish = false}, .buffer_bytes = std::move(buffer_bytes)};
}

std::vector<Buffer> acquire(BufferPool& pool, int count, std::size_t bytes = 0) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < count; ++i) buffers.push_back(pool.acquire(bytes));
  return buffers;
}

TEST(BufferPool, GivesEmptyBuffersOfItsSize) {
  BufferPool pool(unseen({4096}));
  const Buffer buffer = pool.acquire();
  EXPECT_EQ(buffer.capacity(), 4096u);
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
}

TEST(BufferPool, GivesTheSameBufferAgainAndEmpty) {
  BufferPool pool(unseen({4096}));
  Buffer buffer = pool.acquire();
  buffer.append("text");
  const std::byte* const data = buffer.data();
  buffer.release();
  buffer = pool.acquire();
  EXPECT_EQ(buffer.data(), data);
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(pool.stats().hits(), 1u);
}

TEST(BufferPool, TakesTheSmallestSizeThatIsEnough) {
  BufferPool pool(unseen({64, 4096, 65536}));
  EXPECT_EQ(pool.acquire().capacity(), 64u);
  EXPECT_EQ(pool.acquire(64).capacity(), 64u);
  EXPECT_EQ(pool.acquire(65).capacity(), 4096u);
  EXPECT_EQ(pool.acquire(65536).capacity(), 65536u);
  EXPECT_EQ(pool.stats(0).gets, 2u);
  EXPECT_EQ(pool.stats().gets, 4u);
}

TEST(BufferPool, TakesWhatIsLargerThanAllSizesFromTheHeap) {
  BufferPool pool(unseen({64, 4096}));
  EXPECT_EQ(pool.acquire(5000).capacity(), 5000u);
  EXPECT_EQ(pool.stats().misses[PS_MISS_OVER_MAX_SIZE], 1u);
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_OVER_MAX_SIZE], 1u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, 0u);
}

TEST(BufferPool, KnowsWhatIsLargerThanAllSizesForItsOwn) {
  std::vector<PoolMisuse::Kind> found;
  BufferPoolOptions options = unseen({64});
  options.pool.max_borrowed_buffers = 2;
  options.pool.debug_checks = DebugChecks::kOn;
  options.pool.on_misuse = [&](const PoolMisuse& misuse) { found.push_back(misuse.kind); };
  BufferPool pool(options);
  for (int i = 0; i < 5; ++i) (void)pool.acquire(5000);
  EXPECT_THAT(found, testing::IsEmpty());
  const auto buffers = acquire(pool, 3);
  EXPECT_TRUE(buffers[1]);
  EXPECT_FALSE(buffers[2]) << "the limit is still two";
}

TEST(BufferPool, GrowsKeepingWhatIsInUse) {
  BufferPool pool(unseen({8}));
  Buffer buffer = pool.acquire();
  buffer.append("0123456");
  buffer.append("89abcdef");
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), buffer.size()), "012345689abcdef");
  EXPECT_EQ(pool.stats().regrowths, 1u);
  EXPECT_EQ(buffer.capacity(), 16u);
}

TEST(BufferPool, KeepsGrownBuffersUpToTheRetainedLimit) {
  BufferPoolOptions options = unseen({8});
  options.max_retained_bytes = 100;
  BufferPool pool(options);
  pool.acquire().resize(100);
  EXPECT_EQ(pool.stats().idle, 1u);
  EXPECT_EQ(pool.acquire().capacity(), 100u);
  pool.acquire().resize(101);
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_OVER_MAX_SIZE], 1u);
  EXPECT_EQ(pool.stats().idle, 0u);
}

TEST(BufferPool, AReleaseByAnotherThreadGoesHome) {
  BufferPool pool(unseen({4096}));
  Buffer buffer = pool.acquire();
  std::thread([&] { buffer.release(); }).join();
  EXPECT_EQ(pool.stats().idle, 1u);
}

TEST(BufferPool, ABufferMayOutliveIt) {
  Buffer buffer;
  {
    BufferPool pool(unseen({64}));
    buffer = pool.acquire();
    (void)acquire(pool, 3);
  }
  buffer.append(std::string(1000, 'x'));
  buffer.release();
}

TEST(BufferPool, ReplacesIdleBuffersThatBecameTooSmall) {
  BufferPool pool(unseen({64}));
  (void)acquire(pool, 3);
  pool.set_buffer_bytes(128);
  EXPECT_EQ(pool.acquire().capacity(), 128u);
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_TRIMMED], 1u);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EMPTY], 4u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, 3u);
}

TEST(BufferPool, FindsAUseAfterRelease) {
  std::vector<PoolMisuse::Kind> found;
  BufferPoolOptions options = unseen({64});
  options.pool.debug_checks = DebugChecks::kOn;
  options.pool.on_misuse = [&](const PoolMisuse& misuse) { found.push_back(misuse.kind); };
  BufferPool pool(options);
  Buffer buffer = pool.acquire();
  std::byte* const data = buffer.data();
  buffer.release();
  detail::mark_borrowed(data, 64);  // else AddressSanitizer finds it first
  data[3] = std::byte{1};
  buffer = pool.acquire();
  EXPECT_THAT(found, testing::ElementsAre(PoolMisuse::Kind::kUsedAfterRelease));
}

TEST(BufferPool, TellsWhichCodeBorrowed) {
  BufferPoolOptions options = unseen({64});
  options.pool.debug_checks = DebugChecks::kOn;
  BufferPool pool(options);
  const Buffer one = pool.acquire();
  const Buffer other = pool.acquire();
  const auto borrowers = pool.borrowers();
  ASSERT_EQ(borrowers.size(), 2u);
  EXPECT_NE(borrowers[0].borrower, borrowers[1].borrower);
  EXPECT_STREQ(borrowers[0].pool, "b");
}

struct BadOptions {
  const char* name;
  void (*spoil)(BufferPoolOptions&);
  const char* problem;
};
class BadBufferPool : public testing::TestWithParam<BadOptions> {};
TEST_P(BadBufferPool, SaysWhatIsWrong) {
  BufferPoolOptions options = unseen({64, 128});
  GetParam().spoil(options);
  try {
    const BufferPool pool(options);
    FAIL() << "was made";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(GetParam().problem));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadBufferPool,
    testing::Values(
        BadOptions{"NoSize", [](BufferPoolOptions& o) { o.buffer_bytes.clear(); }, "name at least one size"},
        BadOptions{"Falling",
                   [](BufferPoolOptions& o) {
                     o.buffer_bytes = {128, 64};
                   },
                   "must rise"},
        BadOptions{"Twice",
                   [](BufferPoolOptions& o) {
                     o.buffer_bytes = {64, 64};
                   },
                   "must rise"},
        BadOptions{"Zero", [](BufferPoolOptions& o) { o.buffer_bytes = {0}; }, "from 1 on"},
        BadOptions{"Alignment", [](BufferPoolOptions& o) { o.alignment = 48; }, "power of two"},
        BadOptions{"Unbounded", [](BufferPoolOptions& o) { o.sizing = OverflowBand{}; }, "nothing overflows"}),
    [](const auto& c) { return c.param.name; });

// ---- the glyph buffer pool: 32 or 16 buffers of 4096 bytes, overflow to the heap, adaptive size ------------------------

BufferPoolOptions glyph(std::uint64_t pool_size) {
  return {.pool = {.name = "glyphs",
                   .max_idle_buffers = pool_size,
                   .max_borrowed_buffers = pool_size,
                   .at_limit = AtLimit::kHeap,
                   .prewarm_buffers = pool_size,
                   .publish = false},
          .buffer_bytes = {4096},
          .sizing = OverflowBand{},
          .check_every_gets = 1000000};
}

TEST(GlyphBufferPool, HalfTheBuffersAreHalfTheMemory) {
  EXPECT_EQ(BufferPool(glyph(32)).retained_bytes(), 131072u);
  EXPECT_EQ(BufferPool(glyph(16)).retained_bytes(), 65536u);
}

TEST(GlyphBufferPool, CountsWhatOverflows) {
  BufferPool pool(glyph(16));
  (void)acquire(pool, 20);
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.gets, 20u);
  EXPECT_EQ(stats.misses[PS_MISS_EXHAUSTED], 4u);
  EXPECT_EQ(stats.idle, 16u);
}

TEST(GlyphBufferPool, GrowsByHalfAboveFivePercentOverflow) {
  BufferPool pool(glyph(16));
  (void)acquire(pool, 20);
  EXPECT_EQ(pool.suggest_resize(), 24u);
  pool.resize(24);
  EXPECT_EQ(pool.suggest_resize(), std::nullopt) << "nothing was counted since";
  (void)acquire(pool, 24);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EXHAUSTED], 4u);
  EXPECT_EQ(pool.stats().resizes_up, 2u) << "borrowed and idle";
}

TEST(GlyphBufferPool, ShrinksByAQuarterBelowOnePercentOverflow) {
  BufferPool pool(glyph(32));
  for (int i = 0; i < 10; ++i) (void)acquire(pool, 20);
  EXPECT_EQ(pool.suggest_resize(), 24u);
  pool.resize(24);
  EXPECT_EQ(pool.retained_bytes(), 24u * 4096);
}

TEST(GlyphBufferPool, ResizesItselfEverySoManyGets) {
  BufferPoolOptions options = glyph(16);
  options.check_every_gets = 100;
  BufferPool pool(options);
  for (int i = 0; i < 6; ++i) (void)acquire(pool, 20);
  EXPECT_EQ(pool.max_borrowed_buffers(), 24u);
}

struct BandCase {
  const char* name;
  std::uint64_t buffers, gets, overflows;
  std::optional<std::uint64_t> suggested;
};
class Band : public testing::TestWithParam<BandCase> {};
TEST_P(Band, SuggestsASize) {
  const BandCase& c = GetParam();
  EXPECT_EQ(suggest_buffers(OverflowBand{}, c.buffers, c.gets, c.overflows), c.suggested);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Band,
    testing::Values(BandCase{"NothingCounted", 16, 0, 0, std::nullopt}, BandCase{"InTheBand", 16, 100, 3, std::nullopt},
                    BandCase{"AtFivePercent", 16, 100, 5, std::nullopt}, BandCase{"AboveFivePercent", 16, 100, 6, 24},
                    BandCase{"AtMost128", 100, 100, 50, 128}, BandCase{"AtTheMost", 128, 100, 50, std::nullopt},
                    BandCase{"Large", 1000, 100, 50, std::nullopt}, BandCase{"AtOnePercent", 32, 100, 1, std::nullopt},
                    BandCase{"BelowOnePercent", 32, 1000, 9, 24}, BandCase{"NotBelow16", 20, 100, 0, 16},
                    BandCase{"AtTheLeast", 16, 100, 0, std::nullopt}),
    [](const auto& c) { return c.param.name; });

// ---- the size by a quantile --------------------------------------------------------------------------------------------

ps_histogram needed(std::vector<std::pair<std::uint64_t, std::uint64_t>> values) {
  ps_histogram histogram{};
  for (const auto& [value, count] : values) histogram.counts[ps_log_linear_index(value)] += count;
  return histogram;
}

TEST(UpperQuantile, IsNotKnownOfFewValues) {
  EXPECT_EQ(upper_quantile(needed({}), 0.99), std::nullopt);
  EXPECT_EQ(upper_quantile(needed({{1000, 100}}), 0.99), std::nullopt);
  EXPECT_TRUE(upper_quantile(needed({{1000, 1000}}), 0.99).has_value());
}

TEST(UpperQuantile, IsTheEndOfItsBucket) {
  const auto upper = upper_quantile(needed({{1000, 10000}}), 0.5);
  ASSERT_TRUE(upper.has_value());
  EXPECT_GE(*upper, 1000u);
  EXPECT_LT(*upper, 1125u);
}

// Two kinds of requests: the most frequent size would be too small for nearly half of them.
TEST(UpperQuantile, OfTwoKindsOfSizesIsThatOfTheLargeOne) {
  EXPECT_GE(*upper_quantile(needed({{100, 42001}, {4000, 42000}}), 0.95), 4000u);
}

TEST(SuggestBufferBytes, LeavesASizeThatIsNearlyRight) {
  EXPECT_EQ(suggest_buffer_bytes(NeededQuantile{}, needed({{1000, 10000}}), 1100), std::nullopt);
  EXPECT_TRUE(suggest_buffer_bytes(NeededQuantile{}, needed({{1000, 10000}}), 4096).has_value());
}

TEST(QuantileBufferPool, FindsTheSizeThatIsNeeded) {
  BufferPoolOptions options = unseen({64});
  options.sizing = NeededQuantile{};
  options.check_every_gets = 1000;
  BufferPool pool(options);
  for (int i = 0; i < 10000; ++i) pool.acquire().resize(5000);
  EXPECT_GE(pool.buffer_bytes(), 5000u);
  EXPECT_LE(pool.buffer_bytes(), 5700u);
  EXPECT_LE(pool.stats().resizes_up, 2u);
}

}  // namespace
}  // namespace poolscope::test

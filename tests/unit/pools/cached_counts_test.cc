// Gets and puts that a writer counts together with the objects in its cache.
#include <array>
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "poolscope/stats_page.h"
#include "poolscope/stats_writer.h"

namespace poolscope::test {
namespace {

constexpr ps_u64 kNever = 1ULL << 47;

// As a thread with a cache counts.
struct Writer {
  ps_block block{};
  ps_u64 gets = 0, puts = 0, depth = 0;
  bool is_due = false;  // the put before was to be looked at

  void get() {
    ps_store(&block.cached, block.cached - PS_CACHED_GET);
    ++gets, --depth;
  }
  void put() {
    ps_store(&block.cached, block.cached + PS_CACHED_PUT);
    is_due = (block.cached & PS_CACHED_DUE) != 0;
    ++puts, ++depth;
  }
};

void expect_exact(const Writer& writer) {
  EXPECT_EQ(ps_block_gets(&writer.block), writer.gets);
  EXPECT_EQ(ps_block_puts(&writer.block), writer.puts);
  EXPECT_EQ(writer.block.cached & PS_CACHED_DEPTH, writer.depth);
}

TEST(CachedCounts, AreNothingWhereThereIsNoCache) {
  Writer writer;
  ps_count(&writer.block.gets, 3);
  ps_count(&writer.block.puts, 2);
  EXPECT_EQ(ps_block_gets(&writer.block), 3u);
  EXPECT_EQ(ps_block_puts(&writer.block), 2u);
}

TEST(CachedCounts, AreThoseOfTheWriterWhateverItDid) {
  std::mt19937_64 random(11);
  Writer writer;
  for (int step = 0; step < 100'000; ++step) {
    switch (random() % 4) {
      case 0:
        if (writer.depth > 0) writer.get();
        break;
      case 1:
        if (writer.depth < 64) writer.put();
        break;
      case 2:
        writer.depth = random() % 65;  // objects come from elsewhere or go there: more than 256 bases follow each other
        ps_cache_set_depth(&writer.block, writer.depth);
        break;
      default:
        ps_cache_restart(&writer.block, writer.depth, 1 + random() % 100);
    }
    ASSERT_NO_FATAL_FAILURE(expect_exact(writer));
  }
}

TEST(CachedCounts, TellOfThePutThatWasAskedForAndOfThoseBehindIt) {
  for (const ps_u64 until : {ps_u64{1}, ps_u64{2}, ps_u64{300}, kNever}) {
    Writer writer;
    ps_cache_restart(&writer.block, 0, until);
    for (ps_u64 put = 1; put <= 1000; ++put) {
      writer.put();
      EXPECT_EQ(writer.is_due, put >= until) << put;
      writer.get();
    }
    expect_exact(writer);
  }
}

// The stores of a change of base in their order: a writer may be killed between any two.
TEST(CachedCounts, CanBeReadWhereverTheirWriterEnded) {
  Writer writer;
  for (int base = 0; base < 3; ++base) {
    for (int i = 0; i < 5; ++i) writer.put();
    writer.get();
    ps_block before = writer.block;
    writer.depth = 7;
    ps_cache_set_depth(&writer.block, writer.depth);
    const ps_block& after = writer.block;
    const std::size_t fresh = (after.cached >> PS_CACHED_NUMBER_SHIFT) & 1;
    ps_block& dead = before;
    const auto expect_counts = [&](const char* where) {
      EXPECT_EQ(ps_block_gets(&dead), writer.gets) << where;
      EXPECT_EQ(ps_block_puts(&dead), writer.puts) << where;
    };
    dead.bases[fresh].number = 0;
    expect_counts("after the number was taken away");
    dead.bases[fresh].gets = after.bases[fresh].gets;
    expect_counts("after the gets");
    dead.bases[fresh].puts = after.bases[fresh].puts;
    expect_counts("after the puts");
    dead.bases[fresh].number = after.bases[fresh].number;
    expect_counts("after the number");
    dead.cached = after.cached;
    expect_counts("after the change");
  }
}

TEST(CachedCounts, AreGivenUpWhereNoBaseFits) {
  Writer damaged;
  damaged.block.gets = 5;
  damaged.block.cached = 0x1234;
  EXPECT_EQ(ps_block_gets(&damaged.block), 5u);
}

TEST(CachedCounts, OnlyRiseForThoseWhoReadMeanwhile) {
  Writer writer;
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> readings{0};
  std::thread reader([&] {
    ps_u64 gets = 0, puts = 0;
    while (!is_over) {
      const ps_u64 puts_now = ps_block_puts(&writer.block), gets_now = ps_block_gets(&writer.block);
      EXPECT_GE(gets_now, gets);
      EXPECT_GE(puts_now, puts);
      EXPECT_LT(gets_now, 1ULL << 40) << "a base of one moment with a word of another";
      if (testing::Test::HasFailure()) break;
      gets = gets_now, puts = puts_now, ++readings;
    }
  });
  std::mt19937_64 random(5);
  while (readings < 20'000 && !testing::Test::HasFailure()) {
    for (int i = 0; i < 3; ++i) writer.put();
    for (int i = 0; i < 3; ++i) writer.get();
    if (random() % 4 == 0) ps_cache_restart(&writer.block, writer.depth, 1000 + random() % 1000);
    if (random() % 4 == 0) ps_cache_set_depth(&writer.block, writer.depth);
    if (writer.is_due) ps_cache_restart(&writer.block, writer.depth, kNever);
  }
  is_over = true;
  reader.join();
  expect_exact(writer);
}

}  // namespace
}  // namespace poolscope::test

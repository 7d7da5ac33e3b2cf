// Stats pages as they are written by poolscope/stats_writer.h, in this process, and as a hostile service would write them.
#include "probes/collectors/pool_pages.h"

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "poolscope/stats_writer.h"
#include "probes/process/process.h"

namespace poolscope::probes {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kAllKnown = ~std::uint64_t{0};

class PoolPage : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ps_page_create(&page_, "pool_pages_test"), 0); }
  void TearDown() override { ps_page_destroy(&page_); }

  ps_pool* add(const char* name, std::uint64_t known = kAllKnown) {
    ps_pool_identity identity{};
    identity.name = name;
    identity.element = "struct frame";
    identity.known = known;
    identity.buffer_bytes = 4096;
    identity.max_idle_buffers = 8;
    identity.max_borrowed_buffers = PS_NO_LIMIT;
    return ps_pool_add(&page_, &identity);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(page_.header), PS_PAGE_BYTES};
  }
  [[nodiscard]] PageReading reading() const {
    auto result = read_page(bytes());
    EXPECT_TRUE(result) << (result ? "" : result.error().detail);
    return result ? *std::move(result) : PageReading{};
  }
  [[nodiscard]] PageSlot only_slot() const {
    const PageReading now = reading();
    EXPECT_EQ(now.slots.size(), 1u);
    return now.slots.size() == 1 ? now.slots[0] : PageSlot{};
  }
  [[nodiscard]] std::string fault() const {
    const auto result = read_page(bytes());
    return result ? "none" : reason_label(result.error().reason);
  }

  ps_page page_{};
};

TEST_F(PoolPage, WithoutPoolsHasNone) {
  EXPECT_TRUE(reading().slots.empty());
}

TEST_F(PoolPage, SumsOverTheBlocksOfThreads) {
  ps_pool* pool = add("frames");
  for (unsigned thread = 1; thread <= 3; ++thread) {
    ps_block* block = ps_block_add(&page_, pool);
    ps_count(&block->gets, 10 * thread);
    ps_count(&block->misses[PS_MISS_EXHAUSTED], thread);
  }
  const auto counts = counts_since(nullptr, only_slot());
  EXPECT_EQ(counts.gets, 60u);
  EXPECT_EQ(counts.misses[PS_MISS_EXHAUSTED], 6u);
  EXPECT_EQ(counts.all_misses(), 6u);
}

TEST_F(PoolPage, BlocksOfAnotherPoolDoNotCount) {
  ps_pool* frames = add("frames");
  ps_count(&ps_block_add(&page_, frames)->gets, 3);
  ps_count(&ps_block_add(&page_, add("others"))->gets, 5);
  const PageReading now = reading();
  ASSERT_EQ(now.slots.size(), 2u);
  EXPECT_EQ(now.slots[0].sums.gets, 3u);
  EXPECT_EQ(now.slots[1].sums.gets, 5u);
}

TEST_F(PoolPage, CountsAreDifferencesBetweenReadings) {
  ps_pool* pool = add("frames");
  ps_block* block = ps_block_add(&page_, pool);
  ps_count(&block->gets, 10);
  ps_histogram_count(&pool->needed_bytes, 100);
  const PageSlot before = only_slot();
  ps_count(&block->gets, 7);
  ps_histogram_count(&pool->needed_bytes, 5000);
  const auto counts = counts_since(&before, only_slot());
  EXPECT_EQ(counts.gets, 7u);
  EXPECT_DOUBLE_EQ(counts.needed_bytes.total(), 1);
  EXPECT_GE(counts.needed_bytes.quantile(0.5), 5000u);
}

TEST_F(PoolPage, ACountThatFellIsNone) {
  ps_block* block = ps_block_add(&page_, add("frames"));
  ps_count(&block->gets, 10);
  const PageSlot before = only_slot();
  ps_store(&block->gets, 4);
  EXPECT_EQ(counts_since(&before, only_slot()).gets, 0u);
}

TEST_F(PoolPage, StateIsDerivedFromCounts) {
  ps_block* block = ps_block_add(&page_, add("frames"));
  ps_count(&block->gets, 10);
  ps_count(&block->gets_failed, 1);
  ps_count(&block->puts, 6);
  ps_count(&block->discards[PS_DISCARD_FOREIGN], 2);
  ps_count(&block->created, 8);
  ps_count(&block->destroyed, 1);
  const auto state = state_of(only_slot(), reading().header, kSecondNs);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->borrowed, 5u);  // 10 - 1 - (6 - 2)
  EXPECT_EQ(state->idle, 2u);      // 8 - 1 - 5
  EXPECT_EQ(state->limits.buffer_bytes, 4096u);
  EXPECT_EQ(state->limits.max_idle_buffers, 8u);
  EXPECT_EQ(state->limits.max_borrowed_buffers, std::nullopt) << "open";
  EXPECT_EQ(state->limits.max_retained_bytes, std::nullopt) << "no such knob";
}

TEST_F(PoolPage, WhatIsBorrowedIsNeverBelowZero) {
  ps_count(&ps_block_add(&page_, add("frames"))->puts, 6);
  const auto state = state_of(only_slot(), reading().header, kSecondNs);
  EXPECT_EQ(state->borrowed, 0u);
  EXPECT_EQ(state->idle, 0u);
}

TEST_F(PoolPage, HighWaterIsThatOfTheMarksStillHeld) {
  ps_pool* pool = add("frames");
  ps_mark_value(pool->borrowed_marks, 90, 1 * PS_MARK_INTERVAL_NS);
  ps_mark_value(pool->borrowed_marks, 7, 20 * PS_MARK_INTERVAL_NS);
  ps_mark_value(pool->borrowed_marks, 5, 21 * PS_MARK_INTERVAL_NS);
  const ps_stats_header header = reading().header;
  EXPECT_EQ(state_of(only_slot(), header, 22 * PS_MARK_INTERVAL_NS)->borrowed_high, 7u);
  EXPECT_EQ(state_of(only_slot(), header, 60 * PS_MARK_INTERVAL_NS)->borrowed_high, std::nullopt);
}

TEST_F(PoolPage, AnEndedPoolHasCountsAndNoState) {
  ps_pool* pool = add("frames");
  ps_count(&ps_block_add(&page_, pool)->gets, 3);
  ps_pool_remove(&page_, pool);
  EXPECT_EQ(only_slot().sums.gets, 3u);
  EXPECT_FALSE(state_of(only_slot(), reading().header, kSecondNs));
}

TEST_F(PoolPage, ASlotThatIsBeingFilledIsNotRead) {
  add("frames")->sequence |= 1;
  EXPECT_TRUE(reading().slots.empty());
}

TEST_F(PoolPage, OnlyPoolsOfTheLibraryAreCalledSo) {
  ps_pool* pool = add("frames");
  EXPECT_EQ(identity_of(only_slot()).kind, "published");
  std::strcpy(pool->kind, "go_sync_pool");
  EXPECT_EQ(identity_of(only_slot()).kind, "published");
  std::strcpy(pool->kind, "poolscope");
  EXPECT_EQ(identity_of(only_slot()).kind, "poolscope");
  std::strcpy(pool->kind, "hosted");
  EXPECT_EQ(identity_of(only_slot()).kind, "hosted");
  EXPECT_EQ(identity_of(only_slot()).element, "struct frame");
}

// --- hostile pages -------------------------------------------------------------------------------------------------------

TEST_F(PoolPage, TextsWithoutEndStopAtTheirArrays) {
  ps_pool* pool = add("frames");
  std::memset(pool->name, 'n', sizeof(pool->name));
  std::memset(pool->kind, 'k', sizeof(pool->kind));
  EXPECT_EQ(identity_of(only_slot()).name, std::string(sizeof(pool->name), 'n'));
}

TEST_F(PoolPage, ABlockOfAPoolThatDoesNotExistIsLeftOut) {
  ps_pool* pool = add("frames");
  ps_block* block = ps_block_add(&page_, pool);
  ps_count(&block->gets, 3);
  block->pool_index = ~0ull;
  EXPECT_EQ(only_slot().sums.gets, 0u);
}

TEST_F(PoolPage, CountsThatWrapDoNoHarm) {
  ps_block* block = ps_block_add(&page_, add("frames"));
  for (ps_u64* word = &block->gets; word != block->reserved; ++word) *word = ~0ull;
  const auto state = state_of(only_slot(), reading().header, kSecondNs);
  EXPECT_TRUE(state);
}

struct Damage {
  const char* name;
  void (*change)(ps_stats_header& header);
  const char* fault;
};
class DamagedPage : public PoolPage, public testing::WithParamInterface<Damage> {};
TEST_P(DamagedPage, IsRefusedWithAReason) {
  add("frames");
  GetParam().change(*page_.header);
  EXPECT_EQ(fault(), GetParam().fault);
}
INSTANTIATE_TEST_SUITE_P(
    Table, DamagedPage,
    testing::Values(Damage{"NotReady", [](ps_stats_header& h) { h.magic = 0; }, "not_ready"},
                    Damage{"OtherMagic", [](ps_stats_header& h) { h.magic = 7; }, "damaged"},
                    Damage{"LaterVersion", [](ps_stats_header& h) { h.version = 2; }, "not_this_version"},
                    Damage{"PoolsBeyondTheEnd", [](ps_stats_header& h) { h.pools_offset = 0xffffffc0; }, "damaged"},
                    Damage{"BlocksBeyondTheEnd", [](ps_stats_header& h) { h.block_capacity = 0xffffffff; }, "damaged"},
                    Damage{"MoreUsedThanThereAre", [](ps_stats_header& h) { h.pools_used = h.pool_capacity + 1; },
                           "damaged"},
                    Damage{"SlotsTooSmall", [](ps_stats_header& h) { h.pool_bytes = 64; }, "damaged"},
                    Damage{"UnevenSlots", [](ps_stats_header& h) { h.pool_bytes += 8; }, "damaged"},
                    Damage{"LargerThanItsFile", [](ps_stats_header& h) { h.page_bytes = ~0ull; }, "damaged"}),
    [](const auto& info) { return info.param.name; });

TEST_F(PoolPage, ShorterThanItsHeaderIsRefused) {
  EXPECT_FALSE(read_page(bytes().first(sizeof(ps_stats_header) - 8)));
}

TEST_F(PoolPage, OfAnOlderWriterHasNoDistributionsBeyondItsSlots) {
  std::vector<std::uint64_t> small(8192 / sizeof(std::uint64_t));
  auto* header = reinterpret_cast<ps_stats_header*>(small.data());
  std::memcpy(header, page_.header, sizeof(*header));
  header->pool_bytes = (offsetof(ps_pool, buffer_bytes_at_put) + 63) / 64 * 64;
  header->pools_offset = 192;
  header->blocks_offset = 192 + header->pool_bytes;
  header->pool_capacity = header->pools_used = 1;
  header->block_capacity = header->blocks_used = 1;
  header->page_bytes = 8192;
  ASSERT_LE(header->blocks_offset + sizeof(ps_block), 8192u);
  auto* pool = reinterpret_cast<ps_pool*>(reinterpret_cast<char*>(small.data()) + 192);
  pool->sequence = 2;
  pool->known = kAllKnown;
  const auto reading = read_page(std::as_bytes(std::span(small)));
  ASSERT_TRUE(reading) << reading.error().detail;
  const std::uint64_t known = reading->slots.at(0).pool.known;
  EXPECT_TRUE(known & PS_KNOWN_NEEDED_BYTES);
  EXPECT_FALSE(known & (PS_KNOWN_BUFFER_BYTES | PS_KNOWN_IDLE_DEPTH | PS_KNOWN_HOLD_NS));
}

// --- pages of a process --------------------------------------------------------------------------------------------------

model::ProcessKey own_key() {
  const auto status = process::read_status(getpid());
  return status ? status->key : model::ProcessKey{};
}

bool may_open_what_is_mapped() {
  return ::access("/proc/self/map_files", R_OK) == 0 && ::geteuid() == 0;
}

TEST_F(PoolPage, IsFoundInItsProcess) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  ps_block* block = ps_block_add(&page_, add("frames"));
  ps_count(&block->gets, 10);
  PoolPages pages(own_key());
  const auto first = pages.read(kSecondNs);
  ASSERT_EQ(first.size(), 1u) << (pages.fault() ? pages.fault()->detail : "");
  EXPECT_EQ(first[0].length_ns, 0u);
  ASSERT_EQ(first[0].pools.size(), 1u);
  EXPECT_EQ(first[0].pools[0].counted.gets, 10u);
  ps_count(&block->gets, 5);
  const auto second = pages.read(3 * kSecondNs);
  EXPECT_EQ(second.at(0).length_ns, 2 * kSecondNs);
  EXPECT_EQ(second.at(0).pools.at(0).counted.gets, 5u);
}

TEST_F(PoolPage, PoolsOfOneNameAreOne) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  ps_count(&ps_block_add(&page_, add("frames"))->gets, 10);
  ps_count(&ps_block_add(&page_, add("frames", PS_KNOWN_GETS))->gets, 5);
  const auto records = PoolPages(own_key()).read(kSecondNs);
  ASSERT_EQ(records.at(0).pools.size(), 1u);
  EXPECT_EQ(records[0].pools[0].counted.gets, 15u);
  EXPECT_EQ(records[0].pools[0].known, PS_KNOWN_GETS);
}

TEST_F(PoolPage, CanBeReadWhenItsProcessHasUnmappedIt) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  ps_block* block = ps_block_add(&page_, add("frames"));
  PoolPages pages(own_key());
  ASSERT_EQ(pages.read(kSecondNs).size(), 1u);
  ps_count(&block->gets, 9);
  ps_page_destroy(&page_);
  EXPECT_EQ(pages.read_last(2 * kSecondNs).at(0).pools.at(0).counted.gets, 9u);
}

TEST_F(PoolPage, OfAnotherProcessIsNotOfTheOneItIsFoundIn) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  add("frames");
  page_.header->start_ticks -= 1;
  PoolPages pages(own_key());
  EXPECT_TRUE(pages.read(kSecondNs).empty());
  EXPECT_FALSE(pages.fault()) << "a child that inherited a page is nothing to complain about";
}

TEST(PoolPages, AFileThatCouldShrinkIsNotMapped) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  const int fd = memfd_create(PS_STATS_MEMFD_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(ftruncate(fd, 4096), 0);
  void* base = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  PoolPages pages(own_key());
  EXPECT_TRUE(pages.read(kSecondNs).empty());
  ASSERT_TRUE(pages.fault());
  EXPECT_STREQ(reason_label(pages.fault()->reason), "not_sealed");
  munmap(base, 4096);
}

// Looks go by the size of the address space, which says nothing of a page that is there but not ready.
TEST_F(PoolPage, IsFoundAsSoonAsItIsReady) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  add("frames");
  page_.header->magic = 0;
  PoolPages pages(own_key());
  EXPECT_FALSE(pages.look(kSecondNs));
  page_.header->magic = PS_STATS_MAGIC;
  EXPECT_TRUE(pages.look(100 * kSecondNs));
}

TEST_F(PoolPage, IsFoundWhereItIsMappedLater) {
  if (!may_open_what_is_mapped()) GTEST_SKIP() << "needs root for /proc/self/map_files";
  ps_page_destroy(&page_);
  PoolPages pages(own_key());
  EXPECT_FALSE(pages.look(kSecondNs));
  EXPECT_FALSE(pages.look(100 * kSecondNs));
  ASSERT_EQ(ps_page_create(&page_, "pool_pages_test"), 0);
  add("frames");
  EXPECT_TRUE(pages.look(200 * kSecondNs));
}

TEST(PoolPages, AProcessWithoutAPageIsSilent) {
  PoolPages pages(own_key());
  EXPECT_TRUE(pages.read(kSecondNs).empty());
  EXPECT_FALSE(pages.fault());
  EXPECT_FALSE(pages.has_pages());
}

}  // namespace
}  // namespace poolscope::probes

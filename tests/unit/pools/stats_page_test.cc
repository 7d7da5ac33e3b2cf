// The stats page as its writer fills it and as a reader finds it.
#include "poolscope/stats_page.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"
#include "tests/unit/pools/foreign_pool.h"
#include "tests/unit/pools/page_view.h"

namespace poolscope::test {
namespace {

class StatsPage : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ps_page_create(&page_, "stats_page_test"), 0); }
  void TearDown() override { ps_page_destroy(&page_); }

  ps_pool* add(const std::string& name) {
    ps_pool_identity identity{};
    identity.name = name.c_str();
    identity.known = PS_KNOWN_GETS;
    return ps_pool_add(&page_, &identity);
  }
  [[nodiscard]] PoolView view(const std::string& name) const { return pool_named(page_.header, name); }

  ps_page page_{};
};

// The first file name of a mapping that is called so, "from-to" in hexadecimal; empty when there is none.
std::string mapping_of(const std::string& memfd) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:" + memfd + " (deleted)") != std::string::npos) return line.substr(0, line.find(' '));
  }
  return "";
}

TEST_F(StatsPage, IsFoundByTheNameOfItsMapping) {
  std::ostringstream start;
  start << std::hex << reinterpret_cast<std::uintptr_t>(page_.header) << '-';
  EXPECT_THAT(mapping_of(PS_STATS_MEMFD_NAME), testing::StartsWith(start.str()));
}

TEST_F(StatsPage, IsSealedAgainstShrinking) {
  const UniqueFd fd(open(("/proc/self/map_files/" + mapping_of(PS_STATS_MEMFD_NAME)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) GTEST_SKIP() << "needs CAP_CHECKPOINT_RESTORE for /proc/self/map_files: " << strerror(errno);
  EXPECT_EQ(fcntl(fd.get(), F_GET_SEALS) & PS_PAGE_SEALS, PS_PAGE_SEALS);
}

TEST_F(StatsPage, TellsWhoseItIs) {
  EXPECT_EQ(page_.header->pid, static_cast<ps_u64>(getpid()));
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string ticks;
  for (int field = 3; field <= 22; ++field) fields >> ticks;
  EXPECT_EQ(std::to_string(page_.header->start_ticks), ticks);
  EXPECT_STREQ(page_.header->writer, "stats_page_test");
}

TEST_F(StatsPage, OfAPoolInCIsReadWithItsCounts) {
  foreign_pool pool;
  foreign_pool_open(&pool, &page_, "frames");
  void* frames[6];
  for (void*& frame : frames) frame = foreign_pool_get(&pool);
  for (void* frame : frames) foreign_pool_put(&pool, frame, 1000);
  void* again = foreign_pool_get(&pool);

  const PoolView seen = view("frames");
  EXPECT_EQ(seen.sums.gets, 7u);
  EXPECT_EQ(seen.misses(), 6u);
  EXPECT_EQ(seen.sums.puts, 6u);
  EXPECT_EQ(seen.sums.discards[PS_DISCARD_FULL], 2u);
  EXPECT_EQ(seen.borrowed(), 1u);
  EXPECT_EQ(seen.idle(), 3u);
  EXPECT_STREQ(seen.slot.kind, "published");
  EXPECT_EQ(seen.slot.buffer_bytes, 4096u);
  EXPECT_EQ(seen.slot.needed_bytes.sum, 6000u);
  EXPECT_EQ(seen.slot.needed_bytes.counts[ps_log_linear_index(1000)], 6u);
  foreign_pool_put(&pool, again, 1);
  foreign_pool_close(&pool);
}

TEST_F(StatsPage, NamesThatAreTooLongAreCut) {
  const std::string name(300, 'n');
  add(name);
  EXPECT_EQ(view(std::string(95, 'n')).slot.known, PS_KNOWN_GETS);
}

TEST_F(StatsPage, SumsOfAThreadThatEndedStayAndAreCountedOnByTheNextOne) {
  ps_pool* pool = add("p");
  ps_block* first = ps_block_add(&page_, pool);
  ps_count(&first->gets, 5);
  ps_block_release(first);
  EXPECT_EQ(view("p").sums.gets, 5u);
  ps_block* second = ps_block_add(&page_, pool);
  ps_block* third = ps_block_add(&page_, pool);
  ps_count(&second->gets, 1);
  ps_count(&third->gets, 1);
  EXPECT_EQ(view("p").sums.gets, 7u);
  EXPECT_EQ(page_.header->blocks_used, 2u);
}

TEST_F(StatsPage, ABlockOfAnotherPoolIsNotTaken) {
  ps_pool* one = add("one");
  ps_pool* two = add("two");
  ps_block* block = ps_block_add(&page_, one);
  ps_count(&block->gets, 5);
  ps_block_release(block);
  ps_count(&ps_block_add(&page_, two)->gets, 3);
  EXPECT_EQ(view("one").sums.gets, 5u);
  EXPECT_EQ(view("two").sums.gets, 3u);
}

TEST_F(StatsPage, AnEndedPoolStaysForAWhile) {
  ps_pool* pool = add("p");
  ps_count(&ps_block_add(&page_, pool)->gets, 5);
  ps_pool_remove(&page_, pool);
  const auto seen = read_pool(page_.header, *page_.header, 0);
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->slot.state, static_cast<ps_u64>(PS_POOL_ENDED));
  EXPECT_EQ(seen->sums.gets, 5u);
  EXPECT_NE(seen->slot.ended_ns, 0u);
}

TEST_F(StatsPage, SlotsOfEndedPoolsAreUsedAgainWithAnotherSequenceAndNoOldCounts) {
  std::set<std::pair<ps_u32, ps_u64>> seen;
  for (int i = 0; i < 100; ++i) {
    ps_pool* pool = add("p");
    EXPECT_TRUE(seen.emplace(ps_pool_index(&page_, pool), ps_pool_sequence(pool)).second);
    ps_count(&ps_block_add(&page_, pool)->gets, 1);
    EXPECT_EQ(view("p").sums.gets, 1u);
    ps_pool_remove(&page_, pool);
  }
  EXPECT_LE(page_.header->pools_used, PS_ENDED_KEPT + 2);
  EXPECT_LE(page_.header->blocks_used, PS_ENDED_KEPT + 2);
}

TEST_F(StatsPage, AReaderNoticesThatASlotWasTakenMeanwhile) {
  ps_pool* pool = add("p");
  const ps_u64 sequence = ps_pool_sequence(pool);
  EXPECT_TRUE(ps_pool_unchanged(pool, sequence));
  ps_pool_remove(&page_, pool);
  EXPECT_TRUE(ps_pool_unchanged(pool, sequence)) << "ended, but still itself";
  for (ps_u32 i = 0; i <= PS_ENDED_KEPT + 1; ++i) ps_pool_remove(&page_, add("other"));
  EXPECT_FALSE(ps_pool_unchanged(pool, sequence));
}

TEST_F(StatsPage, APoolWithoutASlotCountsUnseen) {
  for (ps_u32 i = 0; i < PS_POOL_CAPACITY; ++i) add("p");
  ps_pool* pool = add("too many");
  ps_block* block = ps_block_add(&page_, pool);
  ps_count(&block->gets, 1);
  EXPECT_EQ(page_.header->refused_pools, 1u);
  EXPECT_EQ(view("too many").sums.gets, 0u);
  ps_block_release(block);
  ps_pool_remove(&page_, pool);
}

TEST_F(StatsPage, KeepsWaterMarksByInterval) {
  ps_pool* pool = add("p");
  const ps_u64 interval_ns = page_.header->mark_interval_ns;
  ps_mark_value(pool->borrowed_marks, 7, 100 * interval_ns);
  ps_mark_value(pool->borrowed_marks, 3, 101 * interval_ns - 1);
  ps_mark_value(pool->borrowed_marks, 5, 101 * interval_ns);
  ps_u64 value = 0;
  ASSERT_TRUE(ps_mark_high(pool->borrowed_marks, 100, &value));
  EXPECT_EQ(value, 7u);
  ASSERT_TRUE(ps_mark_low(pool->borrowed_marks, 100, &value));
  EXPECT_EQ(value, 3u);
  ASSERT_TRUE(ps_mark_low(pool->borrowed_marks, 101, &value));
  EXPECT_EQ(value, 5u);
  EXPECT_FALSE(ps_mark_high(pool->borrowed_marks, 99, &value));
}

TEST_F(StatsPage, AMarkOfALaterIntervalTakesThePlaceOfAnOldOne) {
  ps_pool* pool = add("p");
  const ps_u64 interval_ns = page_.header->mark_interval_ns;
  ps_mark_value(pool->idle_marks, 7, 100 * interval_ns);
  ps_mark_value(pool->idle_marks, 2, (100 + PS_MARKS) * interval_ns);
  ps_mark_value(pool->idle_marks, 9, 100 * interval_ns);  // a thread that was stopped in between
  ps_u64 value = 0;
  EXPECT_FALSE(ps_mark_high(pool->idle_marks, 100, &value));
  ASSERT_TRUE(ps_mark_high(pool->idle_marks, 100 + PS_MARKS, &value));
  EXPECT_EQ(value, 2u);
}

int exit_code_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(StatsPage, TheChildOfAForkHasItsOwn) {
  ps_pool* pool = add("p");
  ps_block* block = ps_block_add(&page_, pool);
  ps_count(&block->gets, 9);
  ps_count(&block->puts, 4);
  ps_count(&block->created, 7);
  const pid_t child = fork();
  if (child == 0) {
    if (ps_page_after_fork(&page_) != 0) _exit(1);
    ps_count(&block->gets, 1);
    const PoolView seen = view("p");
    const bool own = page_.header->pid == static_cast<ps_u64>(getpid());
    _exit(own && seen.sums.gets == 1 && seen.borrowed() == 6 && seen.idle() == 1 ? 0 : 2);
  }
  EXPECT_EQ(exit_code_of(child), 0);
  EXPECT_EQ(view("p").sums.gets, 9u);
}

TEST_F(StatsPage, ARequestForLimitsReachesItsPoolOnce) {
  ASSERT_EQ(ps_control_create(&page_), 0);
  ps_pool* pool = add("p");
  ps_control request;
  EXPECT_FALSE(ps_control_take(&page_, pool, &request));

  const UniqueFd fd(open(("/proc/self/map_files/" + mapping_of(PS_CONTROL_MEMFD_NAME)).c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) GTEST_SKIP() << "needs CAP_CHECKPOINT_RESTORE for /proc/self/map_files: " << strerror(errno);
  ps_control asked{1, ps_pool_sequence(pool), PS_UNCHANGED, 32, PS_UNCHANGED, PS_UNCHANGED, {}};
  ASSERT_EQ(pwrite(fd.get(), &asked, sizeof(asked), page_.control->slots_offset), static_cast<ssize_t>(sizeof(asked)));

  ASSERT_TRUE(ps_control_take(&page_, pool, &request));
  EXPECT_EQ(request.max_idle_buffers, 32u);
  ps_control_answer(pool, &request, PS_REQUEST_APPLIED);
  EXPECT_FALSE(ps_control_take(&page_, pool, &request));
  EXPECT_EQ(pool->request_seen, 1u);
}

TEST_F(StatsPage, ARequestForAnEarlierPoolOfTheSlotIsNotTaken) {
  ASSERT_EQ(ps_control_create(&page_), 0);
  ps_pool* pool = add("p");
  const UniqueFd fd(open(("/proc/self/map_files/" + mapping_of(PS_CONTROL_MEMFD_NAME)).c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) GTEST_SKIP() << "needs CAP_CHECKPOINT_RESTORE for /proc/self/map_files: " << strerror(errno);
  ps_control asked{1, ps_pool_sequence(pool) - 2, PS_UNCHANGED, 32, PS_UNCHANGED, PS_UNCHANGED, {}};
  ASSERT_EQ(pwrite(fd.get(), &asked, sizeof(asked), page_.control->slots_offset), static_cast<ssize_t>(sizeof(asked)));
  ps_control request;
  EXPECT_FALSE(ps_control_take(&page_, pool, &request));
}

struct BadHeader {
  const char* name;
  void (*spoil)(ps_stats_header&);
  const char* problem;
};
class StatsPageProblem : public testing::TestWithParam<BadHeader> {};
TEST_P(StatsPageProblem, IsFoundBeforeAnythingElseIsRead) {
  ps_page page;
  ASSERT_EQ(ps_page_create(&page, "test"), 0);
  ps_stats_header header = *page.header;
  ASSERT_EQ(ps_stats_problem(&header, PS_PAGE_BYTES), nullptr);
  GetParam().spoil(header);
  EXPECT_STREQ(ps_stats_problem(&header, PS_PAGE_BYTES), GetParam().problem);
  ps_page_destroy(&page);
}
INSTANTIATE_TEST_SUITE_P(
    Table, StatsPageProblem,
    testing::Values(
        BadHeader{"Magic", [](ps_stats_header& h) { h.magic = 0; }, "not a stats page, or not ready yet"},
        BadHeader{"Version", [](ps_stats_header& h) { h.version = 2; }, "of another version"},
        BadHeader{"Bytes", [](ps_stats_header& h) { h.page_bytes += 1; }, "shorter than it says"},
        BadHeader{"HeaderBytes", [](ps_stats_header& h) { h.header_bytes = 8; }, "header too short"},
        BadHeader{"PoolBytes", [](ps_stats_header& h) { h.pool_bytes = 64; }, "pool slots of an impossible size"},
        BadHeader{"BlockBytes", [](ps_stats_header& h) { h.block_bytes = 0; }, "blocks of an impossible size"},
        BadHeader{"Unaligned", [](ps_stats_header& h) { h.pools_offset += 8; }, "pool slots of an impossible size"},
        BadHeader{"PoolsUsed", [](ps_stats_header& h) { h.pools_used = h.pool_capacity + 1; },
                  "more in use than there are"},
        BadHeader{"Pools", [](ps_stats_header& h) { h.pool_capacity = 0xffffffff; }, "pool slots beyond the end"},
        BadHeader{"Blocks", [](ps_stats_header& h) { h.block_capacity = 0xffffffff; }, "blocks beyond the end"}),
    [](const auto& c) { return c.param.name; });

TEST(StatsPageProblem, OfAPageShorterThanItsHeader) {
  const ps_stats_header header{};
  EXPECT_STREQ(ps_stats_problem(&header, 8), "shorter than its header");
}

TEST(StatsPageWriter, GoesOnUnseenWhereAMemfdIsRefused) {
  const pid_t child = fork();
  if (child == 0) {
    rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    ps_page page;
    const int problem = ps_page_create(&page, "test");
    ps_pool_identity identity{};
    identity.name = "p";
    ps_block* block = ps_block_add(&page, ps_pool_add(&page, &identity));
    ps_count(&block->gets, 1);
    _exit(problem == EMFILE && page.published == 0 && pool_named(page.header, "p").sums.gets == 1 ? 0 : 1);
  }
  EXPECT_EQ(exit_code_of(child), 0);
}

}  // namespace
}  // namespace poolscope::test

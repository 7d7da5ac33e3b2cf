// Services and the host of their pool: opening, sharing, resizing, ends and restarts.
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/unit/hosted/running_host.h"
#include "tests/unit/hosted/shared_words.h"
#include "tests/unit/pools/page_view.h"

namespace poolscope::host::test {
namespace {

using testing::HasSubstr;
using Reason = HostedPoolError::Reason;

class HostedPoolTest : public testing::Test {
 protected:
  void SetUp() override { host_.start_thread(); }

  std::unique_ptr<HostedPool> open() {
    auto pool = host_.open();
    EXPECT_TRUE(pool.has_value()) << pool.error().text;
    return pool ? std::move(*pool) : nullptr;
  }
  static std::vector<HostedBuffer> acquire_all(HostedPool& pool) {
    std::vector<HostedBuffer> all;
    for (auto buffer = pool.acquire(); buffer; buffer = pool.acquire()) all.push_back(std::move(buffer));
    return all;
  }
  void restart() {
    host_.stop();
    host_.start_thread();
  }

  RunningHost host_;
};

TEST_F(HostedPoolTest, SharesItsBuffersAndTheirContentsWithAllWhoOpenIt) {
  const auto one = open(), other = open();
  auto buffer = one->acquire();
  std::strcpy(reinterpret_cast<char*>(buffer.data()), "from one");
  const std::uint32_t index = buffer.index();
  auto others = acquire_all(*other);
  EXPECT_EQ(others.size(), 7u);
  buffer.release();
  const auto again = other->acquire();
  ASSERT_TRUE(again);
  EXPECT_EQ(again.index(), index);
  EXPECT_STREQ(reinterpret_cast<const char*>(again.data()), "from one");
}

TEST_F(HostedPoolTest, GivesAnEmptyBufferWhenAllAreOut) {
  const auto pool = open();
  const auto all = acquire_all(*pool);
  EXPECT_EQ(all.size(), 8u);
  EXPECT_FALSE(pool->acquire());
  std::set<std::byte*> places;
  for (const auto& buffer : all) places.insert(buffer.data());
  EXPECT_EQ(places.size(), 8u);
  EXPECT_EQ(all.front().capacity(), 4096u);
}

TEST_F(HostedPoolTest, TellsTheHostWhatIsBorrowed) {
  const auto pool = open();
  const auto one = pool->acquire(), two = pool->acquire();
  EXPECT_TRUE(eventually([&] { return host_.pool().borrowed == 2; }));
  EXPECT_EQ(host_.pool().clients, 1u);
}

TEST_F(HostedPoolTest, ListsWhoHoldsHowMuch) {
  const auto one = open(), other = open();
  const auto first = one->acquire(), second = one->acquire(), third = other->acquire();
  const auto pools = list_pools(host_.socket());
  ASSERT_TRUE(pools.has_value()) << pools.error().text;
  ASSERT_THAT(*pools, testing::SizeIs(1));
  const auto& holders = pools->front().holders;
  ASSERT_THAT(holders, testing::SizeIs(2));
  EXPECT_EQ(holders[0].borrowed, 2u);
  EXPECT_EQ(holders[1].borrowed, 1u);
  for (const auto& holder : holders) {
    EXPECT_EQ(holder.pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(hosted::text_of(holder.command), "hosted_test");
    EXPECT_EQ(holder.is_connected, 1u);
  }
}

TEST_F(HostedPoolTest, ListsMoreHoldersThanFitIntoAPacket) {
  std::vector<std::unique_ptr<HostedPool>> clients;
  for (std::size_t i = 0; i < 2 * hosted::kHoldersInPacket + 1; ++i) clients.push_back(open());
  const auto pools = list_pools(host_.socket());
  ASSERT_TRUE(pools.has_value()) << pools.error().text;
  EXPECT_THAT(pools->front().holders, testing::SizeIs(clients.size()));
}

TEST_F(HostedPoolTest, TakesBackWhatAClientHoldsThatCloses) {
  const auto other = open();
  {
    const auto client = hosted::ask(host_.socket(), hosted::request_for(hosted::RequestKind::kOpen, "frames"), {});
    ASSERT_TRUE(client.has_value());
    const auto words =
        hosted::Mapping::of(client->descriptors[1].get(), detail::HostedWords<>::bytes_for(16), PROT_READ | PROT_WRITE);
    ASSERT_TRUE(words.has_value());
    const auto id = static_cast<std::uint16_t>(client->reply.client);
    EXPECT_THAT(hosted::test::drain({words->base(), 16}, id), testing::SizeIs(8));
  }
  EXPECT_TRUE(eventually([&] { return host_.pool().borrowed == 0; }));
  EXPECT_EQ(acquire_all(*other).size(), 8u);
}

TEST_F(HostedPoolTest, GrowsAndShrinksWhileInUse) {
  const auto pool = open();
  auto held = acquire_all(*pool);
  ASSERT_TRUE(resize_pool(host_.socket(), "frames", 12).has_value());
  EXPECT_EQ(pool->limit_buffers(), 12u);
  EXPECT_EQ(acquire_all(*pool).size(), 4u);
  ASSERT_TRUE(resize_pool(host_.socket(), "frames", 3).has_value());
  held.clear();
  EXPECT_EQ(acquire_all(*pool).size(), 3u);
  EXPECT_TRUE(eventually([&] { return host_.pool().retired == 13; }));
}

TEST_F(HostedPoolTest, RefusesMoreThanMaxBuffers) {
  const auto resized = resize_pool(host_.socket(), "frames", 17);
  ASSERT_FALSE(resized.has_value());
  EXPECT_THAT(resized.error().text, HasSubstr("at most 16"));
}

TEST_F(HostedPoolTest, ANameThatIsTooLongIsNotCutToThatOfAnotherPool) {
  host_.stop();
  host_.config().name = std::string(hosted::kMaxNameBytes, 'x');
  host_.start_thread();
  EXPECT_TRUE(resize_pool(host_.socket(), host_.config().name, 12).has_value());
  const auto resized = resize_pool(host_.socket(), host_.config().name + "y", 13);
  ASSERT_FALSE(resized.has_value());
  EXPECT_EQ(resized.error().reason, AdminError::Reason::kNoSuchPool);
  EXPECT_FALSE(host_.open(host_.config().name + "y").has_value());
}

TEST_F(HostedPoolTest, SaysWhyItCannotBeOpened) {
  const auto unknown = host_.open("frame");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().reason, Reason::kRefused);
  EXPECT_THAT(unknown.error().text, HasSubstr("no pool of this name"));
  host_.stop();
  const auto nobody = host_.open();
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().reason, Reason::kNoHost);
  EXPECT_THAT(nobody.error().text, HasSubstr("pools serve"));
  EXPECT_EQ(HostedPool::open({.name = std::string(96, 'x')}).error().reason, Reason::kRefused);
}

TEST_F(HostedPoolTest, IsClosedToUidsThatAreNotNamed) {
  host_.stop();
  host_.config().open_to_uids = {::geteuid() + 1};
  host_.start_thread();
  const auto pool = host_.open();
  ASSERT_FALSE(pool.has_value());
  EXPECT_THAT(pool.error().text, HasSubstr("open_to_uids"));
}

TEST_F(HostedPoolTest, AClientCannotWriteTheControlPage) {
  const auto done = hosted::ask(host_.socket(), hosted::request_for(hosted::RequestKind::kOpen, "frames"), {});
  ASSERT_TRUE(done.has_value());
  ASSERT_THAT(done->descriptors, testing::SizeIs(3));
  const int control = done->descriptors[0].get();
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, control, 0), MAP_FAILED);
  EXPECT_EQ(::pwrite(control, "x", 1, 0), -1);
  for (const auto& fd : done->descriptors) EXPECT_EQ(::ftruncate(fd.get(), 0), -1) << "the host would get SIGBUS";
}

// ---- restarts -------------------------------------------------------------------------------------------------------

TEST_F(HostedPoolTest, GoesOnWithoutAHostAndIsTakenOverByTheNext) {
  const auto pool = open();
  auto held = pool->acquire();
  host_.stop();
  EXPECT_TRUE(eventually([&] { return !pool->is_served(); }));
  EXPECT_EQ(acquire_all(*pool).size(), 7u);
  host_.start_thread();
  EXPECT_TRUE(eventually([&] { return pool->is_served(); }));
  const auto other = open();
  EXPECT_EQ(acquire_all(*other).size(), 7u) << "what was held over the restart is still held";
  held.release();
  EXPECT_EQ(pool->not_ours(), 0u);
  EXPECT_EQ(acquire_all(*other).size(), 8u);
}

TEST_F(HostedPoolTest, KeepsItsClientsAndItsLimitOverManyRestarts) {
  const auto one = open(), other = open();
  const auto held = one->acquire();
  ASSERT_TRUE(resize_pool(host_.socket(), "frames", 5).has_value());
  for (int i = 0; i < 20; ++i) {
    restart();
    ASSERT_TRUE(eventually([&] { return one->is_served() && other->is_served() && host_.pool().clients == 2; })) << i;
    ASSERT_EQ(acquire_all(*other).size(), 4u) << i;
  }
  ASSERT_TRUE(resize_pool(host_.socket(), "frames", 6).has_value());
  EXPECT_EQ(one->limit_buffers(), 6u) << "through the control page of the new host";
}

TEST_F(HostedPoolTest, StartsAnewWhenNobodyOfBeforeLives) {
  { const auto pool = open(); }
  EXPECT_TRUE(eventually([&] { return host_.pool().clients == 0; }));
  restart();
  const auto pool = host_.open("frames", std::chrono::milliseconds(0));
  EXPECT_TRUE(pool.has_value()) << "nobody to wait for";
}

TEST_F(HostedPoolTest, TheNextHostDoesNotTakeOtherMemoryForThePool) {
  const auto keeps_it_awaited = open();
  host_.stop();
  EXPECT_TRUE(eventually([&] { return !keeps_it_awaited->is_served(); }));
  const UniqueFd words(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const int both[] = {words.get(), words.get()};
  host_.start_thread();
  auto request = hosted::request_for(hosted::RequestKind::kReopen, "frames");
  request.client = 1;
  const auto answer = hosted::ask(host_.socket(), request, both);
  ASSERT_TRUE(answer.has_value());
  EXPECT_NE(answer->reply.answer, hosted::Answer::kOk);
  EXPECT_TRUE(eventually([&] { return keeps_it_awaited->is_served(); }));
}

TEST_F(HostedPoolTest, ASecondHostOfTheSameSocketIsRefused) {
  const auto second = PoolHost::start({host_.config()}, host_.socket());
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr("another host"));
}

// ---- peers that do not behave ---------------------------------------------------------------------------------------

TEST_F(HostedPoolTest, PacketsOfNobodyEndTheirConnectionAlone) {
  const auto pool = open();
  hosted::Request wrong_version;
  wrong_version.version = 99;
  const auto refused = hosted::ask(host_.socket(), wrong_version, {});
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->reply.answer, hosted::Answer::kRefused);
  hosted::Request unknown;
  unknown.kind = static_cast<hosted::RequestKind>(77);
  EXPECT_FALSE(hosted::ask(host_.socket(), unknown, {}).has_value());
  EXPECT_TRUE(pool->is_served());
  EXPECT_EQ(host_.pool().clients, 1u);
}

// ---- turn by turn ---------------------------------------------------------------------------------------------------

TEST(HostPages, AreGivenBackWhenBuffersRetire) {
  ps_page page{};
  HostPool pool({"frames", 4096, 16, 16, {}}, std::nullopt, page, Clock::now());
  ASSERT_TRUE(pool.start(Clock::now()).has_value());
  auto payload = hosted::Mapping::of(pool.memory()->payload_fd(), 16 * 4096, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(payload.has_value());
  std::memset(payload->base(), 1, payload->bytes());
  EXPECT_EQ(pool.memory()->payload_bytes(), 16u * 4096);
  ASSERT_TRUE(pool.resize(5).has_value());
  EXPECT_EQ(pool.memory()->payload_bytes(), 5u * 4096);
  ASSERT_TRUE(pool.resize(16).has_value());
  EXPECT_EQ(static_cast<const char*>(payload->base())[5 * 4096], 0);
}

TEST(HostPages, OfSmallBuffersAreGivenBackWhenAllOfAPageRetire) {
  ps_page page{};
  HostPool pool({"small", 64, 128, 128, {}}, std::nullopt, page, Clock::now());  // two pages
  ASSERT_TRUE(pool.start(Clock::now()).has_value());
  auto payload = hosted::Mapping::of(pool.memory()->payload_fd(), 2 * 4096, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(payload.has_value());
  std::memset(payload->base(), 1, payload->bytes());
  ASSERT_TRUE(pool.resize(65).has_value());
  EXPECT_EQ(pool.memory()->payload_bytes(), 2u * 4096) << "one buffer of the second page stays";
  ASSERT_TRUE(pool.resize(64).has_value());
  EXPECT_EQ(pool.memory()->payload_bytes(), 4096u);
}

TEST(HostStats, ShowThePoolOnTheStatsPage) {
  ps_page page{};
  ASSERT_EQ(ps_page_create(&page, "test"), 0);
  {
    HostPool pool({"frames", 4096, 2, 4, {}}, std::nullopt, page, Clock::now());
    ASSERT_TRUE(pool.start(Clock::now()).has_value());
    const auto opened = pool.open({::geteuid(), {::getpid(), 1}}, Clock::now());
    ASSERT_EQ(opened.answer, hosted::Answer::kOk);
    detail::HostedWords<> words(pool.memory()->words(), 4);
    const auto slot = words.take(opened.client, 0);
    (void)words.put(*slot, 2);
    for (int i = 0; i < 3; ++i) (void)words.take(opened.client, 0);  // the third finds none
    ASSERT_TRUE(pool.resize(3).has_value());
    const auto seen = poolscope::test::pool_named(page.header, "frames");
    EXPECT_STREQ(seen.slot.kind, "hosted");
    EXPECT_EQ(seen.sums.gets, 4u);
    EXPECT_EQ(seen.sums.gets_failed, 1u);
    EXPECT_EQ(seen.misses(), 1u);
    EXPECT_EQ(seen.sums.puts, 1u);
    EXPECT_EQ(seen.borrowed(), 2u);
    EXPECT_EQ(seen.idle(), 1u);
    EXPECT_EQ(seen.slot.max_borrowed_buffers, 3u);
    EXPECT_EQ(seen.slot.resizes_up, 1u);
  }
  EXPECT_EQ(poolscope::test::pool_named(page.header, "frames").slot.sequence, 0u) << "it has ended";
  ps_page_destroy(&page);
}

TEST(HostStats, GiveTheMostThatWasOutAtATimeAsABracket) {
  ps_page page{};
  ASSERT_EQ(ps_page_create(&page, "test"), 0);
  {
    HostPool pool({"frames", 4096, 8, 8, {}}, std::nullopt, page, Clock::now());
    ASSERT_TRUE(pool.start(Clock::now()).has_value());
    const auto opened = pool.open({::geteuid(), {::getpid(), 1}}, Clock::now());
    detail::HostedWords<> words(pool.memory()->words(), 8);
    std::vector<detail::HostedSlot> held;
    for (int i = 0; i < 5; ++i) held.push_back(*words.take(opened.client, 0));
    for (const auto& slot : held) (void)words.put(slot, 8);
    const auto kept = words.take(opened.client, 0);
    const auto before = ps_mark_interval(page.header, ps_now_ns());
    pool.look();
    const auto seen = poolscope::test::pool_named(page.header, "frames");
    ps_u64 high = 0;
    ASSERT_TRUE(ps_mark_high(seen.slot.borrowed_marks, before, &high) == 1 ||
                ps_mark_high(seen.slot.borrowed_marks, before + 1, &high) == 1);
    EXPECT_EQ(high, 5u) << "buffers that were out since the look before";
    EXPECT_EQ(seen.slot.cached_capacity, 4u) << "one was seen out";
    (void)kept;
  }
  ps_page_destroy(&page);
}

TEST(HostSizing, ChangesTheLimitOfAPoolWhoseGetsFail) {
  ps_page page{};
  PoolConfig config{"frames", 64, 4, 32, {}};
  config.sizing = Sizing::kOverflowBand;
  config.min_buffers = 4;
  auto now = Clock::now();
  HostPool pool(config, std::nullopt, page, now);
  ASSERT_TRUE(pool.start(now).has_value());
  const auto opened = pool.open({::geteuid(), {::getpid(), 1}}, now);
  detail::HostedWords<> words(pool.memory()->words(), 32);
  EXPECT_FALSE(pool.tick(now));
  for (int i = 0; i < 200; ++i) (void)words.take(opened.client, 0);
  EXPECT_TRUE(pool.tick(now + std::chrono::seconds(11)));
  EXPECT_EQ(pool.record().limit_buffers, 6u);
  EXPECT_THAT(hosted::test::drain(words, opened.client), testing::SizeIs(2));
}

}  // namespace
}  // namespace poolscope::host::test

// The pages of real processes: children that publish a pool.
#include "agent/sampler/page_monitor.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/estimate/carried_totals.h"
#include "agent/estimate/replay.h"
#include "poolscope/stats_writer.h"
#include "probes/process/process.h"
#include "tests/unit/process/child.h"

namespace poolscope::sampler {
namespace {

using process::test::Child;
using process::test::Signal;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// Publishes a pool with `gets` gets and tells when it has.
void publish(std::uint64_t gets, const Signal& ready) {
  ps_page page;
  ps_pool_identity identity{};
  identity.name = "frames";
  identity.known = PS_KNOWN_GETS;
  if (ps_page_create(&page, "page_monitor_test") != 0) ::_exit(1);
  ps_count(&ps_block_add(&page, ps_pool_add(&page, &identity))->gets, gets);
  ready.send();
}

model::ProcessKey key_of(const Child& child) {
  const auto status = process::read_status(child.pid());
  return status ? status->key : model::ProcessKey{};
}

class PagesOfProcesses : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for /proc/PID/map_files";
  }
  void set(std::vector<model::ProcessKey> keys) {
    pages_.set_processes(keys, now_ns_ += kSecondNs);
    pages_.read(now_ns_);
  }
  [[nodiscard]] std::vector<model::PoolSummary> pools() const {
    std::vector<model::PoolSummary> pools;
    estimate::add_published_pools(pools, pages_.total(), pages_.records());
    return pools;
  }
  [[nodiscard]] std::uint64_t gets() const {
    const auto found = pools();
    return found.size() == 1 ? found[0].counted.gets.value_or(0) : 0;
  }

  PageMonitor pages_;
  std::uint64_t now_ns_ = kSecondNs;
};

TEST_F(PagesOfProcesses, AreCountedOnceEach) {
  const Signal ready;
  const Child one([&] { publish(10, ready), process::test::pause_forever(); });
  const Child two([&] { publish(5, ready), process::test::pause_forever(); });
  ASSERT_TRUE(ready.await() && ready.await());
  set({key_of(one), key_of(two)});
  set({key_of(one), key_of(two)});
  EXPECT_EQ(gets(), 15u);
  EXPECT_EQ(pages_.collector()->state, model::CollectorState::kCollecting);
}

TEST_F(PagesOfProcesses, CountsOfAKilledProcessStay) {
  const Signal ready, more, done;
  Child child([&] {
    ps_page page;
    ps_pool_identity identity{};
    identity.name = "frames";
    identity.known = PS_KNOWN_GETS;
    if (ps_page_create(&page, "page_monitor_test") != 0) ::_exit(1);
    ps_block* counts = ps_block_add(&page, ps_pool_add(&page, &identity));
    ready.send();
    if (more.await()) ps_count(&counts->gets, 42);
    done.send();
    process::test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  set({key_of(child)});
  EXPECT_EQ(gets(), 0u);
  more.send();
  ASSERT_TRUE(done.await());
  child.kill_and_reap();
  set({});
  EXPECT_EQ(gets(), 42u) << "what it counted after the last look";
}

TEST_F(PagesOfProcesses, HaveARateFromTheFirstSnapshotOn) {
  const Signal ready;
  const Child child([&] { publish(10, ready), process::test::pause_forever(); });
  ASSERT_TRUE(ready.await());
  pages_.set_processes(std::vector{key_of(child)}, kSecondNs);
  pages_.read(5 * kSecondNs);
  ASSERT_EQ(pools().size(), 1u);
  EXPECT_EQ(pools()[0].gets_per_second, (model::Estimate{0, 0, 0})) << "none in the four seconds between";
}

TEST_F(PagesOfProcesses, WhoComesBackIsCountedOnce) {
  const Signal ready;
  const Child child([&] { publish(10, ready), process::test::pause_forever(); });
  ASSERT_TRUE(ready.await());
  set({key_of(child)});
  set({});
  set({key_of(child)});
  EXPECT_EQ(gets(), 10u);
}

TEST_F(PagesOfProcesses, AreToldAgainAsTheyWereAlsoWhenTheFirstRecordsAreForgotten) {
  const Signal ready;
  Child ends([&] { publish(10, ready), process::test::pause_forever(); });
  const Child stays([&] { publish(5, ready), process::test::pause_forever(); });
  ASSERT_TRUE(ready.await() && ready.await());
  set({key_of(ends), key_of(stays)});
  set({key_of(ends), key_of(stays)});
  const auto stays_key = key_of(stays);
  ends.kill_and_reap();
  set({stays_key});
  set({stays_key});
  for (const std::uint64_t oldest_ns : {std::uint64_t{0}, 3 * kSecondNs, now_ns_, now_ns_ + 1}) {
    pages_.forget_before(oldest_ns);
    estimate::Replay replay({});
    const model::TargetSink sink(&replay, 1);
    sink.take(estimate::carry(0, {}, pages_.forgotten()));
    pages_.retell(sink);
    replay.take(model::Moment{.at_ns = now_ns_, .time_unix_ns = 0, .agent = {}, .targets = {1}});
    EXPECT_EQ(replay.snapshot()->targets.at(0).pools, pools()) << oldest_ns;
    EXPECT_EQ(gets(), 15u);
  }
}

TEST_F(PagesOfProcesses, AnInheritedPageIsThatOfTheParent) {
  const Signal ready;
  pid_t grandchild = 0;
  const Signal forked;
  const Child child([&] {
    publish(10, ready);
    const Child inheriting([&] { forked.send(), process::test::pause_forever(); });
    process::test::pause_forever();
  });
  ASSERT_TRUE(ready.await() && forked.await());
  for (const pid_t pid : process::list_pids()) {
    const auto status = process::read_status(pid);
    if (status && status->parent_pid == child.pid()) grandchild = pid;
  }
  const auto status = process::read_status(grandchild);
  ASSERT_TRUE(status);
  set({key_of(child), status->key});
  EXPECT_EQ(gets(), 10u);
}

TEST_F(PagesOfProcesses, WithoutAPageThereIsNothingToSay) {
  const Child child([] { process::test::pause_forever(); });
  set({key_of(child)});
  EXPECT_TRUE(pools().empty());
  EXPECT_FALSE(pages_.has_data());
  EXPECT_EQ(pages_.collector(), std::nullopt);
}

}  // namespace
}  // namespace poolscope::sampler

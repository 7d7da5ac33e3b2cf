// Events of real processes.
#include "probes/collectors/process_changes.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process/monotonic_clock.h"
#include "tests/integration/start_or_skip.h"

namespace poolscope::probes {
namespace {

class ProcessChangesTest : public testing::Test {
 protected:
  void SetUp() override { start_or_skip(changes_); }
  // Whether anything changes while `work` runs.
  bool changes_by(const std::function<void()>& work) {
    const std::uint64_t before_ns = process::monotonic_ns();
    work();
    return changes_->any_since(before_ns + ProcessChanges::kSettleNs);
  }
  // Somebody else may start a process at any time: nothing has changed when that is so once.
  bool ever_changes_nothing(const std::function<void()>& work) {
    for (int i = 0; i < 50; ++i) {
      if (!changes_by(work)) return true;
    }
    return false;
  }
  std::unique_ptr<ProcessChanges> changes_;
};

TEST_F(ProcessChangesTest, SeesProcessesThatBeginEndAndChangeTheirName) {
  pid_t child = 0;
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  EXPECT_TRUE(changes_by([&] {
    child = ::fork();
    if (child != 0) return;
    char byte = 0;
    [[maybe_unused]] const ssize_t got = ::read(go[0], &byte, 1);
    ::_exit(0);
  }));
  EXPECT_TRUE(changes_by([] { ::prctl(PR_SET_NAME, "renamed"); }));
  EXPECT_TRUE(changes_by([&] {
    EXPECT_EQ(::write(go[1], "x", 1), 1);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  }));
  ::close(go[0]);
  ::close(go[1]);
}

TEST_F(ProcessChangesTest, DoesNotMindThreads) {
  EXPECT_TRUE(ever_changes_nothing([] { std::thread([] {}).join(); }));
}

TEST_F(ProcessChangesTest, CountsAChangeForAMomentMore) {
  const std::uint64_t before_ns = process::monotonic_ns();
  ::prctl(PR_SET_NAME, "again");
  EXPECT_TRUE(changes_->any_since(before_ns));
  EXPECT_TRUE(changes_->any_since(process::monotonic_ns())) << "/proc may have shown it as it was";
  EXPECT_FALSE(changes_->any_since(process::monotonic_ns() + 60 * ProcessChanges::kSettleNs));
}

}  // namespace
}  // namespace poolscope::probes

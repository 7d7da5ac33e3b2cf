#include "probes/process/task_clock.h"

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include "probes/process/process.h"
#include "tests/unit/process/child.h"

namespace poolscope::process {
namespace {

// The truth: the kernel's own sum over all threads of a process, read from outside, in nanoseconds.
std::uint64_t process_cpu_ns(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

class TaskClockOf : public testing::Test {
 protected:
  void open(pid_t pid) {
    auto opened = TaskClock::open(pid);
    if (!opened && opened.error().reason == TaskClockError::Reason::kNotPermitted)
      GTEST_SKIP() << describe(opened.error());
    ASSERT_TRUE(opened) << describe(opened.error());
    clock.emplace(std::move(*opened));
  }
  std::uint64_t read() { return clock->read_ns().value(); }

  // Lets the target use `length_ns` of CPU time and compares with the kernel's own clock, read around it. That clock may
  // leave out interrupts and time stolen from a virtual machine, so the bounds are wide, yet too narrow for a thread
  // that is counted twice or never.
  void expect_agreement(pid_t pid, std::uint64_t length_ns) {
    const std::uint64_t outer_before = process_cpu_ns(pid);
    ASSERT_TRUE(clock->enable());
    const std::uint64_t inner_before = process_cpu_ns(pid);
    ASSERT_TRUE(test::eventually([&] { return process_cpu_ns(pid) >= inner_before + length_ns; }));
    const std::uint64_t inner_after = process_cpu_ns(pid);
    const std::uint64_t counted_ns = read();
    const std::uint64_t outer_after = process_cpu_ns(pid);
    EXPECT_GE(counted_ns * 3 / 2 + kSlackNs, inner_after - inner_before);
    EXPECT_LE(counted_ns, (outer_after - outer_before) * 3 / 2 + kSlackNs);
  }
  // The two clocks are stamped at different points of a context switch.
  static constexpr std::uint64_t kSlackNs = 2'000'000;

  std::optional<TaskClock> clock;
};

TEST_F(TaskClockOf, ABusyProcessAgreesWithTheKernelsOwnClock) {
  test::Child busy(test::spin_forever);
  open(busy.pid());
  expect_agreement(busy.pid(), 100'000'000);
}

TEST_F(TaskClockOf, SystemCallsCountsTheirKernelTime) {
  test::Child busy([] {
    const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    static char buffer[1 << 20];
    while (::read(zero, buffer, sizeof(buffer)) > 0) {
    }
  });
  open(busy.pid());
  expect_agreement(busy.pid(), 100'000'000);
}

TEST_F(TaskClockOf, ARunningThreadGrowsBetweenTwoReads) {
  test::Child busy(test::spin_forever);
  open(busy.pid());
  ASSERT_TRUE(clock->enable());
  const std::uint64_t first = read();
  EXPECT_TRUE(test::eventually([&] { return read() > first; }));
}

TEST_F(TaskClockOf, CountsNothingUntilEnabledAndAfterDisable) {
  test::Child busy(test::spin_forever);
  open(busy.pid());
  const std::uint64_t before = process_cpu_ns(busy.pid());
  ASSERT_TRUE(test::eventually([&] { return process_cpu_ns(busy.pid()) > before + 5'000'000; }));
  EXPECT_EQ(read(), 0u);
  ASSERT_TRUE(clock->enable());
  ASSERT_TRUE(test::eventually([&] { return read() > 1'000'000; }));
  ASSERT_TRUE(clock->disable());
  const std::uint64_t stopped = read();
  const std::uint64_t then = process_cpu_ns(busy.pid());
  ASSERT_TRUE(test::eventually([&] { return process_cpu_ns(busy.pid()) > then + 5'000'000; }));
  EXPECT_EQ(read(), stopped);
}

TEST_F(TaskClockOf, AnIdleProcessStaysAtZero) {
  test::Signal ready;
  test::Child idle([&] {
    ready.send();
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  ASSERT_TRUE(test::eventually([&] { return read_status(idle.pid())->state == 'S'; }));
  open(idle.pid());
  ASSERT_TRUE(clock->enable());
  test::Child busy(test::spin_forever);
  ASSERT_TRUE(test::eventually([&] { return process_cpu_ns(busy.pid()) > 10'000'000; }));
  EXPECT_EQ(read(), 0u);
}

TEST_F(TaskClockOf, CountsThreadsThatStartWhileItIsOpen) {
  test::Signal start;
  test::Child child([&] {
    if (!start.await()) return;
    std::thread([] { std::thread(test::spin_forever).detach(); }).join();  // a thread of a thread that has ended
    test::pause_forever();
  });
  open(child.pid());
  start.send();
  ASSERT_TRUE(test::eventually([&] { return process_cpu_ns(child.pid()) > 20'000'000; }));
  expect_agreement(child.pid(), 100'000'000);
}

TEST_F(TaskClockOf, CountsEveryThreadOnce) {
  test::Signal ready;
  test::Child child([&] {
    std::atomic<int> running = 0;
    for (int i = 0; i < 3; ++i) {
      std::thread([&] {
        ++running;
        test::spin_forever();
      }).detach();
    }
    while (running < 3) ::sched_yield();
    ready.send();
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  open(child.pid());
  EXPECT_EQ(clock->unsettled_threads(), 0u);
  expect_agreement(child.pid(), 100'000'000);
}

TEST_F(TaskClockOf, KeepsWhatEndedThreadsHaveUsed) {
  test::Signal start, done;
  test::Child child([&] {
    if (!start.await()) return;
    std::thread([] {
      timespec used{};
      while (used.tv_nsec < 20'000'000) ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    }).join();
    done.send();
    test::pause_forever();
  });
  open(child.pid());
  ASSERT_TRUE(clock->enable());
  start.send();
  ASSERT_TRUE(done.await());
  EXPECT_GE(read() + kSlackNs, 20'000'000u);
}

TEST_F(TaskClockOf, LeavesChildProcessesOut) {
  test::Signal start;
  test::Child parent([&] {
    if (!start.await()) return;
    const test::Child busy(test::spin_forever);
    while (process_cpu_ns(busy.pid()) < 100'000'000) {
      const timespec nap{0, 1'000'000};
      ::nanosleep(&nap, nullptr);
    }
  });
  open(parent.pid());
  ASSERT_TRUE(clock->enable());
  start.send();
  parent.await_zombie();
  EXPECT_LT(read(), 100'000'000u);
}

TEST_F(TaskClockOf, AProcessThatEndsKeepsItsSum) {
  test::Signal start;
  test::Child child([&] {
    if (!start.await()) return;
    timespec used{};
    while (used.tv_nsec < 20'000'000) ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  });
  open(child.pid());
  ASSERT_TRUE(clock->enable());
  start.send();
  child.await_zombie();
  child.kill_and_reap();
  EXPECT_GT(read(), 10'000'000u);
}

TEST(TaskClockOpen, OfAProcessThatIsGoneFails) {
  test::Child child([] {});
  const pid_t pid = child.pid();
  child.kill_and_reap();
  const auto clock = TaskClock::open(pid);
  ASSERT_FALSE(clock);
  EXPECT_EQ(clock.error().reason, TaskClockError::Reason::kNoSuchProcess);
  EXPECT_NE(describe(clock.error()).find(std::to_string(pid)), std::string::npos);
}

TEST(TaskClockOpen, WithTooFewFileDescriptorsNamesTheLimit) {
  test::Signal ready;
  test::Child child([&] {
    std::atomic<int> running = 0;
    for (int i = 0; i < 8; ++i) {
      std::thread([&] {
        ++running;
        test::pause_forever();
      }).detach();
    }
    while (running < 8) ::sched_yield();
    ready.send();
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const UniqueFd next_free(::dup(STDERR_FILENO));
  const rlimit room_for_three{static_cast<rlim_t>(next_free.get()) + 4, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &room_for_three), 0);
  const auto clock = TaskClock::open(child.pid());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  ASSERT_FALSE(clock);
  if (clock.error().reason == TaskClockError::Reason::kNotPermitted) GTEST_SKIP() << describe(clock.error());
  EXPECT_EQ(clock.error().reason, TaskClockError::Reason::kTooManyFiles);
  EXPECT_NE(describe(clock.error()).find("LimitNOFILE"), std::string::npos);
}

}  // namespace
}  // namespace poolscope::process

// CPU time of real processes, read from outside, beside the kernel's own sum and their own clock.
#include "probes/collectors/cpu_clock.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <time.h>

#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"
#include "tests/integration/start_or_skip.h"
#include "tests/unit/process/child.h"

namespace poolscope::probes {
namespace {

namespace test = process::test;

std::uint64_t own_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
}

class CpuClockOf : public testing::Test {
 protected:
  void SetUp() override { start_or_skip(program_); }
  void open(pid_t pid) {
    auto opened = CpuClock::open(program_.get(), pid);
    ASSERT_TRUE(opened) << process::describe(opened.error());
    clock_.emplace(std::move(*opened));
  }
  std::uint64_t read() { return clock_->read_ns().value(); }
  static std::uint64_t kernel_ns(pid_t pid) { return process::cpu_time_ns(pid).value_or(0); }

  // The kernel's own sum is late by a tick for every thread that runs.
  void expect_agreement(pid_t pid) {
    constexpr std::uint64_t kTicksNs = 30'000'000;
    const std::uint64_t inner_before = kernel_ns(pid), before = read(), outer_before = kernel_ns(pid);
    ASSERT_TRUE(test::eventually([&] { return kernel_ns(pid) >= inner_before + 200'000'000; }));
    const std::uint64_t inner_after = kernel_ns(pid), after = read(), outer_after = kernel_ns(pid);
    EXPECT_GE(after - before + kTicksNs, inner_after - outer_before);
    EXPECT_LE(after - before, outer_after - inner_before + kTicksNs);
  }

  std::unique_ptr<CpuTimeProgram> program_;
  std::optional<CpuClock> clock_;
};

TEST_F(CpuClockOf, ABusyProcessAgreesWithTheKernelsOwnSum) {
  test::Child busy(test::spin_forever);
  open(busy.pid());
  expect_agreement(busy.pid());
}

// What a process has used since it last asked itself is as much time as has passed, but for what was stolen from it: half of the looks meet
// nothing of that.
TEST_F(CpuClockOf, AThreadThatRunsIsCountedUpToNow) {
  struct Shared {
    std::atomic<std::uint64_t> round, cpu_ns, time_ns;
  };
  auto* shared =
      static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(MAP_FAILED, static_cast<void*>(shared));
  test::Child busy([&] {
    for (;;) {
      shared->cpu_ns = own_cpu_ns();
      shared->time_ns = process::monotonic_ns();
      ++shared->round;
      for (const std::uint64_t end_ns = shared->time_ns + 20'000'000; process::monotonic_ns() < end_ns;) {
      }
    }
  });
  open(busy.pid());
  std::vector<double> off_ns;
  while (off_ns.size() < 41) {
    const std::uint64_t round = shared->round, cpu_ns = shared->cpu_ns, time_ns = shared->time_ns;
    const std::uint64_t now_ns = process::monotonic_ns(), seen_ns = read();
    if (round == 0 || round != shared->round) continue;
    off_ns.push_back(
        std::abs((static_cast<double>(seen_ns) - static_cast<double>(cpu_ns)) - static_cast<double>(now_ns - time_ns)));
    process::sleep_until_ns(now_ns + 3'000'000);  // another moment of its round
  }
  std::ranges::sort(off_ns);
  EXPECT_LT(off_ns[off_ns.size() / 2], 0.5e6);
  ::munmap(shared, sizeof(Shared));
}

TEST_F(CpuClockOf, AProcessThatWaitsHasWhatTheKernelSays) {
  test::Signal ready;
  test::Child idle([&] {
    ready.send();
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  ASSERT_TRUE(test::eventually([&] { return process::read_status(idle.pid())->state == 'S'; }));
  open(idle.pid());
  EXPECT_EQ(kernel_ns(idle.pid()), read());
}

TEST_F(CpuClockOf, CountsEveryThread) {
  test::Child child([] {
    for (int i = 0; i < 3; ++i) std::thread(test::spin_forever).detach();
    test::pause_forever();
  });
  open(child.pid());
  ASSERT_TRUE(test::eventually([&] { return kernel_ns(child.pid()) > 20'000'000; }));
  expect_agreement(child.pid());
}

TEST_F(CpuClockOf, KeepsWhatEndedThreadsHaveUsed) {
  test::Signal done;
  test::Child child([&] {
    std::thread([] {
      while (own_cpu_ns() < 20'000'000) {
      }
    }).join();
    done.send();
    test::pause_forever();
  });
  open(child.pid());
  ASSERT_TRUE(done.await());
  EXPECT_GE(read(), 20'000'000u);
}

TEST_F(CpuClockOf, LeavesChildProcessesOut) {
  test::Child parent([] {
    const test::Child busy(test::spin_forever);
    while (kernel_ns(busy.pid()) < 100'000'000) process::sleep_until_ns(process::monotonic_ns() + 1'000'000);
  });
  open(parent.pid());
  parent.await_zombie();
  EXPECT_LT(read(), 100'000'000u);
}

TEST_F(CpuClockOf, AProcessThatIsGoneHasWhatItHadAtTheLastReading) {
  test::Child busy(test::spin_forever);
  open(busy.pid());
  ASSERT_TRUE(test::eventually([&] { return read() > 10'000'000; }));
  const std::uint64_t last_ns = read();
  busy.kill_and_reap();
  EXPECT_GE(read(), last_ns);
  EXPECT_EQ(read(), read());
}

TEST_F(CpuClockOf, OfAProcessThatIsGoneFails) {
  test::Child child([] {});
  const pid_t pid = child.pid();
  child.kill_and_reap();
  const auto clock = CpuClock::open(program_.get(), pid);
  ASSERT_FALSE(clock);
  EXPECT_EQ(process::TaskClockError::Reason::kNoSuchProcess, clock.error().reason);
}

TEST(CpuClockWithoutProgram, CountsWithPerf) {
  test::Child busy(test::spin_forever);
  auto clock = CpuClock::open(nullptr, busy.pid());
  if (!clock && clock.error().reason == process::TaskClockError::Reason::kNotPermitted)
    GTEST_SKIP() << "no perf counters";
  ASSERT_TRUE(clock);
  ASSERT_TRUE(clock->enable());
  EXPECT_TRUE(test::eventually([&] { return clock->read_ns().value() > 1'000'000; }));
  ASSERT_TRUE(clock->disable());
  const std::uint64_t stopped_ns = clock->read_ns().value();
  EXPECT_EQ(stopped_ns, clock->read_ns().value());
}

}  // namespace
}  // namespace poolscope::probes

#include "probes/process/process.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/process/child.h"

namespace poolscope::process {
namespace {

using Reason = ProcessError::Reason;
using testing::HasSubstr;

// ThreadSanitizer has a thread of its own in every process.
#ifdef __SANITIZE_THREAD__
constexpr unsigned kSanitizerThreads = 1;
#else
constexpr unsigned kSanitizerThreads = 0;
#endif

std::string named(pid_t pid) {
  return "process " + std::to_string(pid);
}

TEST(ReadStatus, OfOurselvesIsWhatTheSystemCallsSay) {
  const auto status = read_status(::getpid());
  ASSERT_TRUE(status) << describe(status.error());
  EXPECT_EQ(status->key.pid, ::getpid());
  EXPECT_EQ(status->parent_pid, ::getppid());
  EXPECT_EQ(status->executable, std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_EQ(status->threads, 1 + kSanitizerThreads);
  EXPECT_EQ(status->seccomp, SeccompMode::kNone);
  ASSERT_FALSE(status->command_line.empty());
}

TEST(ReadStatus, StartTimeLiesBetweenBootAndNow) {
  const auto status = read_status(::getpid());
  ASSERT_TRUE(status);
  const auto now_ns = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto age_seconds = (now_ns - static_cast<std::int64_t>(status->start_time_unix_ns)) / 1'000'000'000;
  EXPECT_GE(age_seconds, -2) << "btime is rounded to seconds";
  EXPECT_LT(age_seconds, 3600);
}

TEST(ReadStatus, SurvivesAHostileComm) {
  test::Signal ready;
  test::Child child([&] {
    ::prctl(PR_SET_NAME, "x) Z 1 (\n");
    ready.send();
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  const auto status = read_status(child.pid());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->command, "x) Z 1 (\n");
  EXPECT_EQ(status->parent_pid, ::getpid());
  EXPECT_TRUE(is_alive(status->key));
}

TEST(ReadStatus, ReportsStrictSeccomp) {
  test::Signal ready;
  test::Child child([&] {
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    ready.send();
    for (;;) {
    }
  });
  ASSERT_TRUE(ready.await());
  EXPECT_EQ(read_status(child.pid())->seccomp, SeccompMode::kStrict);
}

TEST(CheckObservable, AcceptsThisProgram) {
  EXPECT_TRUE(check_observable(::getpid()));
}

TEST(CheckObservable, RefusesAProcessThatIsGone) {
  test::Child child([] {});
  const pid_t pid = child.pid();
  child.kill_and_reap();
  const auto status = check_observable(pid);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, Reason::kNoSuchProcess);
  EXPECT_THAT(describe(status.error()), HasSubstr(named(pid) + ": no such process (ESRCH): "));
}

TEST(CheckObservable, RefusesAZombieAndNamesItsParent) {
  test::Child child([] {});
  child.await_zombie();
  const auto status = check_observable(child.pid());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, Reason::kZombie);
  EXPECT_THAT(describe(status.error()), HasSubstr("its parent " + std::to_string(::getpid())));
}

TEST(CheckObservable, RefusesAKernelThread) {
  const auto pids = list_pids();
  const auto thread = std::find_if(pids.begin(), pids.end(), [](pid_t pid) {
    const auto status = read_status(pid);
    return status && status->command == "kthreadd";
  });
  if (thread == pids.end()) GTEST_SKIP() << "no kernel thread is visible in this pid namespace";
  const auto status = check_observable(*thread);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, Reason::kKernelThread);
  EXPECT_THAT(describe(status.error()), HasSubstr("kthreadd"));
}

TEST(CheckObservable, RefusesAProgramWhoseMainThreadHasEnded) {
  test::Child child([] {
    std::thread([] { test::pause_forever(); }).detach();
    ::syscall(SYS_exit, 0);  // of this thread only; pthread_exit() would unwind into the test
  });
  ASSERT_TRUE(test::eventually([&] { return read_status(child.pid())->state == 'Z'; }));
  const auto status = check_observable(child.pid());
  ASSERT_FALSE(status);
  EXPECT_THAT(describe(status.error()), HasSubstr("main thread has ended"));
  EXPECT_TRUE(is_alive(read_status(child.pid())->key)) << "its other thread runs on";
}

TEST(CheckObservable, RefusesA32BitProgram) {
  const std::string path = testing::TempDir() + "program_of_32_bits_" + std::to_string(::getpid());
  test::write_program_of_32_bits(path);
  test::Signal failed;
  test::Child child([&] {
    ::execl(path.c_str(), path.c_str(), nullptr);
    failed.send();
    ::_exit(1);
  });
  const auto runs_it = [&] {
    const auto status = read_status(child.pid());
    return status && (status->executable == path || status->state == 'Z');
  };
  ASSERT_TRUE(test::eventually(runs_it));
  std::filesystem::remove(path);
  if (read_status(child.pid())->state == 'Z') GTEST_SKIP() << "this kernel runs no 32-bit programs";
  const auto status = check_observable(child.pid());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, Reason::kForeignArchitecture);
  EXPECT_THAT(describe(status.error()), HasSubstr("64-bit x86"));
}

TEST(CheckObservable, SaysWhichCapabilityIsMissing) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to have a process of another user";
  // A process of uid 65534 looks at this one, which runs as root.
  test::Signal denied;
  const pid_t observed = ::getpid();
  test::Child observer([&] {
    if (::syscall(SYS_setresuid, 65534, 65534, 65534) != 0) return;
    const auto status = check_observable(observed);
    if (status) return;
    const std::string text = describe(status.error());
    if (status.error().reason == Reason::kNotPermitted && text.find("CAP_SYS_PTRACE") != std::string::npos)
      denied.send();
  });
  observer.await_zombie();
  // The answer is in the pipe by now, or never will be.
  denied.send();
  ASSERT_TRUE(denied.await());
  EXPECT_TRUE(denied.await()) << "the observer got no kNotPermitted that names CAP_SYS_PTRACE";
}

TEST(IsAlive, IsFalseForAnotherStartTime) {
  ProcessKey key = read_status(::getpid())->key;
  EXPECT_TRUE(is_alive(key));
  ++key.start_time_ticks;
  EXPECT_FALSE(is_alive(key)) << "the pid was reused";
}

TEST(IsAlive, IsFalseForAZombie) {
  test::Child child([] {});
  const ProcessKey key = read_status(child.pid())->key;
  child.await_zombie();
  EXPECT_FALSE(is_alive(key));
}

TEST(ListPids, IsAscendingAndHasUs) {
  const auto pids = list_pids();
  EXPECT_TRUE(std::is_sorted(pids.begin(), pids.end()));
  EXPECT_TRUE(std::binary_search(pids.begin(), pids.end(), ::getpid()));
}

TEST(ListThreads, HasEveryThreadAndNothingOfTheDead) {
  test::Signal ready;
  test::Child child([&] {
    std::thread other([&] {
      ready.send();
      test::pause_forever();
    });
    test::pause_forever();
  });
  ASSERT_TRUE(ready.await());
  EXPECT_EQ(list_threads(child.pid()).size(), 2 + kSanitizerThreads);
  const pid_t pid = child.pid();
  child.kill_and_reap();
  EXPECT_TRUE(list_threads(pid).empty());
}

TEST(CpuTime, GrowsWithWorkAndIsAbsentForTheDead) {
  test::Child busy([] {
    for (;;) {
    }
  });
  const pid_t pid = busy.pid();
  EXPECT_TRUE(test::eventually([&] { return cpu_time_ns(pid) > 50'000'000u; }));
  busy.kill_and_reap();
  EXPECT_EQ(cpu_time_ns(pid), std::nullopt);
}

TEST(CpuTime, IsFinerThanTheTicksOfProc) {
  test::Child idle([] { test::pause_forever(); });
  ASSERT_TRUE(test::eventually([&] { return cpu_time_ns(idle.pid()).value() > 0; }));
  EXPECT_LT(cpu_time_ns(idle.pid()).value(), 10'000'000u);
}

TEST(AddressSpace, GrowsWithAMappingAndIsAbsentForTheDead) {
  const auto before = address_space(::getpid());
  ASSERT_TRUE(before);
  constexpr std::size_t kBytes = 64 << 20;
  void* const mapping = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(mapping, MAP_FAILED);
  const auto after = address_space(::getpid());
  ASSERT_TRUE(after);
  EXPECT_GE(after->bytes, before->bytes + kBytes);
  EXPECT_EQ(after->start_code, before->start_code);
  EXPECT_EQ(after->start_stack, before->start_stack);
  munmap(mapping, kBytes);
  test::Child gone([] {});
  gone.kill_and_reap();
  EXPECT_EQ(address_space(gone.pid()), std::nullopt);
}

struct ReasonCase {
  Reason reason;
  const char* label;
};
class ReasonLabel : public testing::TestWithParam<ReasonCase> {};
TEST_P(ReasonLabel, IsSnakeCase) {
  EXPECT_EQ(reason_label(GetParam().reason), GetParam().label);
}
INSTANTIATE_TEST_SUITE_P(Table, ReasonLabel,
                         testing::Values(ReasonCase{Reason::kNoSuchProcess, "no_such_process"},
                                         ReasonCase{Reason::kKernelThread, "kernel_thread"},
                                         ReasonCase{Reason::kZombie, "zombie"},
                                         ReasonCase{Reason::kForeignArchitecture, "foreign_architecture"},
                                         ReasonCase{Reason::kNotPermitted, "not_permitted"},
                                         ReasonCase{Reason::kSystem, "system_error"}),
                         [](const auto& info) { return std::string(info.param.label); });

}  // namespace
}  // namespace poolscope::process

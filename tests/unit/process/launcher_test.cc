#include "probes/process/launcher.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "probes/process/maps.h"
#include "probes/process/proc_file.h"
#include "probes/process/proc_text.h"
#include "tests/unit/process/child.h"

namespace poolscope::process {
namespace {

using Kind = FollowEvent::Kind;
using Mode = Launcher::Mode;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kLong = std::chrono::minutes(1);

std::unique_ptr<Launcher> start(const std::vector<std::string>& argv, Mode mode) {
  auto launcher = Launcher::start(argv, mode);
  if (!launcher) {
    ADD_FAILURE() << describe(launcher.error());
    ::abort();
  }
  return std::move(*launcher);
}
std::unique_ptr<Launcher> start_target(const std::string& what, Mode mode) {
  return start({FOLLOW_TARGET, what}, mode);
}

// Follows to the very end and lets everything go on at once.
std::vector<FollowEvent> follow_to_the_end(Launcher& launcher) {
  std::vector<FollowEvent> events;
  for (;;) {
    const FollowEvent event = launcher.next_event(kLong);
    if (event.kind == Kind::kAllExited) return events;
    if (event.kind == Kind::kTimeout) {
      ADD_FAILURE() << "the program hangs after " << events.size() << " events";
      return events;
    }
    events.push_back(event);
    launcher.resume(event.pid);
  }
}

long count(const std::vector<FollowEvent>& events, Kind kind) {
  return std::count_if(events.begin(), events.end(), [kind](const FollowEvent& event) { return event.kind == kind; });
}

// A program fed through its standard input and read through its standard output.
class Conversation {
 public:
  Conversation() {
    if (::pipe2(input_, O_CLOEXEC) != 0 || ::pipe2(output_, O_CLOEXEC) != 0) ::abort();
    saved_input_ = UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    saved_output_ = UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    ::dup2(input_[0], STDIN_FILENO);
    ::dup2(output_[1], STDOUT_FILENO);
    ::close(input_[0]);
    ::close(output_[1]);
  }
  // After the start: gives this process its own streams back.
  void started() {
    ::dup2(saved_input_.get(), STDIN_FILENO);
    ::dup2(saved_output_.get(), STDOUT_FILENO);
  }
  ~Conversation() {
    end_input();
    ::close(output_[0]);
  }
  void say(char byte) const { ASSERT_EQ(::write(input_[1], &byte, 1), 1); }
  void end_input() {
    if (input_[1] >= 0) ::close(std::exchange(input_[1], -1));
  }
  // Up to the end of the stream: when the last process that has it is gone.
  [[nodiscard]] std::string read_all() const {
    std::string text;
    char byte = 0;
    while (::read(output_[0], &byte, 1) == 1) text += byte;
    return text;
  }
  [[nodiscard]] char read_one() const {
    char byte = 0;
    return ::read(output_[0], &byte, 1) == 1 ? byte : '\0';
  }

 private:
  int input_[2], output_[2];
  UniqueFd saved_input_, saved_output_;
};

struct ProgramCase {
  const char* what;
  int exit_code;
};
class Program : public testing::TestWithParam<ProgramCase> {};

TEST_P(Program, BehavesTheSameWhenStartedPlainly) {
  EXPECT_EQ(start_target(GetParam().what, Mode::kPlain)->wait(), GetParam().exit_code);
}

TEST_P(Program, BehavesTheSameWhenFollowed) {
  const auto launcher = start_target(GetParam().what, Mode::kFollow);
  const auto events = follow_to_the_end(*launcher);
  EXPECT_EQ(launcher->exit_code(), GetParam().exit_code);
  EXPECT_EQ(count(events, Kind::kExited), count(events, Kind::kForked) + 1) << "each process ends once";
}

INSTANTIATE_TEST_SUITE_P(Table, Program,
                         testing::Values(ProgramCase{"seven", 7}, ProgramCase{"fork", 10}, ProgramCase{"spawn", 11},
                                         ProgramCase{"vfork", 12}, ProgramCase{"vfork_fails", 13},
                                         ProgramCase{"signals", 14}, ProgramCase{"die", 128 + SIGTERM},
                                         ProgramCase{"trap", 128 + SIGTRAP}, ProgramCase{"kill", 128 + SIGKILL},
                                         ProgramCase{"thread_fork", 15}, ProgramCase{"exec", 7},
                                         ProgramCase{"thread_exec", 7}, ProgramCase{"thread_exit", 16},
                                         ProgramCase{"stop", 17}, ProgramCase{"orphan", 18}),
                         [](const auto& info) { return std::string(info.param.what); });

class StartSignals : public testing::TestWithParam<Mode> {};
TEST_P(StartSignals, AreThoseOfOurOwnStart) {
  sigset_t usr2, old_mask;
  ::sigemptyset(&usr2);
  ::sigaddset(&usr2, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &usr2, &old_mask);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto launcher = start_target("signal_setup", GetParam());
  if (GetParam() == Mode::kPlain) {
    EXPECT_EQ(launcher->wait(), 19);
  } else {
    follow_to_the_end(*launcher);
    EXPECT_EQ(launcher->exit_code(), 19);
  }
  ::signal(SIGPIPE, old_handler);
  ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
}

class StartFailure : public testing::TestWithParam<Mode> {
 protected:
  LaunchError start_and_fail(const std::vector<std::string>& argv) {
    auto launcher = Launcher::start(argv, GetParam());
    EXPECT_FALSE(launcher);
    if (launcher) ::abort();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left behind";
    return launcher.error();
  }
};

TEST_P(StartFailure, OfAMissingCommandIs127) {
  const LaunchError error = start_and_fail({"no-such-command-anywhere"});
  EXPECT_EQ(exit_code(error), 127);
  EXPECT_THAT(describe(error), HasSubstr("`no-such-command-anywhere`: it is in no directory of PATH"));
}

TEST_P(StartFailure, OfACommandBehindAnUnusableDirectoryOfPathIs127) {
  const std::string old_path = ::getenv("PATH");
  ::setenv("PATH", "/etc/passwd:/nonexistent", 1);
  const LaunchError error = start_and_fail({"no-such-command-anywhere"});
  ::setenv("PATH", old_path.c_str(), 1);
  EXPECT_EQ(exit_code(error), 127);
}

TEST_P(StartFailure, OfAMissingFileIs127) {
  EXPECT_EQ(exit_code(start_and_fail({"/nonexistent/program"})), 127);
}

TEST_P(StartFailure, OfAFileThatIsNotExecutableIs126) {
  const LaunchError error = start_and_fail({"/etc/passwd"});
  EXPECT_EQ(exit_code(error), 126);
  EXPECT_THAT(describe(error), HasSubstr("Permission denied"));
}

TEST_P(StartFailure, OfADirectoryIs126) {
  EXPECT_EQ(exit_code(start_and_fail({"/etc"})), 126);
}

TEST_P(StartFailure, OfNoCommandIs127) {
  EXPECT_EQ(exit_code(start_and_fail({})), 127);
  EXPECT_EQ(exit_code(start_and_fail({""})), 127);
}

std::string mode_name(const testing::TestParamInfo<Mode>& info) {
  return info.param == Mode::kPlain ? "Plain" : "Follow";
}
INSTANTIATE_TEST_SUITE_P(Modes, StartSignals, testing::Values(Mode::kPlain, Mode::kFollow), mode_name);
INSTANTIATE_TEST_SUITE_P(Modes, StartFailure, testing::Values(Mode::kPlain, Mode::kFollow), mode_name);

TEST(LauncherPlain, FindsTheCommandInPath) {
  EXPECT_EQ(start({"sh", "-c", "exit 5"}, Mode::kPlain)->wait(), 5);
}

TEST(LauncherPlain, WaitForGivesNothingWhileTheProgramRuns) {
  Conversation talk;
  const auto launcher = start_target("until_input_ends", Mode::kPlain);
  talk.started();
  EXPECT_EQ(launcher->wait_for(milliseconds(0)), std::nullopt);
  talk.end_input();
  EXPECT_EQ(launcher->wait_for(kLong), 20);
  EXPECT_EQ(launcher->wait(), 20) << "and again";
}

TEST(LauncherPlain, ForwardsSignals) {
  Conversation talk;
  const auto launcher = start_target("until_input_ends", Mode::kPlain);
  talk.started();
  launcher->forward(SIGTERM);
  EXPECT_EQ(launcher->wait(), 128 + SIGTERM);
  launcher->forward(SIGTERM);  // to nobody
}

TEST(LauncherPlain, GivesTheExitCodeWhereChildrenAreIgnored) {
  const auto old_handler = ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(start_target("seven", Mode::kPlain)->wait(), 7);
  ::signal(SIGCHLD, old_handler);
}

std::uint64_t entry_of(pid_t pid) {
  return find_auxv(read_proc_file(proc_path(pid, "auxv"), 4096).value(), AT_ENTRY).value();
}

TEST(LauncherFollow, StopsAtTheEntryWithEverythingMappedAndNoInt3) {
  const auto launcher = start_target("seven", Mode::kFollow);
  const FollowEvent event = launcher->next_event(kLong);
  ASSERT_EQ(event.kind, Kind::kReadyAfterExec);
  EXPECT_EQ(event.pid, launcher->pid());
  EXPECT_TRUE(event.at_entry);

  const std::uint64_t entry = entry_of(event.pid);
  std::ifstream memory(proc_path(event.pid, "mem"), std::ios::binary);
  memory.seekg(static_cast<std::streamoff>(entry));
  EXPECT_NE(memory.get(), 0xcc);
  std::ostringstream program_counter;
  program_counter << "0x" << std::hex << entry << "\n";
  EXPECT_THAT(read_proc_file(proc_path(event.pid, "syscall"), 4096).value(), testing::EndsWith(program_counter.str()));
  const auto objects = executable_objects(read_maps(event.pid).value());
  EXPECT_TRUE(std::any_of(objects.begin(), objects.end(),
                          [](const MappedObject& object) { return object.path.find("libc.so") != std::string::npos; }));

  EXPECT_EQ(launcher->next_event(milliseconds(0)).kind, Kind::kTimeout) << "it waits for resume()";
  launcher->resume(event.pid);
  EXPECT_EQ(launcher->next_event(kLong).kind, Kind::kExited);
  EXPECT_EQ(launcher->next_event(kLong).kind, Kind::kAllExited);
}

TEST(LauncherFollow, HoldsAForkedChildWithItsOwnMemory) {
  const auto launcher = start_target("fork", Mode::kFollow);
  launcher->resume(launcher->next_event(kLong).pid);
  const FollowEvent event = launcher->next_event(kLong);
  ASSERT_EQ(event.kind, Kind::kForked);
  EXPECT_EQ(event.parent_pid, launcher->pid());
  EXPECT_FALSE(event.shares_memory);
  EXPECT_EQ(launcher->next_event(milliseconds(0)).kind, Kind::kTimeout)
      << "the parent waits for the child, which is held";
  EXPECT_LT(cpu_time_ns(event.pid).value(), 10'000'000u);
  launcher->resume(event.pid);
  follow_to_the_end(*launcher);
  EXPECT_EQ(launcher->exit_code(), 10);
}

class SharedMemoryChild : public testing::TestWithParam<const char*> {};
TEST_P(SharedMemoryChild, IsReportedAsSuchAndThenAsNewProgram) {
  const auto launcher = start_target(GetParam(), Mode::kFollow);
  const auto events = follow_to_the_end(*launcher);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[1].kind, Kind::kForked);
  EXPECT_TRUE(events[1].shares_memory);
  EXPECT_EQ(events[2].kind, Kind::kReadyAfterExec);
  EXPECT_EQ(events[2].pid, events[1].pid);
  EXPECT_EQ(events[3].kind, Kind::kExited);
  EXPECT_EQ(events[3].exit_code, 7);
}
INSTANTIATE_TEST_SUITE_P(Ways, SharedMemoryChild, testing::Values("spawn", "vfork"),
                         [](const auto& info) { return std::string(info.param); });

class ExecOfItself : public testing::TestWithParam<const char*> {};
TEST_P(ExecOfItself, GivesASecondReadyWithTheSamePid) {
  const auto launcher = start_target(GetParam(), Mode::kFollow);
  const auto events = follow_to_the_end(*launcher);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].kind, Kind::kReadyAfterExec);
  EXPECT_EQ(events[1].pid, launcher->pid());
}
INSTANTIATE_TEST_SUITE_P(Ways, ExecOfItself, testing::Values("exec", "thread_exec"),
                         [](const auto& info) { return std::string(info.param); });

TEST(LauncherFollow, FollowsAnOrphanToItsEndAlsoWhenItStartsLate) {
  // The launcher's thread must have no children, so the busy ones hang on a thread of their own.
  test::Signal is_busy, done;
  std::thread load([&] {
    const test::Child first(test::spin_forever), second(test::spin_forever), third(test::spin_forever);
    is_busy.send();
    EXPECT_TRUE(done.await());
  });
  EXPECT_TRUE(is_busy.await());
  for (int i = 0; i < 10; ++i) {
    const auto launcher = start_target("orphan", Mode::kFollow);
    const auto events = follow_to_the_end(*launcher);
    EXPECT_TRUE(
        std::any_of(events.begin(), events.end(), [](const FollowEvent& event) { return event.exit_code == 6; }))
        << "round " << i;
  }
  done.send();
  load.join();
}

TEST(LauncherFollow, FollowsThroughAScriptAndAPipeline) {
  const auto launcher = start({"sh", "-c", "echo a | cat | (cat; exit 4) > /dev/null; exit $?"}, Mode::kFollow);
  follow_to_the_end(*launcher);
  EXPECT_EQ(launcher->exit_code(), 4);
}

TEST(LauncherFollow, SurvivesAForkInAConstructorBeforeTheEntry) {
  ASSERT_EQ(::setenv("LD_PRELOAD", FORKING_LIBRARY, 1), 0);
  const auto launcher = start_target("seven", Mode::kFollow);
  ::unsetenv("LD_PRELOAD");
  const auto events = follow_to_the_end(*launcher);
  EXPECT_EQ(launcher->exit_code(), 7);
  ASSERT_GE(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::kForked) << "the constructor comes before the entry";
  EXPECT_EQ(count(events, Kind::kReadyAfterExec), 1);
}

TEST(LauncherFollow, ReportsA32BitProgramAtOnce) {
  const std::string path = testing::TempDir() + "launcher_32_bits_" + std::to_string(::getpid());
  test::write_program_of_32_bits(path);
  auto launcher = Launcher::start({path}, Mode::kFollow);
  std::filesystem::remove(path);
  if (!launcher) GTEST_SKIP() << "this kernel runs no 32-bit programs: " << describe(launcher.error());
  const FollowEvent event = (*launcher)->next_event(kLong);
  EXPECT_EQ(event.kind, Kind::kReadyAfterExec);
  EXPECT_FALSE(event.at_entry);
  (*launcher)->resume(event.pid);
  (*launcher)->forward(SIGKILL);
  follow_to_the_end(**launcher);
  EXPECT_EQ((*launcher)->exit_code(), 128 + SIGKILL);
}

TEST(LauncherFollow, AHeldProcessCanBeKilled) {
  const auto launcher = start_target("seven", Mode::kFollow);
  const FollowEvent ready = launcher->next_event(kLong);
  launcher->forward(SIGKILL);
  EXPECT_EQ(launcher->next_event(kLong).exit_code, 128 + SIGKILL);
  launcher->resume(ready.pid);  // to nobody
}

TEST(LauncherFollow, OnlyOneAtATime) {
  auto first = start_target("seven", Mode::kFollow);
  const auto second = Launcher::start({FOLLOW_TARGET, "seven"}, Mode::kFollow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, LaunchError::Reason::kBusy);
  follow_to_the_end(*first);
  first.reset();
  follow_to_the_end(*start_target("seven", Mode::kFollow));
}

int collect(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WEXITSTATUS(status);
}

std::string tracer_line(pid_t pid) {
  const std::string status = read_proc_file(proc_path(pid, "status"), 16384).value();
  const std::size_t at = status.find("TracerPid:");
  return status.substr(at, status.find('\n', at) - at);
}

TEST(LauncherFollow, LetsARunningProgramWithThreadsGo) {
  Conversation talk;
  auto launcher = start_target("until_input_ends", Mode::kFollow);
  talk.started();
  launcher->resume(launcher->next_event(kLong).pid);
  talk.say('a');
  while (launcher->next_event(milliseconds(1)).kind != Kind::kTimeout || list_threads(launcher->pid()).size() < 2) {
  }
  const pid_t pid = launcher->pid();
  launcher.reset();
  EXPECT_EQ(tracer_line(pid), "TracerPid:\t0");
  talk.end_input();
  EXPECT_EQ(talk.read_all(), "aend");
  EXPECT_EQ(collect(pid), 20);
}

// The int3 may be in memory at that moment, or its trap on the way.
TEST(LauncherFollow, LetsAProgramGoBeforeItsEntry) {
  for (int i = 0; i < 40; ++i) {
    Conversation talk;
    auto launcher = start_target("until_input_ends", Mode::kFollow);
    talk.started();
    for (int n = 0; n < i; ++n) ::sched_yield();
    const pid_t pid = launcher->pid();
    launcher.reset();
    talk.end_input();
    ASSERT_EQ(talk.read_all(), "end") << "round " << i;
    ASSERT_EQ(collect(pid), 20);
  }
}

TEST(LauncherFollow, AStoppedProgramStaysStoppedWhenLetGo) {
  Conversation talk;
  auto launcher = start_target("stop_then_read", Mode::kFollow);
  talk.started();
  const pid_t pid = launcher->pid();
  launcher->resume(launcher->next_event(kLong).pid);
  // The group stop is complete when the real parent, which we are, is told.
  while (launcher->next_event(milliseconds(1)).kind != Kind::kTimeout || read_status(pid)->state != 't') {
  }
  launcher.reset();
  EXPECT_TRUE(test::eventually([&] { return read_status(pid)->state == 'T'; }));
  ::kill(pid, SIGCONT);
  talk.end_input();
  EXPECT_EQ(collect(pid), 20);
}

class KilledFollower : public testing::TestWithParam<bool> {};
TEST_P(KilledFollower, LeavesTheProgramRunning) {
  const bool resumes = GetParam();
  Conversation talk;
  test::Signal is_ready;
  test::Child follower([&] {
    const auto launcher = start_target("until_input_ends", Mode::kFollow);
    const FollowEvent ready = launcher->next_event(kLong);
    if (resumes) launcher->resume(ready.pid);
    is_ready.send();
    for (;;) (void)launcher->next_event(kLong);
  });
  talk.started();
  ASSERT_TRUE(is_ready.await());
  talk.say('a');
  if (resumes) {
    EXPECT_EQ(talk.read_one(), 'a');
  }
  follower.kill_and_reap();
  talk.end_input();
  EXPECT_EQ(talk.read_all(), resumes ? "end" : "aend");
}
INSTANTIATE_TEST_SUITE_P(When, KilledFollower, testing::Bool(),
                         [](const auto& info) { return info.param ? "WhileItRuns" : "WhileItIsHeld"; });

TEST(LauncherFollowDeathTest, AnotherThreadIsRefused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const auto launcher = start_target("seven", Mode::kFollow);
        std::thread([&] { (void)launcher->next_event(kLong); }).join();
      },
      "");
}

}  // namespace
}  // namespace poolscope::process

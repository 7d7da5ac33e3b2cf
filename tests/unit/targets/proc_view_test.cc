#include "agent/targets/proc_view.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/unit/process/child.h"

namespace poolscope::targets {
namespace {

using process::test::Child;
using process::test::eventually;

std::optional<ProcessEntry> entry_of(const ProcView& view, pid_t pid) {
  for (ProcessEntry& entry : view.list()) {
    if (entry.key.pid == pid) return std::move(entry);
  }
  return std::nullopt;
}

TEST(RealProcView, ListsThisProcess) {
  const auto view = make_proc_view();
  EXPECT_EQ(view->own_pid(), ::getpid());
  const auto entry = entry_of(*view, ::getpid());
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->parent_pid, ::getppid());
  EXPECT_FALSE(entry->is_zombie);
  EXPECT_FALSE(entry->is_kernel_thread);
  EXPECT_EQ(view->details(::getpid()).executable, std::filesystem::read_symlink("/proc/self/exe"));
}

TEST(RealProcView, SeesAnExecEvenOfTheSameProgramWithTheSameName) {
  const auto view = make_proc_view();
  // Two shells, one after the other in one process; both wait for a line on their input.
  int input[2];
  ASSERT_EQ(::pipe(input), 0);
  Child child([&] {
    ::dup2(input[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", "read a; exec /bin/sh -c 'read b; exit 0'", nullptr);
  });
  const auto runs_a_shell = [&] { return entry_of(*view, child.pid())->command == "sh"; };
  ASSERT_TRUE(eventually(runs_a_shell));
  const ProcessEntry first = *entry_of(*view, child.pid());
  EXPECT_EQ(entry_of(*view, child.pid())->image, first.image);
  ASSERT_EQ(::write(input[1], "a\n", 2), 2);
  EXPECT_TRUE(eventually([&] { return entry_of(*view, child.pid())->image != first.image; }));
  EXPECT_EQ(entry_of(*view, child.pid())->key, first.key);
  ::close(input[0]);
  ::close(input[1]);
}

TEST(RealProcView, JoinsTheArgumentsByBlanks) {
  const auto view = make_proc_view();
  Child child([] { ::execl("/bin/sleep", "sleep", "1000", "2000", nullptr); });
  EXPECT_TRUE(eventually([&] { return view->details(child.pid()).command_line == "sleep 1000 2000"; }));
}

TEST(RealProcView, MarksAZombie) {
  const auto view = make_proc_view();
  Child child([] {});
  child.await_zombie();
  EXPECT_TRUE(entry_of(*view, child.pid())->is_zombie);
}

TEST(RealProcView, KnowsNothingOfAProcessThatIsGone) {
  const auto view = make_proc_view();
  Child child([] {});
  const pid_t pid = child.pid();
  child.kill_and_reap();
  EXPECT_FALSE(entry_of(*view, pid));
  EXPECT_EQ(view->details(pid).executable, "");
  EXPECT_FALSE(view->details(pid).is_denied);
}

}  // namespace
}  // namespace poolscope::targets

#include "agent/targets/target_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::targets {
namespace {

using config::TargetConfig;
using model::ProcessKey;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Reason = TargetProblem::Reason;

constexpr pid_t kOwnPid = 1000;

struct Process {
  ProcessEntry entry;
  ProcessDetails details;
};

// The machine as the test wants it.
class FakeMachine {
 public:
  Process& add(pid_t pid, const std::string& executable, pid_t parent = 1, std::uint64_t start_time = 50) {
    Process& process = processes_[pid];
    process.entry = {.key = {pid, start_time}, .parent_pid = parent, .command = base_name(executable), .image = 1};
    process.details = {executable, false, executable};
    return process;
  }
  Process& at(pid_t pid) { return processes_.at(pid); }
  void remove(pid_t pid) { processes_.erase(pid); }
  void exec(pid_t pid, const std::string& executable) {
    Process& process = at(pid);
    ++process.entry.image;
    process.entry.command = base_name(executable);
    process.details = {executable, false, executable};
  }
  [[nodiscard]] std::vector<ProcessEntry> list() const {
    std::vector<ProcessEntry> entries;
    for (const auto& [pid, process] : processes_) entries.push_back(process.entry);
    return entries;
  }
  [[nodiscard]] ProcessDetails details(pid_t pid) {
    ++looks_;
    return at(pid).details;
  }
  [[nodiscard]] int looks() const { return looks_; }

 private:
  std::map<pid_t, Process> processes_;
  int looks_ = 0;
};

class FakeView final : public ProcView {
 public:
  explicit FakeView(FakeMachine& machine) : machine_(machine) {}
  pid_t own_pid() const override { return kOwnPid; }
  std::vector<ProcessEntry> list() const override { return machine_.list(); }
  ProcessDetails details(pid_t pid) const override { return machine_.details(pid); }

 private:
  FakeMachine& machine_;
};

TargetConfig by(const config::Matcher& matcher, const std::string& name = "") {
  TargetConfig config;
  config.name = name;
  config.match = matcher;
  return config;
}
TargetConfig by_exe(const std::string& glob, const std::string& name = "") {
  return by({0, "", glob, ""}, name);
}
TargetConfig by_name(const std::string& process_name) {
  return by({0, process_name, "", ""});
}
TargetConfig by_pid(pid_t pid) {
  return by({pid, "", "", ""});
}

class Targets : public testing::Test {
 protected:
  TargetSet set_of(std::vector<TargetConfig> targets) {
    auto set = TargetSet::create(std::move(targets), std::make_unique<FakeView>(machine));
    EXPECT_TRUE(set) << describe(set.error());
    return std::move(*set);
  }
  static std::vector<pid_t> pids(const TargetState& state) {
    std::vector<pid_t> pids;
    for (const TargetProcess& process : state.processes) pids.push_back(process.key.pid);
    return pids;
  }
  static std::vector<pid_t> pids(const std::vector<ProcessKey>& keys) {
    std::vector<pid_t> pids;
    pids.reserve(keys.size());
    for (const ProcessKey& key : keys) pids.push_back(key.pid);
    return pids;
  }
  FakeMachine machine;
};

TEST_F(Targets, ReportWhoJoinedStayedAndLeft) {
  TargetSet set = set_of({by_exe("redis-server")});
  machine.add(10, "/usr/bin/redis-server");
  auto state = set.update().at(0);
  EXPECT_THAT(pids(state), ElementsAre(10));
  EXPECT_THAT(pids(state.joined), ElementsAre(10));

  machine.add(11, "/usr/bin/redis-server");
  state = set.update().at(0);
  EXPECT_THAT(pids(state), ElementsAre(10, 11));
  EXPECT_THAT(pids(state.joined), ElementsAre(11));
  EXPECT_THAT(state.left, IsEmpty());

  machine.remove(10);
  state = set.update().at(0);
  EXPECT_THAT(pids(state), ElementsAre(11));
  EXPECT_THAT(pids(state.left), ElementsAre(10));
  EXPECT_THAT(state.joined, IsEmpty());
}

TEST_F(Targets, LookAtAProcessOnceUntilItChanges) {
  TargetSet set = set_of({by_exe("redis-server")});
  machine.add(10, "/usr/bin/redis-server");
  machine.add(11, "/bin/sh");
  (void)set.update();
  (void)set.update();
  EXPECT_EQ(machine.looks(), 2);
  machine.exec(11, "/usr/bin/redis-server");
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(10, 11));
  EXPECT_EQ(machine.looks(), 3);
}

TEST_F(Targets, NeverHaveThisProcessKernelThreadsOrZombies) {
  TargetSet set = set_of({by_exe("*", "all"), by_name("kworker")});
  machine.add(kOwnPid, "/usr/bin/poolscope");
  machine.add(11, "/bin/dead").entry.is_zombie = true;
  machine.add(12, "kworker").entry.is_kernel_thread = true;
  const auto states = set.update();
  EXPECT_THAT(pids(states[0]), IsEmpty());
  EXPECT_THAT(pids(states[1]), IsEmpty());
}

TEST_F(Targets, LoseAProcessThatBecomesAZombie) {
  TargetSet set = set_of({by_exe("a")});
  machine.add(10, "/bin/a");
  (void)set.update();
  machine.at(10).entry.is_zombie = true;
  EXPECT_THAT(pids(set.update().at(0).left), ElementsAre(10));
}

TEST_F(Targets, AProcessBelongsToTheFirstThatMatches) {
  TargetSet set = set_of({by_exe("b*"), by_exe("*")});
  machine.add(10, "/bin/a");
  machine.add(11, "/bin/b");
  const auto states = set.update();
  EXPECT_THAT(pids(states[0]), ElementsAre(11));
  EXPECT_THAT(pids(states[1]), ElementsAre(10));
}

TEST_F(Targets, AReusedPidIsAnotherProcess) {
  TargetSet set = set_of({by_exe("a")});
  machine.add(10, "/bin/a", 1, 50);
  (void)set.update();
  machine.add(10, "/bin/a", 1, 60);
  const auto state = set.update().at(0);
  ASSERT_EQ(state.left.size(), 1u);
  ASSERT_EQ(state.joined.size(), 1u);
  EXPECT_EQ(state.left[0].start_time_ticks, 50u);
  EXPECT_EQ(state.joined[0].start_time_ticks, 60u);
}

TEST_F(Targets, LoseAProcessThatExecsAnotherProgram) {
  TargetSet set = set_of({by_exe("a")});
  machine.add(10, "/bin/a");
  (void)set.update();
  machine.exec(10, "/bin/b");
  EXPECT_THAT(pids(set.update().at(0).left), ElementsAre(10));
}

TEST_F(Targets, ReportAnExecOfTheSameProgram) {
  TargetSet set = set_of({by_exe("a")});
  machine.add(10, "/bin/a");
  EXPECT_THAT(set.update().at(0).execed, IsEmpty());
  machine.exec(10, "/bin/a");
  const auto state = set.update().at(0);
  EXPECT_THAT(pids(state.execed), ElementsAre(10));
  EXPECT_THAT(state.left, IsEmpty());
  EXPECT_THAT(state.joined, IsEmpty());
  EXPECT_THAT(set.update().at(0).execed, IsEmpty()) << "once";
}

TEST_F(Targets, ANewNameCanJoinButNeverLeaves) {
  TargetSet set = set_of({by_name("worker")});
  machine.add(10, "/bin/a");
  EXPECT_THAT(pids(set.update().at(0)), IsEmpty());
  machine.at(10).entry.command = "worker";
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(10));
  machine.at(10).entry.command = "worker: busy";
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(10));
}

TEST_F(Targets, TakeTheWholeTreeOfChildrenThatRunTheSameProgram) {
  TargetSet set = set_of({by_pid(30)});
  machine.add(10, "/bin/a", 20);  // a grandchild with a smaller pid
  machine.add(20, "/bin/a", 30);
  machine.add(30, "/bin/a");
  machine.add(40, "/bin/sh", 30);
  machine.add(41, "/bin/a", 40);  // its parent runs another program
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(10, 20, 30));
}

TEST_F(Targets, WithoutIncludeChildrenTakeOnlyWhatMatches) {
  TargetConfig config = by_pid(30);
  config.include_children = false;
  TargetSet set = set_of({config});
  machine.add(30, "/bin/a");
  machine.add(31, "/bin/a", 30);
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(30));
}

TEST_F(Targets, AChildThatMatchesAnotherTargetGoesThere) {
  TargetConfig other = by_exe("a");
  other.match.command_line_regex = "special";
  TargetSet set = set_of({by_pid(30), other});
  machine.add(30, "/bin/a");
  machine.add(31, "/bin/a", 30).details.command_line = "a special";
  const auto states = set.update();
  EXPECT_THAT(pids(states[0]), ElementsAre(30));
  EXPECT_THAT(pids(states[1]), ElementsAre(31));
}

TEST_F(Targets, AChildStaysWhenItsParentEnds) {
  TargetSet set = set_of({by_pid(30)});
  machine.add(30, "/bin/a");
  machine.add(31, "/bin/a", 30);
  (void)set.update();
  machine.remove(30);
  machine.at(31).entry.parent_pid = 1;
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(31));
  machine.exec(31, "/bin/a");
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(31)) << "the same program again";
  machine.exec(31, "/bin/b");
  EXPECT_THAT(pids(set.update().at(0)), IsEmpty());
}

TEST_F(Targets, ChildrenWithUnreadableExecutablesDoNotJoin) {
  TargetSet set = set_of({by_pid(30)});
  machine.add(30, "");
  machine.add(31, "", 30);
  EXPECT_THAT(pids(set.update().at(0)), ElementsAre(30));
}

TEST_F(Targets, AreNamedAfterTheExecutableOfTheFirstProcess) {
  TargetSet set = set_of({by_exe("redis-*")});
  EXPECT_EQ(set.update().at(0).name, "exe:redis-*") << "until there is a process";
  machine.add(10, "/usr/bin/redis-server");
  EXPECT_EQ(set.update().at(0).name, "redis-server");
  machine.remove(10);
  machine.add(11, "/usr/bin/redis-sentinel");
  EXPECT_EQ(set.update().at(0).name, "redis-server") << "a name stays";
}

TEST_F(Targets, AreNamedAfterTheCommandWhereTheExecutableIsCalledOtherwise) {
  TargetSet set = set_of({by_pid(10)});
  machine.add(10, "/usr/bin/redis-check-rdb").entry.command = "redis-server";
  EXPECT_EQ(set.update().at(0).name, "redis-server");
}

TEST_F(Targets, AreNamedAfterTheExecutableWhereTheKernelCutTheCommand) {
  TargetSet set = set_of({by_pid(10)});
  machine.add(10, "/usr/bin/prometheus-node-exporter").entry.command = "prometheus-node";
  EXPECT_EQ(set.update().at(0).name, "prometheus-node-exporter");
}

TEST_F(Targets, AreNamedAfterTheCommandWhereTheExecutableIsUnreadable) {
  TargetSet set = set_of({by_pid(10)});
  machine.add(10, "").entry.command = "secret";
  EXPECT_EQ(set.update().at(0).name, "secret");
}

TEST_F(Targets, WithTheSameNameAreNumbered) {
  machine.add(10, "/bin/a");
  machine.add(11, "/bin/a");
  machine.add(12, "/bin/b");
  TargetSet set = set_of({by_pid(10), by_pid(11), by_exe("b", "a"), by_exe("x", "a")});
  const auto states = set.update();
  EXPECT_EQ(states[2].name, "a") << "a configured name goes before a default one";
  EXPECT_EQ(states[3].name, "a-2");
  EXPECT_EQ(states[0].name, "a-3");
  EXPECT_EQ(states[1].name, "a-4");
}

TEST_F(Targets, TakeAllDescendantsWhereAsked) {
  TargetConfig config = by_pid(10);
  config.include_descendants = true;
  machine.add(10, "/bin/sh");
  machine.add(11, "/usr/bin/service", 10);
  machine.add(12, "/usr/bin/helper", 11);
  machine.add(13, "/usr/bin/other");
  EXPECT_THAT(pids(set_of({config}).update().at(0)), ElementsAre(10, 11, 12));
}

TEST_F(Targets, CarryTheirLabels) {
  TargetConfig config = by_exe("a");
  config.labels = {{"team", "x"}};
  EXPECT_EQ(set_of({config}).update().at(0).labels.at("team"), "x");
}

TEST_F(Targets, ByPidStayEmptyAfterItsEnd) {
  TargetSet set = set_of({by_pid(10)});
  machine.add(10, "/bin/a", 1, 50);
  EXPECT_EQ(set.update().at(0).problem, std::nullopt);
  machine.add(10, "/bin/a", 1, 60);  // the number was given to another process
  const auto state = set.update().at(0);
  EXPECT_THAT(pids(state), IsEmpty());
  ASSERT_TRUE(state.problem);
  EXPECT_EQ(state.problem->reason, Reason::kProcessGone);
  EXPECT_THAT(state.problem->detail, HasSubstr("process 10 has ended"));
}

TEST_F(Targets, ByPidDoNotTakeAProcessThatGetsThePidLater) {
  TargetSet set = set_of({by_pid(10)});
  EXPECT_EQ(set.update().at(0).problem->reason, Reason::kNoSuchProcess);
  machine.add(10, "/bin/a");
  EXPECT_EQ(set.update().at(0).problem->reason, Reason::kNoSuchProcess);
}

TEST_F(Targets, SayWhyAPidCannotBeOne) {
  machine.add(kOwnPid, "/usr/bin/poolscope");
  machine.add(11, "kthreadd").entry.is_kernel_thread = true;
  machine.add(12, "/bin/a");
  machine.add(13, "/bin/b");
  TargetConfig other_name = by_pid(12);
  other_name.match.process_name = "z";
  TargetSet set = set_of({by_pid(kOwnPid), by_pid(11), other_name, by_exe("b"), by_pid(13)});
  const auto states = set.update();
  EXPECT_EQ(states[0].problem->reason, Reason::kOwnProcess);
  EXPECT_EQ(states[1].problem->reason, Reason::kKernelThread);
  EXPECT_EQ(states[2].problem->reason, Reason::kNoMatch);
  EXPECT_EQ(states[4].problem->reason, Reason::kTaken);
  EXPECT_THAT(states[4].problem->detail, HasSubstr("target `b`"));
}

TEST_F(Targets, WithoutAProcessSayWhatTheyWaitFor) {
  const auto state = set_of({by_exe("redis-*", "cache")}).update().at(0);
  EXPECT_EQ(state.problem->reason, Reason::kNoProcess);
  EXPECT_THAT(state.problem->detail, HasSubstr("exe:redis-*"));
}

TEST_F(Targets, CountTheProcessesThatCouldNotBeCompared) {
  TargetSet set = set_of({by_exe("a"), by_name("a")});
  machine.add(10, "").details.is_denied = true;
  const auto states = set.update();
  EXPECT_EQ(states[0].problem->reason, Reason::kNotPermitted);
  EXPECT_THAT(states[0].problem->detail, HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_EQ(states[1].problem->reason, Reason::kNoProcess) << "a name needs no executable";
}

TEST_F(Targets, RefuseABadMatcherAndNameIt) {
  const auto set = TargetSet::create({by_exe("a"), by({0, "", "", "["}, "web")}, std::make_unique<FakeView>(machine));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().index, 1u);
  EXPECT_THAT(describe(set.error()), HasSubstr("target `web`: cmdline:["));
}

TEST_F(Targets, NoneConfiguredGivesNone) {
  EXPECT_THAT(set_of({}).update(), IsEmpty());
}

TEST(TargetProblemLabel, IsSnakeCase) {
  EXPECT_EQ(reason_label(Reason::kNoSuchProcess), "no_such_process");
  EXPECT_EQ(reason_label(Reason::kTaken), "taken");
}

}  // namespace
}  // namespace poolscope::targets

#pragma once
// TargetSet: which processes belong to which target now, and what changed since the last look.
//   Who       a process belongs to the first target whose conditions it meets. With include_children, so does a process
//             that meets none, whose parent belongs and which runs the same executable; their children in turn.
//             With include_descendants the executable does not matter.
//   How long  until it ends, or execs a program that no longer belongs. A new name (comm) or a dead parent ends nothing.
//   Never     this very process, kernel threads, zombies.
//   Pids      a process is (pid, start time): a reused pid is another process. A target given by pid is the process that had
//             it at the first update(), and stays without one when that has ended.
//   Cost      update() reads one small file per process of the machine; executable and command line are read once per
//             process, and again when its name or its program changes.
//   Threads   one at a time.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/targets/matcher.h"
#include "agent/targets/proc_view.h"
#include "poolscope/result.h"

namespace poolscope::targets {

struct TargetProcess {
  model::ProcessKey key;
  pid_t parent_pid = 0;
  std::string command;
  std::string executable;  // empty when unreadable
};

// Why a target has no process.
struct TargetProblem {
  enum class Reason {
    kNoProcess,
    kNoSuchProcess,
    kProcessGone,
    kNotPermitted,
    kKernelThread,
    kOwnProcess,
    kNoMatch,
    kTaken
  };
  Reason reason;
  std::string detail;  // for a person; names the way out
};
// snake_case: "no_process", ...
[[nodiscard]] std::string reason_label(TargetProblem::Reason reason);

struct TargetState {
  // As configured, else the name of the first process; until there is one, the conditions as text.
  // A name that an earlier target has gets "-2", "-3", ...; once given it stays.
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<TargetProcess> processes;   // ascending by pid
  std::vector<model::ProcessKey> joined;  // since the last update()
  std::vector<model::ProcessKey> left;    // since the last update()
  std::vector<model::ProcessKey> execed;  // stayed, but run a new program image: whatever was attached is gone
  std::optional<TargetProblem> problem;   // exactly when processes is empty
};

struct TargetError {
  std::size_t index = 0;  // of the target in the configuration
  std::string target;     // its name or its conditions
  std::string detail;
};
[[nodiscard]] std::string describe(const TargetError& error);

class TargetSet {
 public:
  // Fails for a target without conditions and for a bad regular expression.
  [[nodiscard]] static Result<TargetSet, TargetError> create(std::vector<config::TargetConfig> targets,
                                                             std::unique_ptr<ProcView> view = make_proc_view());

  // One state per configured target, in their order.
  [[nodiscard]] std::vector<TargetState> update();

 private:
  struct Target {
    config::TargetConfig config;
    CompiledMatcher matcher;
    std::string name;  // empty until it is known
    bool was_bound = false;
    std::optional<model::ProcessKey> bound;  // the process of a target given by pid
    std::set<model::ProcessKey> members;     // at the last update()
  };
  // What is remembered of a process; a decision is made anew only when command or image changes.
  struct Known {
    ProcessEntry entry;
    ProcessDetails details;
    std::optional<std::size_t> target;
    bool has_execed = false;  // since the last update()
  };
  using Processes = std::map<model::ProcessKey, Known>;

  TargetSet() = default;
  [[nodiscard]] bool is_candidate(const ProcessEntry& entry) const;
  void bind_pids(const std::vector<ProcessEntry>& entries);
  void refresh(const std::vector<ProcessEntry>& entries);
  void examine(Known& known) const;
  [[nodiscard]] std::optional<std::size_t> first_match(const Known& known) const;
  void add_children();
  [[nodiscard]] TargetState state_of(std::size_t index, const std::vector<ProcessEntry>& entries);
  [[nodiscard]] TargetProblem problem_of(const Target& target, const std::vector<ProcessEntry>& entries) const;
  [[nodiscard]] TargetProblem problem_of_pid(const Target& target, const std::vector<ProcessEntry>& entries) const;
  [[nodiscard]] std::string unique_name(const std::string& wanted) const;

  std::unique_ptr<ProcView> view_;
  std::vector<Target> targets_;
  Processes known_;
};

}  // namespace poolscope::targets

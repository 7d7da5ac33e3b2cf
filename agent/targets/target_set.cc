#include "agent/targets/target_set.h"

#include <algorithm>
#include <utility>

namespace poolscope::targets {
namespace {

using Reason = TargetProblem::Reason;
using model::ProcessKey;

const ProcessEntry* find_pid(const std::vector<ProcessEntry>& entries, pid_t pid) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [pid](const ProcessEntry& entry) { return entry.key.pid == pid; });
  return found == entries.end() ? nullptr : &*found;
}

// The kernel's name of the process, which cuts at 15 bytes: then the executable has the rest. The executable alone would
// not do: /usr/bin/redis-server is a link to redis-check-rdb.
std::string default_name(const TargetProcess& process) {
  const std::string file = base_name(process.executable);
  return process.command.empty() || file.starts_with(process.command) ? file : process.command;
}

}  // namespace

std::string reason_label(Reason reason) {
  switch (reason) {
    case Reason::kNoProcess:
      return "no_process";
    case Reason::kNoSuchProcess:
      return "no_such_process";
    case Reason::kProcessGone:
      return "process_gone";
    case Reason::kNotPermitted:
      return "not_permitted";
    case Reason::kKernelThread:
      return "kernel_thread";
    case Reason::kOwnProcess:
      return "own_process";
    case Reason::kNoMatch:
      return "no_match";
    case Reason::kTaken:
      return "taken";
  }
  return "unknown";
}

std::string describe(const TargetError& error) {
  return "target `" + error.target + "`: " + error.detail;
}

Result<TargetSet, TargetError> TargetSet::create(std::vector<config::TargetConfig> targets,
                                                 std::unique_ptr<ProcView> view) {
  TargetSet set;
  set.view_ = std::move(view);
  for (config::TargetConfig& target : targets) {
    auto matcher = CompiledMatcher::compile(target.match);
    if (!matcher) {
      const std::string name = target.name.empty() ? describe(target.match) : target.name;
      return Failure{TargetError{set.targets_.size(), name, matcher.error()}};
    }
    set.targets_.push_back({std::move(target), *std::move(matcher), "", false, std::nullopt, {}});
  }
  // Configured names come first: a default name must not take one of them.
  for (Target& target : set.targets_) {
    if (!target.config.name.empty()) target.name = set.unique_name(target.config.name);
  }
  return set;
}

std::vector<TargetState> TargetSet::update() {
  const std::vector<ProcessEntry> entries = view_->list();
  bind_pids(entries);
  refresh(entries);
  add_children();
  std::vector<TargetState> states;
  for (std::size_t i = 0; i < targets_.size(); ++i) states.push_back(state_of(i, entries));
  return states;
}

bool TargetSet::is_candidate(const ProcessEntry& entry) const {
  return !entry.is_kernel_thread && !entry.is_zombie && entry.key.pid != view_->own_pid();
}

void TargetSet::bind_pids(const std::vector<ProcessEntry>& entries) {
  for (Target& target : targets_) {
    if (target.config.match.pid == 0 || std::exchange(target.was_bound, true)) continue;
    if (const ProcessEntry* entry = find_pid(entries, target.config.match.pid)) target.bound = entry->key;
  }
}

void TargetSet::refresh(const std::vector<ProcessEntry>& entries) {
  Processes now;
  for (const ProcessEntry& entry : entries) {
    if (!is_candidate(entry)) continue;
    auto node = known_.extract(entry.key);
    if (node.empty()) {
      examine(now.emplace(entry.key, Known{.entry = entry, .details = {}, .target = {}}).first->second);
      continue;
    }
    Known& known = now.insert(std::move(node)).position->second;
    known.has_execed = entry.image != known.entry.image;
    const bool is_renamed = entry.command != known.entry.command;
    known.entry = entry;
    if (known.has_execed || (is_renamed && !known.target)) examine(known);
  }
  known_ = std::move(now);
}

void TargetSet::examine(Known& known) const {
  ProcessDetails details = view_->details(known.entry.key.pid);
  const bool runs_the_same = !details.executable.empty() && details.executable == known.details.executable;
  known.details = std::move(details);
  const auto match = first_match(known);
  // A child that joined by its executable stays while it runs that, even when its parent has gone.
  const bool stays = known.target && runs_the_same && targets_[*known.target].config.include_children;
  if (match || !stays) known.target = match;
}

std::optional<std::size_t> TargetSet::first_match(const Known& known) const {
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    if (target.config.match.pid != 0 && target.bound != known.entry.key) continue;
    if (target.matcher.matches(known.entry.command, known.details)) return i;
  }
  return std::nullopt;
}

void TargetSet::add_children() {
  std::multimap<pid_t, Known*> children;
  std::vector<const Known*> parents;
  for (auto& [key, known] : known_) {
    children.emplace(known.entry.parent_pid, &known);
    if (known.target) parents.push_back(&known);
  }
  while (!parents.empty()) {
    const Known& parent = *parents.back();
    parents.pop_back();
    const config::TargetConfig& config = targets_[*parent.target].config;
    const bool same_only = !config.include_descendants;
    if (same_only && (!config.include_children || parent.details.executable.empty())) continue;
    const auto [first, last] = children.equal_range(parent.entry.key.pid);
    for (auto child = first; child != last; ++child) {
      Known& known = *child->second;
      if (known.target || (same_only && known.details.executable != parent.details.executable)) continue;
      known.target = parent.target;
      parents.push_back(&known);
    }
  }
}

TargetState TargetSet::state_of(std::size_t index, const std::vector<ProcessEntry>& entries) {
  Target& target = targets_[index];
  TargetState state;
  state.labels = target.config.labels;
  std::set<ProcessKey> members;
  for (const auto& [key, known] : known_) {
    if (known.target != index) continue;
    state.processes.push_back({key, known.entry.parent_pid, known.entry.command, known.details.executable});
    members.insert(key);
    if (!target.members.contains(key)) {
      state.joined.push_back(key);
    } else if (known.has_execed) {
      state.execed.push_back(key);
    }
  }
  std::set_difference(target.members.begin(), target.members.end(), members.begin(), members.end(),
                      std::back_inserter(state.left));
  target.members = std::move(members);
  if (state.processes.empty()) {
    state.problem = problem_of(target, entries);
  } else if (target.name.empty()) {
    target.name = unique_name(default_name(state.processes.front()));
  }
  state.name = target.name.empty() ? describe(target.config.match) : target.name;
  return state;
}

TargetProblem TargetSet::problem_of(const Target& target, const std::vector<ProcessEntry>& entries) const {
  const std::string wanted = describe(target.config.match);
  if (target.config.match.pid != 0) return problem_of_pid(target, entries);
  const auto denied =
      std::count_if(known_.begin(), known_.end(), [](const auto& known) { return known.second.details.is_denied; });
  if (target.matcher.needs_executable() && denied > 0) {
    return {Reason::kNotPermitted, "no process matches " + wanted + ", but the executables of " +
                                       std::to_string(denied) + " processes cannot be read; needs CAP_SYS_PTRACE"};
  }
  return {Reason::kNoProcess, "no process matches " + wanted + "; it joins when it starts"};
}

TargetProblem TargetSet::problem_of_pid(const Target& target, const std::vector<ProcessEntry>& entries) const {
  const pid_t pid = target.config.match.pid;
  const std::string name = "process " + std::to_string(pid);
  if (pid == view_->own_pid()) return {Reason::kOwnProcess, name + " is poolscope itself, which is never a target"};
  if (!target.bound)
    return {Reason::kNoSuchProcess, name + " does not exist; look up the pid again, or use name: or exe:"};
  const ProcessEntry* entry = find_pid(entries, pid);
  if (entry != nullptr && entry->is_kernel_thread) {
    return {Reason::kKernelThread, name + " is a kernel thread (" + entry->command + ") and runs no user code"};
  }
  const auto known = known_.find(*target.bound);
  if (known == known_.end()) {
    return {Reason::kProcessGone,
            name + " has ended; to find it again after a restart use name: or exe: instead of its pid"};
  }
  if (known->second.target) {
    return {Reason::kTaken,
            name + " belongs to target `" + targets_[*known->second.target].name + "`, which comes first"};
  }
  return {Reason::kNoMatch, name + " does not meet all of " + describe(target.config.match)};
}

std::string TargetSet::unique_name(const std::string& wanted) const {
  const auto is_taken = [this](const std::string& name) {
    return std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) { return target.name == name; });
  };
  std::string name = wanted;
  for (int number = 2; is_taken(name); ++number) name = wanted + "-" + std::to_string(number);
  return name;
}

}  // namespace poolscope::targets

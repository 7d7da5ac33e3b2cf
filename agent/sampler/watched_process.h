#pragma once
// WatchedProcess: one process of a target, ready to be probed or with the reason why not.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/sampler/ended_children.h"
#include "agent/sampler/probing.h"
#include "agent/targets/target_set.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/code_parts.h"
#include "probes/collectors/custom_pools.h"
#include "probes/collectors/go_executable.h"
#include "probes/collectors/go_growth.h"
#include "probes/collectors/go_pools.h"
#include "probes/collectors/go_runtime.h"
#include "probes/collectors/process_image.h"
#include "probes/process/process.h"

namespace poolscope::sampler {

// A reason label for metrics and a sentence for people.
struct Problem {
  std::string reason;
  std::string detail;
};

class WatchedProcess {
 public:
  // `is_new`: it started while its target was watched, so that all of its CPU time counts.
  WatchedProcess(const targets::TargetProcess& process, bool is_new);

  [[nodiscard]] const model::ProcessKey& key() const { return key_; }
  [[nodiscard]] pid_t parent_pid() const { return parent_pid_; }
  [[nodiscard]] const std::string& command() const { return command_; }
  [[nodiscard]] std::uint64_t start_time_unix_ns() const { return start_time_unix_ns_; }
  [[nodiscard]] bool under_seccomp() const { return under_seccomp_; }

  // Reads maps, files and symbols, again when the process mapped something new since. After it there is either a plan
  // or a problem.
  void prepare(Probing& probing);
  void forget_image();  // it executed another program
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }
  [[nodiscard]] probes::ProcessImage& image() { return *image_; }
  [[nodiscard]] const probes::AllocatorPlan* plan() const { return plan_ ? &*plan_ : nullptr; }
  // prepare() could read it.
  [[nodiscard]] bool is_known() const { return image_.has_value(); }
  // A Go program: its heap is not malloc's, so there is no plan for it.
  [[nodiscard]] bool is_go() const { return is_go_; }
  // Its pools: sync.Pools of a Go program, those that the configuration describes of another; nullptr when none can be seen
  // (pools_problem).
  [[nodiscard]] probes::PoolProbes* pools() const { return pools_.get(); }
  [[nodiscard]] const std::optional<Problem>& pools_problem() const { return pools_problem_; }
  // nullptr when its garbage collector cannot be read (go_runtime_problem).
  [[nodiscard]] probes::GoRuntime* go_runtime() const { return go_runtime_.get(); }
  [[nodiscard]] const std::optional<Problem>& go_runtime_problem() const { return go_runtime_problem_; }

  // nullptr when growing slices cannot be seen (growth_problem).
  [[nodiscard]] probes::GoGrowth* growth() const { return growth_.get(); }
  [[nodiscard]] const std::optional<Problem>& growth_problem() const { return growth_problem_; }

  // What its code is for; looked up when first asked for. nullptr unless is_known().
  [[nodiscard]] const probes::ProcessParts* code_parts(Probing& probing);

  // CPU time used since the last call; the first gives what was used since this object exists, or since a new process started. Absent
  // when the process is gone.
  [[nodiscard]] std::optional<std::uint64_t> take_cpu_ns();
  // What was done since the last call, as take_cpu_ns().
  [[nodiscard]] model::Work take_work();
  // Pages that the kernel gave it since the last call; absent when that is not known.
  [[nodiscard]] std::optional<std::uint64_t> take_fresh_pages();
  // CPU time of children that ended before anybody read it.
  [[nodiscard]] std::uint64_t take_ended_children_ns();
  // Some of its children are watched themselves.
  void watch_children() { ended_children_.belongs(); }
  void child_left(const WatchedProcess& child) {
    ended_children_.left(child.cpu_ns_ + child.ended_children_.waited_ns());
  }
  // What the last take_cpu_ns() gave: how busy it is now.
  [[nodiscard]] std::uint64_t recent_cpu_ns() const { return recent_cpu_ns_; }

 private:
  void read_image(Probing& probing);
  void look_for_go(Probing& probing);
  void open_go_pools(Probing& probing, const std::shared_ptr<const probes::GoExecutable>& executable);
  void start_go_runtime(Probing& probing, const probes::GoExecutable& executable);
  void look_for_growth(Probing& probing, const std::shared_ptr<const probes::GoExecutable>& executable);
  void count_work();
  void look_for_custom_pools(Probing& probing);

  model::ProcessKey key_;
  pid_t parent_pid_ = 0;
  std::string command_;
  std::uint64_t start_time_unix_ns_ = 0;
  bool under_seccomp_ = false;
  std::optional<probes::ProcessImage> image_;
  std::shared_ptr<const probes::GoExecutable> go_executable_;
  std::optional<probes::ProcessParts> code_parts_;
  std::optional<probes::AllocatorPlan> plan_;
  std::optional<Problem> problem_;
  bool is_go_ = false;
  std::unique_ptr<probes::PoolProbes> pools_;
  std::optional<Problem> pools_problem_;
  std::unique_ptr<probes::GoRuntime> go_runtime_;
  std::optional<Problem> go_runtime_problem_;
  std::unique_ptr<probes::GoGrowth> growth_;
  std::optional<Problem> growth_problem_;
  std::uint64_t allocated_bytes_address_ = 0;  // of a Go program
  std::uint64_t cpu_ns_ = 0;
  std::uint64_t recent_cpu_ns_ = 0;
  std::optional<std::uint64_t> fresh_pages_;
  EndedChildren ended_children_;
  model::Work work_;
};

}  // namespace poolscope::sampler

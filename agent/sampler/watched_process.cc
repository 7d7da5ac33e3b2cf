#include "agent/sampler/watched_process.h"

#include <utility>

namespace poolscope::sampler {

WatchedProcess::WatchedProcess(const targets::TargetProcess& process, bool is_new)
    : key_(process.key),
      parent_pid_(process.parent_pid),
      command_(process.command),
      work_(process::work_of(process.key.pid)) {
  const std::uint64_t used_ns = process::cpu_time_ns(key_.pid).value_or(0);
  (is_new ? recent_cpu_ns_ : cpu_ns_) = used_ns;
  (void)take_ended_children_ns();
  (void)take_fresh_pages();
}

void WatchedProcess::forget_image() {
  image_.reset();
  go_executable_.reset();
  code_parts_.reset();
  plan_.reset();
  problem_.reset();
  is_go_ = false;
  pools_.reset();
  pools_problem_.reset();
  go_runtime_.reset();
  go_runtime_problem_.reset();
  growth_.reset();
  growth_problem_.reset();
  allocated_bytes_address_ = 0;
}

void WatchedProcess::prepare(Probing& probing) {
  if (image_ && !image_->is_stale()) return;
  forget_image();
  const auto status = process::check_observable(key_.pid);
  if (!status) {
    problem_ = Problem{process::reason_label(status.error().reason), process::describe(status.error())};
    return;
  }
  if (status->key != key_) {
    problem_ = Problem{"process_gone", "process " + std::to_string(key_.pid) + " has ended"};
    return;
  }
  command_ = status->command;
  start_time_unix_ns_ = status->start_time_unix_ns;
  under_seccomp_ = status->seccomp != process::SeccompMode::kNone;
  read_image(probing);
}

void WatchedProcess::read_image(Probing& probing) {
  auto image = probes::ProcessImage::read(key_, probing.elf_cache());
  if (!image) {
    problem_ = Problem{process::reason_label(image.error().reason), process::describe(image.error())};
    return;
  }
  image_ = std::move(*image);
  look_for_go(probing);
  if (is_go_) {
    problem_ = Problem{"go_heap", command_ + " is a Go program: its heap is that of the Go runtime, not malloc's"};
    return;
  }
  look_for_custom_pools(probing);
  auto plan = probes::plan_allocators(*image_);
  if (!plan) {
    problem_ = Problem{"no_allocator", command_ + ": " + plan.error().detail};
    return;
  }
  plan_ = std::move(*plan);
}

void WatchedProcess::look_for_go(Probing& probing) {
  using Reason = probes::GoExecutableError::Reason;
  const auto executable = probes::GoExecutable::open(*image_);
  is_go_ = executable || executable.error().reason == Reason::kUnusable;
  if (executable) {
    go_executable_ = *executable;
    open_go_pools(probing, *executable);
    start_go_runtime(probing, **executable);
    look_for_growth(probing, *executable);
    count_work();
  } else if (is_go_) {
    pools_problem_ = Problem{probes::reason_label(executable.error().reason), executable.error().detail};
    go_runtime_problem_ = growth_problem_ = pools_problem_;
  }
}

const probes::ProcessParts* WatchedProcess::code_parts(Probing& probing) {
  if (!image_) return nullptr;
  if (code_parts_) return &*code_parts_;
  std::vector<probes::ProcessParts::Placed> files;
  for (const auto& object : image_->objects()) {
    const bool is_go_program = go_executable_ && object.file == go_executable_->object.file;
    auto& cache = probing.code_parts();
    files.push_back(
        {is_go_program ? cache.of(object.file, *go_executable_->program) : cache.of(object.file), object.bias});
  }
  return &code_parts_.emplace(files);
}

void WatchedProcess::count_work() {
  if (!go_runtime_) return;
  allocated_bytes_address_ = go_runtime_->allocated_bytes_address();
  if (pools_) pools_->count_work_at(allocated_bytes_address_);
  if (growth_) growth_->count_work_at(allocated_bytes_address_);
}

void WatchedProcess::open_go_pools(Probing& probing, const std::shared_ptr<const probes::GoExecutable>& executable) {
  auto programs = probing.pool_programs();
  if (!programs) {
    pools_problem_ = Problem{attach::reason_label(programs.error().reason), attach::describe(programs.error())};
    return;
  }
  auto pools = probes::GoPools::open(**programs, key_, executable, probing.pool_hit_costs());
  if (pools) {
    pools_ = std::move(*pools);
  } else {
    pools_problem_ = Problem{probes::reason_label(pools.error().reason), pools.error().detail};
  }
}

void WatchedProcess::start_go_runtime(Probing& probing, const probes::GoExecutable& executable) {
  auto runtime = probes::GoRuntime::start(key_, executable.object, *executable.program, probing.gc_probing());
  if (runtime) {
    go_runtime_ = std::move(*runtime);
  } else {
    go_runtime_problem_ = Problem{probes::reason_label(runtime.error().reason), runtime.error().detail};
  }
}

void WatchedProcess::look_for_growth(Probing& probing, const std::shared_ptr<const probes::GoExecutable>& executable) {
  auto programs = probing.pool_programs();
  if (!programs) {
    growth_problem_ = Problem{attach::reason_label(programs.error().reason), attach::describe(programs.error())};
    return;
  }
  auto growth = probes::GoGrowth::open(**programs, key_, executable, probing.pool_hit_costs());
  if (growth) {
    growth_ = std::move(*growth);
  } else {
    growth_problem_ = Problem{go::reason_label(growth.error().reason), go::describe(growth.error())};
  }
}

void WatchedProcess::look_for_custom_pools(Probing& probing) {
  if (probing.custom_pools().empty()) return;
  auto programs = probing.pool_programs();
  if (!programs) return;
  auto pools = probes::CustomPools::open(**programs, *image_, probing.custom_pools(), probing.pool_hit_costs());
  if (pools && pools->measures_nothing()) {
    pools_problem_ = Problem{"function_not_found", pools->caveat()};
  } else {
    pools_ = std::move(pools);
  }
}

std::optional<std::uint64_t> WatchedProcess::take_cpu_ns() {
  const auto now = process::cpu_time_ns(key_.pid);
  recent_cpu_ns_ = now && *now > cpu_ns_ ? *now - cpu_ns_ : 0;
  if (!now) return std::nullopt;
  cpu_ns_ = *now;
  return recent_cpu_ns_;
}

std::optional<std::uint64_t> WatchedProcess::take_fresh_pages() {
  const auto before = std::exchange(fresh_pages_, process::fresh_pages(key_.pid));
  if (!before || !fresh_pages_ || *fresh_pages_ < *before) return std::nullopt;
  return *fresh_pages_ - *before;
}

std::uint64_t WatchedProcess::take_ended_children_ns() {
  const auto waited_ns = process::waited_cpu_ns(key_.pid);
  return waited_ns ? ended_children_.take(*waited_ns) : 0;
}

model::Work WatchedProcess::take_work() {
  const model::Work before = std::exchange(work_, process::work_of(key_.pid, allocated_bytes_address_));
  return process::work_between(before, work_);
}

}  // namespace poolscope::sampler

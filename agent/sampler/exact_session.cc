#include "agent/sampler/exact_session.h"

#include <algorithm>
#include <utility>

#include <time.h>

#include "agent/estimate/target_summary.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/custom_pools.h"
#include "probes/collectors/go_pools.h"

namespace poolscope::sampler {

using model::CollectorState;

namespace {

model::CollectorStatus collecting(const char* collector, std::string caveat) {
  return {collector, "L2", CollectorState::kCollecting, "", std::move(caveat)};
}

}  // namespace

probes::LoadOptions exact_load_options() {
  probes::LoadOptions options;
  options.max_births = 1u << 20;
  options.max_sites = 1u << 16;
  options.max_threads = 1u << 16;
  options.pool_order_bytes = 1u << 24;
  options.watch_forks = false;  // children are added by who follows them
  return options;
}

Result<std::unique_ptr<ExactSession>, std::string> ExactSession::start(Probing& probing) {
  auto trace = probes::ExactTrace::start(probing.programs(), probing.detacher(), probing.calibration().costs);
  if (!trace) return Failure{trace.error().detail};
  return std::unique_ptr<ExactSession>(new ExactSession(probing, std::move(*trace)));
}

std::optional<std::string> ExactSession::add(pid_t pid) {
  const auto reject = [this](std::string why) {
    problems_.push_back(why);
    return why;
  };
  const auto status = process::check_observable(pid);
  if (!status) return reject(process::describe(status.error()));
  const bool known =
      std::any_of(processes_.begin(), processes_.end(), [&](const auto& each) { return each.key == status->key; });
  if (!known) processes_.push_back({status->key, status->start_time_unix_ns, status->command});
  if (known) end_program(pid, End::kExec);
  pages_.add(status->key);
  if (status->seccomp != process::SeccompMode::kNone && probing_.seccomp_refusal())
    return reject(*probing_.seccomp_refusal());
  auto image = probes::ProcessImage::read(status->key, probing_.elf_cache());
  if (!image) return reject(process::describe(image.error()));
  const auto executable = probes::GoExecutable::open(*image);
  if (executable) {
    auto why = add_go(status->key, *executable);
    add_growth(*image, *executable);
    return why;
  }
  if (executable.error().reason == probes::GoExecutableError::Reason::kUnusable) {
    return add_unusable_go(executable.error());
  }
  if (auto why = add_native(std::move(*image), status->command)) return reject(std::move(*why));
  return std::nullopt;
}

std::optional<std::string> ExactSession::add_native(probes::ProcessImage image, const std::string& command) {
  is_native_ = true;
  add_custom_pools(image);
  const auto plan = probes::plan_allocators(image);
  if (!plan) return command + ": " + plan.error().detail;
  if (allocator_.empty()) allocator_ = plan->allocator();
  if (auto failure = trace_->add(std::move(image), *plan)) return failure->detail;
  return std::nullopt;
}

std::optional<std::string> ExactSession::add_unusable_go(const probes::GoExecutableError& error) {
  is_go_ = true;
  for (const auto& [collector, level] : {std::pair("go_pools", "L2"), {"go_runtime", "L0"}, {"go_growth", "L2"}}) {
    go_faults_.push_back(
        {collector, level, CollectorState::kUnavailable, probes::reason_label(error.reason), error.detail});
  }
  return error.detail;
}

std::optional<std::string> ExactSession::add_go(const model::ProcessKey& key,
                                                const std::shared_ptr<const probes::GoExecutable>& executable) {
  is_go_ = true;
  // The pools first: what is missed of them is lost, while the runtime counts by itself.
  const auto pools_fault = add_go_pools(key, executable);
  auto runtime = probes::GoRuntime::start(key, executable->object, *executable->program, probing_.gc_probing());
  if (runtime) {
    const auto& limits = (*runtime)->limits();
    const std::string limit = limits.empty() ? "" : limits.front();
    gc_.read(**runtime);
    runtimes_.push_back({key, std::move(*runtime), limit});
  } else {
    go_faults_.push_back({"go_runtime", "L0", CollectorState::kUnavailable,
                          probes::reason_label(runtime.error().reason), runtime.error().detail});
  }
  if (!pools_fault) return std::nullopt;
  go_faults_.push_back(*pools_fault);
  return runtime ? std::nullopt : std::optional(pools_fault->detail);
}

std::optional<model::CollectorStatus> ExactSession::add_go_pools(
    const model::ProcessKey& key, const std::shared_ptr<const probes::GoExecutable>& executable) {
  const auto fault = [](std::string reason, std::string detail) {
    return model::CollectorStatus{"go_pools", "L2", CollectorState::kUnavailable, std::move(reason), std::move(detail)};
  };
  auto programs = probing_.pool_programs();
  if (!programs) return fault(attach::reason_label(programs.error().reason), attach::describe(programs.error()));
  auto pools = probes::GoPools::open(**programs, key, executable, probing_.pool_hit_costs());
  if (!pools) return fault(probes::reason_label(pools.error().reason), pools.error().detail);
  if (const auto failure = (*pools)->start_exact())
    return fault(probes::reason_label(failure->reason), failure->detail);
  pools_.push_back(std::move(*pools));
  return std::nullopt;
}

void ExactSession::add_growth(const probes::ProcessImage& image,
                              const std::shared_ptr<const probes::GoExecutable>& executable) {
  const auto fault = [this](std::string reason, std::string detail) {
    go_faults_.push_back({"go_growth", "L2", CollectorState::kUnavailable, std::move(reason), std::move(detail)});
  };
  auto programs = probing_.pool_programs();
  if (!programs) return fault(attach::reason_label(programs.error().reason), attach::describe(programs.error()));
  auto slices = probes::GoGrowth::open(**programs, image.key(), executable, probing_.pool_hit_costs());
  if (!slices) return fault(go::reason_label(slices.error().reason), go::describe(slices.error()));
  if (const auto failure = (*slices)->start_exact()) {
    return fault(probes::reason_label(failure->reason), failure->detail);
  }
  growth_.push_back({std::move(*slices), image});
}

void ExactSession::add_custom_pools(const probes::ProcessImage& image) {
  if (probing_.custom_pools().empty()) return;
  auto programs = probing_.pool_programs();
  if (!programs) {
    problems_.push_back(attach::describe(programs.error()));
    return;
  }
  auto pools = probes::CustomPools::open(**programs, image, probing_.custom_pools(), probing_.pool_hit_costs());
  if (!pools) return;
  if (pools->measures_nothing()) {
    pools_fault_ = pools->caveat();
    return;
  }
  if (const auto caveat = pools->caveat(); !caveat.empty()) problems_.push_back(caveat);
  if (const auto failure = pools->start_exact()) {
    problems_.push_back(failure->detail);
  } else {
    pools_.push_back(std::move(pools));
  }
}

void ExactSession::remove(pid_t pid) {
  trace_->remove(pid);
  end_program(pid, End::kExit);
}

void ExactSession::end_runtime(WatchedRuntime& watched, End end) {
  if (end == End::kExit) gc_.read(*watched.runtime);  // its last collections
  watched.runtime.reset();
  gc_.forget(watched.key);  // another program counts from the beginning
}

// After an exec what is at the addresses of the old program belongs to the new one: they are not read any more.
void ExactSession::end_program(pid_t pid, End end) {
  for (auto& watched : runtimes_) {
    if (watched.key.pid == pid && watched.runtime) end_runtime(watched, end);
  }
  for (const auto& pools : pools_) {
    if (pools->process().pid != pid) continue;
    ended_pools_.push_back(pools->read_exact());
    for (auto& sums : ended_pools_.back().pools) sums.idle.reset();
    ended_collectors_.push_back(collecting(pools->collector(), pools->caveat()));
  }
  std::erase_if(pools_, [pid](const auto& pools) { return pools->process().pid == pid; });
  for (auto& growth : growth_) {
    if (growth.slices->process().pid != pid) continue;
    ended_growth_.push_back(growth.slices->read_exact(growth.image));
    ended_collectors_.push_back(collecting("go_growth", growth.slices->caveat()));
  }
  std::erase_if(growth_, [pid](const auto& growth) { return growth.slices->process().pid == pid; });
  for (const auto& process : processes_) {
    if (process.key.pid == pid) pages_.forget(process.key, process::monotonic_ns());
  }
}

void ExactSession::keep_up() {
  trace_->follow_wrappers();
  for (const auto& pools : pools_) pools->keep_up();
  for (const auto& growth : growth_) growth.slices->keep_up();
  pages_.read(process::monotonic_ns());
  if (process::monotonic_ns() >= runtimes_due_ns_) read_runtimes();
}

// What a process counted in its last moments is lost with it. The longer it runs the less they weigh, and the fewer records are kept.
void ExactSession::read_runtimes() {
  constexpr std::uint64_t kLeastNs = 50'000'000, kPart = 50;
  for (auto& watched : runtimes_) {
    if (!watched.runtime) continue;
    if (process::is_alive(watched.key)) {
      gc_.read(*watched.runtime);
    } else {  // nobody has told us yet
      end_runtime(watched, End::kExit);
    }
  }
  const std::uint64_t now_ns = process::monotonic_ns();
  runtimes_due_ns_ = now_ns + std::max(kLeastNs, (now_ns - start_ns_) / kPart);
}

model::CollectorStatus ExactSession::allocation_collector(bool saw_allocations) const {
  model::CollectorStatus status = collecting("alloc_bursts", problems_.empty() ? "" : problems_.front());
  if (!problems_.empty() && !saw_allocations) {
    status.state = CollectorState::kUnavailable;
    status.reason = "not_traced";
  }
  return status;
}

std::vector<model::CollectorStatus> ExactSession::collectors(bool saw_allocations) const {
  std::vector<model::CollectorStatus> result;
  const auto add = [&](model::CollectorStatus status) {
    const bool is_listed = std::ranges::any_of(result, [&](const auto& other) { return other.name == status.name; });
    if (!is_listed) result.push_back(std::move(status));
  };
  if (traces_allocations()) add(allocation_collector(saw_allocations));
  for (const auto& each : pools_) add(collecting(each->collector(), each->caveat()));
  for (const auto& each : growth_) add(collecting("go_growth", each.slices->caveat()));
  for (const auto& status : ended_collectors_) add(status);
  if (!pools_fault_.empty()) {
    add({"custom_pools", "L2", CollectorState::kUnavailable, "function_not_found", pools_fault_});
  }
  for (const auto& runtime : runtimes_) {
    add({"go_runtime", "L0", CollectorState::kCollecting, "", runtime.limit});
  }
  for (const auto& fault : go_faults_) add(fault);
  if (auto pages = pages_.collector()) add(*std::move(pages));
  return result;
}

model::TargetStatus ExactSession::status(const std::string& target_name, bool saw_allocations) const {
  model::TargetStatus status;
  status.at_ns = process::monotonic_ns();
  status.name = target_name;
  status.runtime = is_go_ ? "go" : "native";
  status.allocator = allocator_;
  status.processes = processes_;
  status.collectors = collectors(saw_allocations);
  status.gc_running = gc_.running();
  status.gc_ended_last = gc_.ended_last();
  status.exact = true;
  return status;
}

ExactSession::Events ExactSession::read_events() {
  Events events;
  events.allocations.push_back(trace_->read());
  events.pools = ended_pools_;
  for (const auto& each : pools_) events.pools.push_back(each->read_exact());
  events.slice_growth = ended_growth_;
  for (auto& growth : growth_) events.slice_growth.push_back(growth.slices->read_exact(growth.image));
  return events;
}

void ExactSession::tell(const model::TargetStatus& status, const Events& events, const model::TargetSink& sink) const {
  sink.take(status);
  for (const auto& record : events.allocations) sink.take(record);
  for (const auto& record : events.pools) sink.take(record);
  for (const auto& record : events.slice_growth) sink.take(model::SliceGrowthRecord{record});
  for (const auto& record : gc_.records()) sink.take(record);
  pages_.retell(sink);
}

model::Snapshot ExactSession::snapshot(const std::string& target_name, model::RecordSink* sink) {
  constexpr model::TargetId kTarget = 1;
  Events events = read_events();
  read_runtimes();
  pages_.read(process::monotonic_ns());
  const bool saw_allocations = events.allocations.front().probe_hits > 0;
  if (!traces_allocations()) events.allocations.clear();
  const model::TargetStatus said = status(target_name, saw_allocations);
  model::Snapshot snapshot;
  snapshot.targets.push_back(
      estimate::summarize_target({said,
                                  {events.allocations, {}, events.pools, {}, gc_.records(), events.slice_growth},
                                  pages_.records(),
                                  gc_.total(),
                                  pages_.total()}));
  const std::uint64_t now_ns = process::monotonic_ns();
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  snapshot.time_unix_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
  snapshot.agent.version = POOLSCOPE_VERSION;
  snapshot.agent.sequence = 1;
  snapshot.agent.budget_cpu_ratio = 1;
  if (sink != nullptr) {
    tell(said, events, model::TargetSink(sink, kTarget));
    sink->take(model::Moment{now_ns, snapshot.time_unix_ns, snapshot.agent, {kTarget}});
  }
  return snapshot;
}

}  // namespace poolscope::sampler

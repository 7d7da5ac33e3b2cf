#include "agent/sampler/exact_session.h"

#include <algorithm>
#include <utility>

#include <time.h>

#include "agent/estimate/summarize.h"
#include "probes/collectors/allocator_plan.h"

namespace poolscope::sampler {

probes::LoadOptions exact_load_options() {
  probes::LoadOptions options;
  options.max_births = 1u << 20;
  options.max_sites = 1u << 16;
  options.max_threads = 1u << 16;
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
  if (status->seccomp != process::SeccompMode::kNone && probing_.seccomp_refusal())
    return reject(*probing_.seccomp_refusal());
  auto image = probes::ProcessImage::read(status->key, probing_.elf_cache());
  if (!image) return reject(process::describe(image.error()));
  if (const auto go = add_go(*image)) return *go ? std::nullopt : std::optional(reject(go->error()));
  const auto plan = probes::plan_allocators(*image);
  if (!plan) return reject(status->command + ": " + plan.error().detail);
  if (allocator_.empty()) allocator_ = plan->allocator();
  if (auto failure = trace_->add(std::move(*image), *plan)) return reject(failure->detail);
  return std::nullopt;
}

std::optional<Result<Done, std::string>> ExactSession::add_go(const probes::ProcessImage& image) {
  using Answer = Result<Done, std::string>;
  auto programs = probing_.pool_programs();
  if (!programs) return std::nullopt;
  auto pools = probes::GoPools::open(**programs, image, probing_.pool_hit_cost_ns());
  if (!pools && pools.error().reason == probes::GoPoolsError::Reason::kNotGo) return std::nullopt;
  if (!pools) return Answer(Failure{pools.error().detail});
  if (const auto failure = (*pools)->start_exact()) return Answer(Failure{failure->detail});
  go_pools_.push_back(std::move(*pools));
  return Answer(Done{});
}

void ExactSession::keep_up() {
  trace_->follow_wrappers();
  for (const auto& pools : go_pools_) pools->learn_types();
}

model::Snapshot ExactSession::snapshot(const std::string& target_name) {
  const std::vector<model::BurstRecord> records{trace_->read()};
  std::vector<model::PoolBurstRecord> pools;
  for (const auto& each : go_pools_) pools.push_back(each->read_exact());
  const bool only_pools = !pools.empty() && records.front().probe_hits == 0;
  model::TargetSnapshot target =
      estimate::summarize({only_pools ? std::span<const model::BurstRecord>() : records, {}, pools});
  target.name = target_name;
  target.runtime = only_pools ? "go" : "native";
  target.allocator = allocator_;
  target.processes = processes_;
  model::CollectorStatus status{"alloc_bursts", "L2", model::CollectorState::kCollecting, "", ""};
  if (!problems_.empty()) {
    status.detail = problems_.front();
    if (records.front().probe_hits == 0) {
      status.state = model::CollectorState::kUnavailable;
      status.reason = "not_traced";
    }
  }
  if (only_pools) status = {"go_pools", "L2", model::CollectorState::kCollecting, "", status.detail};
  target.collectors.push_back(std::move(status));

  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  model::Snapshot snapshot;
  snapshot.time_unix_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
  snapshot.agent.version = POOLSCOPE_VERSION;
  snapshot.agent.sequence = 1;
  snapshot.agent.budget_cpu_ratio = 1;
  snapshot.targets.push_back(std::move(target));
  return snapshot;
}

}  // namespace poolscope::sampler

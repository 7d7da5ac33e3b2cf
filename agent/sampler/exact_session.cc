#include "agent/sampler/exact_session.h"

#include <algorithm>
#include <span>
#include <utility>

#include <time.h>

#include "agent/estimate/summarize.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/custom_pools.h"
#include "probes/collectors/go_pools.h"

namespace poolscope::sampler {

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
  if (status->seccomp != process::SeccompMode::kNone && probing_.seccomp_refusal())
    return reject(*probing_.seccomp_refusal());
  auto image = probes::ProcessImage::read(status->key, probing_.elf_cache());
  if (!image) return reject(process::describe(image.error()));
  if (const auto go = add_go(*image)) return *go ? std::nullopt : std::optional(reject(go->error()));
  add_custom_pools(*image);
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
  auto pools = probes::GoPools::open(**programs, image, probing_.pool_hit_costs());
  if (!pools && pools.error().reason == probes::GoPoolsError::Reason::kNotGo) return std::nullopt;
  if (!pools) return Answer(Failure{pools.error().detail});
  if (const auto failure = (*pools)->start_exact()) return Answer(Failure{failure->detail});
  add_growth(**programs, image, **pools);
  pools_.push_back(std::move(*pools));
  is_go_ = true;
  return Answer(Done{});
}

void ExactSession::add_growth(probes::PoolPrograms& programs, const probes::ProcessImage& image,
                              const probes::GoPools& pools) {
  auto slices =
      probes::GoGrowth::open(programs, image.key(), pools.object(), pools.program(), probing_.pool_hit_costs());
  if (!slices) {
    growth_problem_ = {go::reason_label(slices.error().reason), go::describe(slices.error())};
  } else if (const auto failure = (*slices)->start_exact()) {
    growth_problem_ = {probes::reason_label(failure->reason), failure->detail};
  } else {
    growth_.push_back({std::move(*slices), image});
  }
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

void ExactSession::keep_up() {
  trace_->follow_wrappers();
  for (const auto& pools : pools_) pools->keep_up();
  for (const auto& growth : growth_) growth.slices->keep_up();
}

model::CollectorStatus ExactSession::growth_collector() const {
  using State = model::CollectorState;
  if (!growth_.empty()) return {"go_growth", "L2", State::kCollecting, "", growth_.front().slices->caveat()};
  return {"go_growth", "L2", State::kUnavailable, growth_problem_->first, growth_problem_->second};
}

model::Snapshot ExactSession::snapshot(const std::string& target_name) {
  const std::vector<model::BurstRecord> records{trace_->read()};
  std::vector<model::PoolBurstRecord> pools;
  for (const auto& each : pools_) pools.push_back(each->read_exact());
  std::vector<model::BurstRecord> slices;
  for (auto& growth : growth_) slices.push_back(growth.slices->read_exact(growth.image));
  const std::span<const model::BurstRecord> allocations(records.data(), is_go_ ? 0 : records.size());
  model::TargetSnapshot target = estimate::summarize({allocations, {}, pools, {}, {}, slices});
  target.name = target_name;
  target.runtime = is_go_ ? "go" : "native";
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
  if (!is_go_) target.collectors.push_back(status);
  if (!pools_fault_.empty() && pools_.empty()) {
    target.collectors.push_back(
        {"custom_pools", "L2", model::CollectorState::kUnavailable, "function_not_found", pools_fault_});
  }
  for (const auto& each : pools_) {
    const bool is_listed =
        std::ranges::any_of(target.collectors, [&](const auto& other) { return other.name == each->collector(); });
    if (!is_listed)
      target.collectors.push_back({each->collector(), "L2", model::CollectorState::kCollecting, "", each->caveat()});
  }
  if (growth_problem_ || !growth_.empty()) target.collectors.push_back(growth_collector());

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

// What a TargetMonitor knows of its target, as collectors' states, snapshots and records.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/estimate/carried_totals.h"
#include "agent/estimate/target_summary.h"
#include "agent/sampler/target_monitor.h"

namespace poolscope::sampler {
namespace {

// Why a burst was not taken that the next one may be; a process that ended is one of several.
const std::set<std::string> kPassing{"budget_exhausted", "detach_pending",  "target_forked",
                                     "target_execed",    "released_early",  "no_such_process",
                                     "process_gone",     "too_few_samples", "no_budget"};

}  // namespace

model::CollectorStatus TargetMonitor::collector(const char* name, bool has_data,
                                                const std::optional<Problem>& problem) const {
  model::CollectorStatus status{name, "L2", model::CollectorState::kIdle, "starting",
                                "the first burst is still to come"};
  if (no_process_) {
    status.state = model::CollectorState::kUnavailable;
    status.reason = no_process_->reason;
    status.detail = no_process_->detail;
  } else if (problem) {
    const bool passing = kPassing.contains(problem->reason);
    status.state = passing ? model::CollectorState::kIdle : model::CollectorState::kUnavailable;
    if (passing && has_data) status.state = model::CollectorState::kCollecting;
    status.reason = status.state == model::CollectorState::kCollecting ? "" : problem->reason;
    status.detail = problem->detail;
  } else if (has_data) {
    status = {name, "L2", model::CollectorState::kCollecting, "", ""};
  }
  return status;
}

std::vector<model::CollectorStatus> TargetMonitor::pool_collectors() const {
  std::optional<Problem> problem = pools_.problem();
  std::string caveat = pools_.remark();
  const char* name = is_go() ? "go_pools" : "custom_pools";
  bool any = is_go();
  for (const auto& [key, process] : processes_) {
    if (process.pools_problem()) problem = process.pools_problem();
    any |= process.pools_problem().has_value() || process.pools() != nullptr;
    if (process.pools() == nullptr) continue;
    if (caveat.empty()) caveat = process.pools()->caveat();
  }
  if (!problem && book_.pool_bursts().empty()) problem = last_pools_problem_;  // of a process that has ended meanwhile
  if (!any && !probing_.custom_pools().empty() && !no_process_) {
    problem = Problem{"no_pools", "none of the pools of `custom_pools:` is in this target"};
    any = true;
  }
  std::vector<model::CollectorStatus> result;
  if (!any) return result;
  result.push_back(collector(name, !book_.pool_bursts().empty(), problem));
  if (result.back().detail.empty()) result.back().detail = caveat;
  if (is_go()) {
    result.push_back(gc_collector());
    result.push_back(growth_collector());
  }
  return result;
}

model::CollectorStatus TargetMonitor::gc_collector() const {
  std::optional<Problem> problem;
  std::string limits;
  for (const auto& [key, process] : processes_) {
    if (process.go_runtime_problem()) problem = process.go_runtime_problem();
    if (process.go_runtime() != nullptr && !process.go_runtime()->limits().empty()) {
      limits = process.go_runtime()->limits().front();
    }
  }
  model::CollectorStatus status = collector("go_runtime", gc_.has_data(), gc_.has_data() ? std::nullopt : problem);
  status.level = "L0";
  if (status.detail.empty()) status.detail = limits;
  return status;
}

model::CollectorStatus TargetMonitor::growth_collector() const {
  std::optional<Problem> problem = growth_.problem();
  std::string caveat;
  for (const auto& [key, process] : processes_) {
    if (process.growth_problem()) problem = process.growth_problem();
    if (process.growth() != nullptr && caveat.empty()) caveat = process.growth()->caveat();
  }
  model::CollectorStatus status = collector("go_growth", !book_.slice_growth().empty(), problem);
  if (status.detail.empty()) status.detail = caveat;
  return status;
}

model::CollectorStatus TargetMonitor::cpu_collector() const {
  auto problem = cpu_.problem();
  const bool has_remark = problem && problem->reason.empty();
  const std::string remark = has_remark ? problem->detail : "";
  if (has_remark) problem.reset();
  model::CollectorStatus status = collector("cpu_share", cpu_.has_data(), problem);
  status.level = "L1";
  if (status.detail.empty()) status.detail = remark;
  return status;
}

std::vector<model::CollectorStatus> TargetMonitor::collectors() const {
  const auto has = [this](model::BurstKind kind) {
    return std::ranges::any_of(book_.bursts(), [kind](const auto& record) { return record.kind == kind; });
  };
  std::vector<model::CollectorStatus> result;
  if (kinds().native || !is_go()) {  // malloc is not where a Go program allocates
    result = {collector("alloc_bursts", has(model::BurstKind::kRate), rate_problem_),
              collector("alloc_cohorts", has(model::BurstKind::kCohort), cohort_problem_)};
    if (turns_.is_churn_known() && result.back().detail.empty()) {
      result.back().detail =
          fmt::format("churn is known to {:.0f} points: one burst in {} is a cohort, to see when it changes",
                      100 * kChurnKnown, budget::BurstTurns::kCohortEveryKnown);
    }
  }
  std::ranges::move(pool_collectors(), std::back_inserter(result));
  result.push_back(cpu_collector());
  if (auto pages = pages_.collector()) result.push_back(*std::move(pages));
  return result;
}

const model::TargetStatus& TargetMonitor::look(std::uint64_t now_ns) {
  model::TargetStatus status;
  status.name = name_;
  status.runtime = is_go() ? "go" : "native";
  status.labels = labels_;
  for (const auto& [key, process] : processes_) {
    status.processes.push_back({key, process.start_time_unix_ns(), process.command()});
    if (status.allocator.empty() && process.plan() != nullptr) status.allocator = process.plan()->allocator();
  }
  status.collectors = collectors();
  status.gc_running = gc_.running();
  status.at_ns = now_ns;
  return book_.keep(std::move(status));
}

model::TargetSnapshot TargetMonitor::snapshot() const {
  const std::uint64_t changes = book_.changes() + gc_.changes() + pages_.changes();
  if (said_ && said_changes_ == changes) return *said_;
  estimate::TargetRecords records = book_.records();
  records.gc = gc_.records();
  said_ = estimate::summarize_target({book_.status(), records, pages_.records(), gc_.total(), pages_.total()});
  said_changes_ = changes;
  return *said_;
}

model::CarriedTotals TargetMonitor::totals(std::uint64_t now_ns) const {
  return estimate::carry(now_ns, gc_.total(), pages_.total());
}

void TargetMonitor::retell(model::RecordSink& to) const {
  const model::TargetSink sink(&to, id_);
  sink.take(estimate::carry(0, gc_.forgotten(), pages_.forgotten()));
  book_.retell(sink);
  for (const auto& record : gc_.records()) sink.take(record);
  pages_.retell(sink);
}

}  // namespace poolscope::sampler

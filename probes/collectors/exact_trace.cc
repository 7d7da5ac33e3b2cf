#include "probes/collectors/exact_trace.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "probes/collectors/alloc_record.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::probes {

using Probes = AllocPrograms::Probes;

Result<std::unique_ptr<ExactTrace>, BurstFailure> ExactTrace::start(AllocPrograms& programs, attach::Detacher& detacher,
                                                                    const HitCosts& costs) {
  const auto slot = programs.acquire_slot();
  if (!slot) return Failure{BurstFailure{BurstFailure::Reason::kNoSlot, "earlier probes are still being removed"}};
  return std::unique_ptr<ExactTrace>(new ExactTrace(programs, detacher, *slot, costs));
}

ExactTrace::ExactTrace(AllocPrograms& programs, attach::Detacher& detacher, std::uint32_t slot, const HitCosts& costs)
    : programs_(programs), detacher_(detacher), slot_(slot), costs_(costs), start_ns_(process::monotonic_ns()) {
  alloc_control& control = programs_.control(slot_);
  control.deadline_ns = ~std::uint64_t{0};
  control.tgid = 0;  // every process that is probed counts
  control.armed = ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS;
}

ExactTrace::~ExactTrace() {
  programs_.control(slot_).armed = 0;
  attach::UprobeLinks all;
  for (auto& [pid, process] : processes_)
    std::move(process.links.begin(), process.links.end(), std::back_inserter(all));
  detacher_.detach(std::move(all), [&programs = programs_, slot = slot_] { programs.release_slot(slot); });
}

std::optional<BurstFailure> ExactTrace::add(ProcessImage image, const AllocatorPlan& plan) {
  const pid_t pid = image.key().pid;
  remove(pid);
  processes_.erase(pid);
  Process& process = processes_.emplace(pid, Process{std::move(image), CallerSteps{}, {}}).first->second;
  process.first_cpu_ns = process.last_cpu_ns = process::cpu_time_ns(pid).value_or(0);
  if (plan.moves_large_blocks_by_mremap) programs_.control(slot_).mremap_min_bytes = 128 << 10;
  if (!programs_.set_code(static_cast<std::uint32_t>(pid), code_of(plan))) {
    return BurstFailure{BurstFailure::Reason::kAttach, "too many processes at once; this one is not counted"};
  }
  process.steps.seed(process.image);
  process.steps.apply(programs_, slot_, process.image);
  return attach(plan, process);
}

std::optional<BurstFailure> ExactTrace::attach(const AllocatorPlan& plan, Process& process) {
  // Frees first: an object must not be born before its death can be seen.
  for (const bool freeing : {true, false}) {
    for (const auto& object : plan.objects) {
      std::vector<attach::ProbeSite> sites;
      for (const auto& function : object.functions) {
        if ((function.function == ALLOC_FN_FREE) != freeing) continue;
        const auto& point = freeing ? function.entry : function.lives;
        sites.push_back({point.file_offset, pack_cookie(function.function, point, slot_, function.number)});
      }
      auto links = programs_.attach(freeing ? Probes::kFree : Probes::kLives, process.image.key().pid, object.open_path,
                                    sites, object.name);
      if (!links) return BurstFailure{BurstFailure::Reason::kAttach, attach::describe(links.error())};
      std::move(links->begin(), links->end(), std::back_inserter(process.links));
    }
  }
  return std::nullopt;
}

void ExactTrace::remove(pid_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  detacher_.detach(std::move(found->second.links));
  found->second.links.clear();
}

// What a process used after the last look and before its end is not known; the sum is a little too small.
void ExactTrace::look_at_cpu_time() {
  for (auto& [pid, process] : processes_) {
    process.last_cpu_ns = std::max(process.last_cpu_ns, process::cpu_time_ns(pid).value_or(0));
  }
}

void ExactTrace::follow_wrappers() {
  look_at_cpu_time();
  const AllocResults results = programs_.peek_results(slot_);
  for (auto& [pid, process] : processes_) {
    std::vector<std::pair<site_key, site>> own;
    for (const auto& entry : results.sites) {
      if (static_cast<pid_t>(static_cast<std::uint32_t>(entry.first.generation)) == pid) own.push_back(entry);
    }
    if (process.steps.learn(process.image, own)) process.steps.apply(programs_, slot_, process.image);
  }
}

model::BurstRecord ExactTrace::read() {
  const std::uint64_t now_ns = process::monotonic_ns();
  const AllocResults results = programs_.peek_results(slot_);
  const HitPrices& prices = costs_.emulated_ns;
  model::BurstRecord record;
  record.kind = model::BurstKind::kExact;
  if (!processes_.empty()) record.process = processes_.begin()->second.image.key();
  record.allocation_window.start_ns = start_ns_;
  record.allocation_window.length_ns = now_ns - start_ns_;
  record.allocation_window.probe_hits = sum_of(results.counts.window_hits);
  record.allocation_window.charge_ns = charge_ns(results.counts.window_hits, prices);
  look_at_cpu_time();
  for (const auto& [pid, process] : processes_) {
    record.allocation_window.cpu_ns += process.last_cpu_ns - process.first_cpu_ns;
  }
  record.free_window = record.allocation_window;
  record.counts.allocations = results.counts.allocations;
  record.counts.allocated_bytes = results.counts.allocated_bytes;
  record.counts.reallocations = results.counts.reallocations;
  record.counts.frees = results.counts.frees;
  record.size_bytes = size_histogram(results.counts);
  record.lifetimes = lifetimes(results, now_ns);
  record.lifetimes.followed_ns = record.allocation_window.length_ns;
  record.frees_of_older = results.counts.frees_of_older;
  record.probe_hits = sum_of(results.counts.hits);
  record.charge_ns = charge_ns(results.counts.hits, prices);
  record.dropped = dropped_by_reason(results.counts);
  for (auto& [pid, process] : processes_) {
    for (auto& site : call_sites(results, process.image)) record.call_sites.push_back(std::move(site));
    for (auto& chain : growth_chains(results, process.image)) record.growth_chains.push_back(std::move(chain));
  }
  return record;
}

}  // namespace poolscope::probes

#include "agent/sampler/cpu_monitor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/estimate/cpu_share.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

using probes::CodePart;
using Mode = probes::CpuSamples::Mode;

std::uint64_t* counter_of(CodePart part, model::CpuShareRecord& sums) {
  switch (part) {
    case CodePart::kAllocator:
    case CodePart::kMemoryCall:
      return &sums.allocator;
    case CodePart::kCopy:
      return &sums.copy;
    case CodePart::kGc:
      return &sums.gc;
    case CodePart::kOther:
      break;
  }
  return nullptr;
}

}  // namespace

void count_places(std::span<const probes::CpuSamples::Place> places, const probes::ProcessParts* parts,
                  model::CpuShareRecord& sums) {
  std::uint64_t samples = 0;
  for (const auto& place : places) {
    if (place.mode == Mode::kPageFault) {
      ++samples;
      ++sums.page_fault;
      continue;
    }
    const CodePart part = parts == nullptr ? CodePart::kOther : parts->at(place.user_address);
    // These functions call nothing of the kernel: a probe or a device came in between.
    const bool is_interrupted =
        place.mode == Mode::kKernel && part != CodePart::kOther && part != CodePart::kMemoryCall;
    if (is_interrupted) continue;
    ++samples;
    if (std::uint64_t* counter = counter_of(part, sums)) ++*counter;
  }
  sums.samples += samples;
  if (parts == nullptr || !parts->knows_allocator()) sums.no_allocator += samples;
  if (parts == nullptr || !parts->knows_copy()) sums.no_copy += samples;
  if (parts == nullptr || !parts->knows_gc()) sums.no_gc += samples;
  if (parts != nullptr && parts->collects()) sums.collecting += samples;
}

void CpuMonitor::set_processes(std::span<const model::ProcessKey> keys) {
  const auto is_here = [&](const model::ProcessKey& key) { return std::ranges::find(keys, key) != keys.end(); };
  std::erase_if(watches_, [&](const auto& entry) { return !is_here(entry.first); });
  if (keys.empty()) return;
  const auto samples = probing_.cpu_samples();
  if (!samples) return;
  if (start_ns_ == 0) start_ns_ = process::monotonic_ns();
  are_too_many_ = false;
  for (const auto& key : keys) {
    if (watches_.contains(key)) continue;
    auto watch = (*samples)->watch(key.pid);
    are_too_many_ |= watch == nullptr;
    if (watch != nullptr) watches_.emplace(key, std::move(watch));
  }
}

void CpuMonitor::count(const model::ProcessKey& key, const probes::ProcessParts* parts) {
  const auto found = watches_.find(key);
  if (found == watches_.end()) return;
  const auto taken = found->second->take();
  sums_.lost += taken.lost;
  sums_.charge_ns += taken.charge_ns;
  count_places(taken.places, parts, sums_);
}

void CpuMonitor::take_last(WatchedProcess& process, WatchedProcess* image_of) {
  const auto found = watches_.find(process.key());
  if (found == watches_.end() || found->second->is_empty()) return;
  // A child that only forked has the code of its parent where the parent has it.
  const bool is_alike = image_of != nullptr && image_of->command() == process.command();
  WatchedProcess& known = !process.is_known() && is_alike ? *image_of : process;
  count(process.key(), known.code_parts(probing_));
}

std::uint64_t CpuMonitor::close(std::uint64_t now_ns, std::map<model::ProcessKey, WatchedProcess>& processes) {
  unsigned new_processes = 0;
  for (auto& [key, process] : processes) {
    const auto watch = watches_.find(key);
    if (watch == watches_.end() || watch->second->is_empty()) continue;
    if (!process.is_known() && !process.problem()) {
      if (++new_processes > kMaxNewProcesses) continue;
      process.prepare(probing_);
    }
    count(key, process.code_parts(probing_));
  }
  model::CpuShareRecord record = std::exchange(sums_, {});
  const std::uint64_t charge_ns = record.charge_ns;
  if (start_ns_ == 0) return charge_ns;
  record.start_ns = std::exchange(start_ns_, now_ns);
  if (record == model::CpuShareRecord{.start_ns = record.start_ns}) return charge_ns;  // it did not run
  record.length_ns = now_ns - record.start_ns;
  book_.keep(record);
  return charge_ns;
}

bool CpuMonitor::has_data() const {
  return estimate::add_up(book_.cpu_shares()).samples >= estimate::kFewestCpuSamples;
}

std::optional<Problem> CpuMonitor::problem() const {
  if (const auto& why = probing_.cpu_samples_problem()) return Problem{why->reason, why->detail};
  if (are_too_many_)
    return Problem{"too_many_processes",
                   fmt::format("{} processes are sampled already, more are not", CPU_SAMPLES_PROCESSES)};
  if (!probing_.can_pay_cpu_samples())
    return Problem{"no_budget", "budget.cpu_ratio does not pay for one sample a second"};
  const auto sum = estimate::add_up(book_.cpu_shares());
  if (sum.samples < estimate::kFewestCpuSamples)  // how many there are changes all the time: what is said should not
    return Problem{"too_few_samples",
                   fmt::format("a share takes {} samples, some two seconds of CPU time", estimate::kFewestCpuSamples)};
  const double most_unknown = estimate::kMostUnknown * static_cast<double>(sum.samples);
  const auto is_unknown = [&](std::uint64_t samples) { return static_cast<double>(samples) > most_unknown; };
  if (is_unknown(sum.no_allocator) || is_unknown(sum.no_copy) || is_unknown(sum.no_gc))
    return Problem{"",
                   "parts are missing: files of the target name none of the functions that allocate, copy or collect "
                   "(stripped, or ended before they were read)"};
  return std::nullopt;
}

}  // namespace poolscope::sampler

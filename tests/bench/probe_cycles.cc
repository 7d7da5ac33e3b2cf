// probe_cycles PID N: attaches and detaches all allocation probes N times on a running process, counting in between, and
// prints what that did to ourselves: descriptors and resident memory before and after.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "agent/sampler/probing.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/caller_steps.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/collectors/process_image.h"
#include "probes/process/process.h"

namespace {

using namespace poolscope;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "probe_cycles: %s\n", why.c_str());
  std::exit(1);
}

long descriptors() {
  long count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: probe_cycles PID CYCLES");
  const int cycles = std::atoi(argv[2]);
  auto probing = sampler::Probing::start({});
  if (!probing) give_up(attach::describe(probing.error()));
  const auto status = process::check_observable(std::atoi(argv[1]));
  if (!status) give_up(process::describe(status.error()));
  auto image = probes::ProcessImage::read(status->key, (*probing)->elf_cache());
  if (!image) give_up(process::describe(image.error()));
  const auto plan = probes::plan_allocators(*image);
  if (!plan) give_up(plan.error().detail);
  probes::CallerSteps steps;
  probes::AllocBursts bursts((*probing)->programs(), (*probing)->detacher(), (*probing)->calibration().costs);

  (*probing)->detacher().wait_idle();
  const long descriptors_before = descriptors();
  long resident_warm = 0;
  unsigned long long events = 0;
  int interrupted = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    if (cycle == cycles / 10) resident_warm = resident_kib();
    auto clock = (*probing)->open_cpu_clock(status->key.pid);
    if (!clock) give_up(process::describe(clock.error()));
    const probes::BurstTarget target{*image, *plan, *clock, steps};
    const bool follow = cycle % 2 == 1;
    auto record = follow ? bursts.cohort(target, {200'000, 1'000'000, 0}) : bursts.rate(target, {300'000, 0});
    if (record) {
      events += record->counts.allocations + record->counts.frees;
    } else if (record.error().reason == probes::BurstFailure::Reason::kTargetForked) {
      ++interrupted;
    } else if (record.error().reason == probes::BurstFailure::Reason::kNoSlot) {
      (*probing)->detacher().wait_idle();
      --cycle;  // this one did not happen
    } else {
      give_up(record.error().detail);
    }
  }
  (*probing)->detacher().wait_idle();
  std::printf(
      "{\"cycles\": %d, \"interrupted_by_forks\": %d, \"events\": %llu, \"descriptors_before\": %ld, "
      "\"descriptors_after\": %ld, \"resident_kib_warm\": %ld, \"resident_kib_after\": %ld}\n",
      cycles, interrupted, events, descriptors_before, descriptors(), resident_warm, resident_kib());
}

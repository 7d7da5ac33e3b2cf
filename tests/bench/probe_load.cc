// probe_load PID MODE: keeps one way of probing attached to a process until stdin ends, for benchmarks.
//   entry            every malloc and free counted, probes at the first instruction
//   chosen           the same at the chosen probe points
//   lives            what a cohort does all the time: entry and return of allocations, frees, lifetimes; chosen points
//   lives_at_entry   the same with all probes at the first instruction
// Prints "ready" when the probes are in place and, at the end, how many events were counted.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include "agent/sampler/probing.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/process_image.h"
#include "probes/elf/probe_point.h"
#include "probes/process/process.h"

namespace {

using namespace poolscope;
using Probes = probes::AllocPrograms::Probes;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "probe_load: %s\n", why.c_str());
  std::exit(1);
}

struct Mode {
  bool lives = false;
  bool at_entry = false;
};

Mode mode_of(const std::string& name) {
  if (name == "entry") return {false, true};
  if (name == "chosen") return {false, false};
  if (name == "lives") return {true, false};
  if (name == "lives_at_entry") return {true, true};
  give_up("unknown mode " + name);
}

const elf::ElfFile& file_of(const probes::ProcessImage& image, const probes::PlannedObject& planned) {
  for (const auto& object : image.objects()) {
    if (object.open_path == planned.open_path) return *object.file;
  }
  give_up(planned.name + " is not mapped any more");
}

attach::ProbeSite site_of(const elf::ElfFile& file, const probes::PlannedFunction& function, const Mode& mode,
                          std::uint32_t slot) {
  const bool returns = mode.lives && function.function != ALLOC_FN_FREE;
  elf::ProbePoint point = returns ? function.lives : function.entry;
  if (mode.at_entry) {
    auto entry =
        elf::entry_probe_point(file, point.function_address, {static_cast<unsigned>(point.arguments.size()), returns});
    if (!entry) give_up(elf::describe(entry.error()));
    point = *entry;
  }
  return {point.file_offset, probes::pack_cookie(function.function, point, slot, function.number)};
}

attach::UprobeLinks attach_all(sampler::Probing& probing, const probes::ProcessImage& image,
                               const probes::AllocatorPlan& plan, const Mode& mode, std::uint32_t slot) {
  attach::UprobeLinks all;
  for (const auto& object : plan.objects) {
    for (const bool freeing : {true, false}) {
      std::vector<attach::ProbeSite> sites;
      for (const auto& function : object.functions) {
        if ((function.function == ALLOC_FN_FREE) != freeing) continue;
        sites.push_back(site_of(file_of(image, object), function, mode, slot));
      }
      const Probes probes = freeing ? Probes::kFree : mode.lives ? Probes::kLives : Probes::kRate;
      auto links = probing.programs().attach(probes, image.key().pid, object.open_path, sites, object.name);
      if (!links) give_up(attach::describe(links.error()));
      for (auto& link : *links) all.push_back(std::move(link));
    }
  }
  return all;
}

void wait_for_end_of_input() {
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: probe_load PID entry|chosen|lives|lives_at_entry");
  const Mode mode = mode_of(argv[2]);
  auto probing = sampler::Probing::start({});
  if (!probing) give_up(attach::describe(probing.error()));
  const auto status = process::check_observable(std::atoi(argv[1]));
  if (!status) give_up(process::describe(status.error()));
  auto image = probes::ProcessImage::read(status->key, (*probing)->elf_cache());
  if (!image) give_up(process::describe(image.error()));
  const auto plan = probes::plan_allocators(*image);
  if (!plan) give_up(plan.error().detail);

  auto& programs = (*probing)->programs();
  const auto slot = programs.acquire_slot();
  if (!slot) give_up("no burst slot is free");
  alloc_control& control = programs.control(*slot);
  control.deadline_ns = ~std::uint64_t{0};
  control.tgid = static_cast<__u32>(status->key.pid);
  control.code = probes::code_of(*plan);
  attach::UprobeLinks links = attach_all(**probing, *image, *plan, mode, *slot);
  control.armed =
      ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_FREES | (mode.lives ? ALLOC_ARMED_BIRTHS | ALLOC_ARMED_DEATHS : 0u);
  std::puts("ready");
  std::fflush(stdout);
  wait_for_end_of_input();
  control.armed = 0;
  const alloc_counts counts = programs.read_counts(*slot);
  std::printf("{\"allocations\": %llu, \"frees\": %llu}\n", counts.allocations, counts.frees);
}

// Any list of allocations, frees and jumps out of them, for the logic of the BPF programs. With maps that are large enough
// all counts and lives must equal the reference; with full ones every birth must be accounted for.
#include <cstdint>
#include <cstdio>
#include <span>

#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/probes/alloc_world.h"

using namespace poolscope::probes::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSettingsBytes = 5, kMaxBytes = 4096;
  if (size < kSettingsBytes || size > kMaxBytes) return 0;
  MapCapacities capacities;
  if (data[0] & 1) capacities = {data[1] % 16u, data[2] % 8u, data[3] % 4u, data[4] % 5u};
  AllocWorld world(data[0] & 2 ? Mode::kPair : Mode::kSession, capacities);
  const auto operations = operations_from(std::span(data, size).subspan(kSettingsBytes));
  for (const auto& operation : operations) {
    world.perform(operation);
    const auto broken = world.broken_promise();
    if (broken) std::fprintf(stderr, "%s\nin\n%s", broken->c_str(), to_text(operations).c_str());
    FUZZ_CHECK(!broken);
  }
  return 0;
}

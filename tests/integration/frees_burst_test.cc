// A burst that counts frees alone, on a real process: what it counts, and that it puts no return probe into it.
#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include "agent/sampler/probing.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/process/process.h"
#include "tests/integration/start_or_skip.h"
#include "tests/unit/process/child.h"

namespace {

using namespace poolscope;

// Each round one block is made, moved by a reallocation, and freed.
void allocate_for_ever() {
  for (;;) {
    void* volatile block = std::malloc(64);
    block = std::realloc(block, 200);
    std::free(block);
  }
}

class FreesBurst : public testing::Test {
 protected:
  void SetUp() override { start_or_skip(probing_, probes::LoadOptions{}); }
  std::unique_ptr<sampler::Probing> probing_;
};

TEST_F(FreesBurst, CountsFreesAndNothingElse) {
  sampler::Probing& probing = *probing_;
  process::test::Child child(allocate_for_ever);
  const auto status = process::check_observable(child.pid());
  ASSERT_TRUE(status);
  auto image = probes::ProcessImage::read(status->key, probing.elf_cache());
  ASSERT_TRUE(image);
  const auto plan = probes::plan_allocators(*image);
  ASSERT_TRUE(plan) << plan.error().detail;
  auto clock = probing.open_cpu_clock(child.pid());
  ASSERT_TRUE(clock);
  probes::CallerSteps steps;
  probes::AllocBursts bursts(probing.programs(), probing.detacher(), probing.calibration().costs);
  constexpr std::uint64_t kHits = 200;
  const probes::BurstTarget target{*image, *plan, *clock, steps};
  const auto record = bursts.frees(target, {.length_ns = 1'000'000'000, .hits = kHits});
  ASSERT_TRUE(record) << record.error().detail;

  EXPECT_EQ(record->kind, model::BurstKind::kFrees);
  EXPECT_TRUE(record->free_window.ended_by_count);
  EXPECT_NEAR(static_cast<double>(record->counts.frees), kHits, 64) << "and not one more for each reallocation";
  EXPECT_EQ(record->frees_of_older, record->counts.frees) << "nobody was followed";
  EXPECT_EQ(record->free_window.probe_hits, record->counts.frees) << "a trap for each free, none for a reallocation";
  EXPECT_EQ(record->allocation_window.length_ns, 0u);
  EXPECT_EQ(record->counts.allocations, 0u);
  EXPECT_EQ(record->counts.reallocations, 0u);
  EXPECT_TRUE(record->call_sites.empty());
  EXPECT_EQ(record->site_generation, 0u) << "the sites that rate bursts saw stay the newest";
}

}  // namespace

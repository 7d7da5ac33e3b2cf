// Single bursts on a real process: what they count, where their windows end, and what they put into it.
#include "probes/collectors/alloc_bursts.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "agent/sampler/probing.h"
#include "probes/process/monotonic_clock.h"
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

class AllocBursts : public testing::Test {
 protected:
  void SetUp() override {
    start_or_skip(probing_, probes::LoadOptions{});
    if (!probing_) return;
    const auto status = process::check_observable(child_.pid());
    ASSERT_TRUE(status);
    auto image = probes::ProcessImage::read(status->key, probing_->elf_cache());
    ASSERT_TRUE(image);
    image_.emplace(std::move(*image));
    auto plan = probes::plan_allocators(*image_);
    ASSERT_TRUE(plan) << plan.error().detail;
    plan_ = std::move(*plan);
    auto clock = probing_->open_cpu_clock(child_.pid());
    ASSERT_TRUE(clock);
    clock_.emplace(std::move(*clock));
  }

  probes::BurstTarget target() { return {*image_, plan_, *clock_, steps_}; }
  probes::AllocBursts bursts() { return {probing_->programs(), probing_->detacher(), probing_->calibration().costs}; }

 private:
  std::unique_ptr<sampler::Probing> probing_;
  process::test::Child child_{allocate_for_ever};
  std::optional<probes::ProcessImage> image_;
  probes::AllocatorPlan plan_;
  std::optional<probes::CpuClock> clock_;
  probes::CallerSteps steps_;
};

TEST_F(AllocBursts, OnFreesCountFreesAndNothingElse) {
  constexpr std::uint64_t kHits = 200;
  const auto record = bursts().frees(target(), {.length_ns = 1'000'000'000, .hits = kHits});
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

// Beside others the process may not have been on a CPU while a window was open: such bursts tell nothing. Nor do those for which there is no slot yet,
// because the probes of earlier ones are still being removed.
template <typename IsTelling>
std::optional<model::BurstRecord> telling_cohort(probes::AllocBursts bursts, const probes::BurstTarget& target,
                                                 const probes::CohortLimits& limits, IsTelling is_telling) {
  constexpr std::uint64_t kLongestNs = 30'000'000'000;
  for (const std::uint64_t end_ns = process::monotonic_ns() + kLongestNs; process::monotonic_ns() < end_ns;
       std::this_thread::yield()) {
    auto record = bursts.cohort(target, limits);
    if (record && is_telling(*record)) return std::move(*record);
  }
  return std::nullopt;
}

TEST_F(AllocBursts, ThatFollowTellWhichOfTheirWindowsWasEndedByHits) {
  constexpr std::uint64_t kNoTime = 10'000'000'000;
  const auto has_births = [](const model::BurstRecord& record) { return record.counts.allocations > 0; };
  const auto record =
      telling_cohort(bursts(), target(), {.births_ns = 200'000, .follow_ns = kNoTime, .hits = 20'000}, has_births);
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->allocation_window.ended_by_count) << "the clock ended the births";
  EXPECT_TRUE(record->free_window.ended_by_count);
  EXPECT_LT(record->free_window.length_ns, kNoTime);

  const auto crowded =
      telling_cohort(bursts(), target(), {.births_ns = kNoTime, .follow_ns = kNoTime, .hits = 500}, has_births);
  ASSERT_TRUE(crowded);
  EXPECT_TRUE(crowded->allocation_window.ended_by_count);
  EXPECT_EQ(crowded->free_window.length_ns, 0u);
}

// It never waits, so births take as long as they would without probes, and all that probes take.
TEST_F(AllocBursts, StretchTheBirthsOfAProcessThatIsLate) {
  constexpr std::uint64_t kBirthsNs = 500'000, kNearNs = 100'000, kMost = probes::RateLimits::kMostDilation;
  const auto record = telling_cohort(
      bursts(), target(),
      {.births_ns = kBirthsNs, .follow_ns = 2 * kBirthsNs, .hits = 0, .pace = {}, .is_undilated = true},
      [](const model::BurstRecord& each) { return each.allocation_window.late_ns.value_or(0) > kBirthsNs / 2; });
  ASSERT_TRUE(record);
  const model::Window& births = record->allocation_window;
  EXPECT_GT(births.length_ns + kNearNs, std::min(kBirthsNs + *births.late_ns, kMost * kBirthsNs));
  ASSERT_TRUE(record->free_window.late_ns);
  EXPECT_LE(*record->free_window.late_ns, record->free_window.charge_ns)
      << "of that window alone, not of the births before it";
}

}  // namespace

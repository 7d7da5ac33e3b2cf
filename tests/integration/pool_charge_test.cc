// What a probe that runs at every garbage collection is charged: the trap, and what its walk over the pools took.

#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "probes/attach/detacher.h"
#include "probes/collectors/go_executable.h"
#include "probes/collectors/go_pools.h"
#include "probes/collectors/pool_programs.h"
#include "probes/collectors/process_image.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"
#include "tests/integration/go_process.h"

namespace {

using namespace poolscope;

constexpr unsigned kCollections = 20;

class PoolCharge : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = probes::PoolPrograms::load(attach::AttachMethod::kUprobeMulti, detacher_, 1u << 20);
    if (!loaded && std::getenv("POOLSCOPE_REQUIRE_BPF") == nullptr) GTEST_SKIP() << describe(loaded.error());
    ASSERT_TRUE(loaded) << describe(loaded.error());
    programs_ = std::move(*loaded);
  }

  // The watch of a program that uses the pool of fmt and collects.
  model::PoolWatchRecord watched(const probes::PoolHitCosts& costs) {
    test::GoProcess program({GO_TARGETS + std::string("/go_gc")});
    const auto status = process::check_observable(program.pid());
    const auto image = probes::ProcessImage::read(status->key, elf_cache_);
    const auto executable = probes::GoExecutable::open(*image);
    auto pools = probes::GoPools::open(*programs_, status->key, *executable, costs);
    if (const auto failure = (*pools)->watch(/*misses=*/false)) ADD_FAILURE() << failure->detail;
    const std::uint64_t start_ns = process::monotonic_ns();
    program.ask("gc " + std::to_string(kCollections));
    elapsed_ns_ = process::monotonic_ns() - start_ns;
    return (*pools)->take_watch();
  }

  attach::Detacher detacher_;
  std::unique_ptr<probes::PoolPrograms> programs_;
  probes::ElfCache elf_cache_;
  std::uint64_t elapsed_ns_ = 0;
};

TEST_F(PoolCharge, OfACleanupIsWhatItsWalkTook) {
  const auto record = watched({.emulated_ns = 0, .single_step_extra_ns = 0, .trap_ns = 0});
  EXPECT_EQ(record.collections, kCollections);
  EXPECT_GT(record.charge_ns, kCollections * 100u) << "reading the two words of sync.oldPools takes longer";
  EXPECT_LT(record.charge_ns, elapsed_ns_);
}

TEST_F(PoolCharge, OfACleanupHasThePriceOfTheTrapAndNotThatOfAGet) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  const auto record =
      watched({.emulated_ns = 100 * kSecondNs, .single_step_extra_ns = kSecondNs, .trap_ns = kSecondNs});
  EXPECT_EQ(record.probe_hits, kCollections);
  EXPECT_EQ(record.charge_ns / kSecondNs, 2u * kCollections);
}

}  // namespace

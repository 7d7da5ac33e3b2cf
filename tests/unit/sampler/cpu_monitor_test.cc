#include "agent/sampler/cpu_monitor.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace poolscope::sampler {
namespace {

using probes::CodePart;
using probes::FileParts;
using Mode = probes::CpuSamples::Mode;
using Place = probes::CpuSamples::Place;

constexpr std::uint64_t kBias = 0x10000;
constexpr std::uint64_t kMalloc = kBias + 0x1010, kMmap = kBias + 0x2010, kMemcpy = kBias + 0x3010,
                        kOwn = kBias + 0x9000;

probes::ProcessParts parts_of_a_program() {
  auto file = std::make_shared<FileParts>();
  file->ranges = {{0x1000, 0x1100, CodePart::kAllocator},
                  {0x2000, 0x2100, CodePart::kMemoryCall},
                  {0x3000, 0x3100, CodePart::kCopy}};
  file->allocates = file->copies = true;
  return probes::ProcessParts({{file, kBias}});
}

model::CpuShareRecord counted(const std::vector<Place>& places) {
  const auto parts = parts_of_a_program();
  model::CpuShareRecord sums;
  count_places(places, &parts, sums);
  return sums;
}

TEST(CountPlaces, TakesTheFunctionForThePart) {
  const auto sums =
      counted({{kMalloc, Mode::kUser}, {kMemcpy, Mode::kUser}, {kMemcpy, Mode::kUser}, {kOwn, Mode::kUser}});
  EXPECT_EQ(sums.samples, 4u);
  EXPECT_EQ(sums.allocator, 1u);
  EXPECT_EQ(sums.copy, 2u);
  EXPECT_EQ(sums.gc, 0u);
}

TEST(CountPlaces, APageFaultIsOneWhereverItHappens) {
  const auto sums = counted({{kMalloc, Mode::kPageFault}, {kMemcpy, Mode::kPageFault}, {0, Mode::kPageFault}});
  EXPECT_EQ(sums.page_fault, 3u);
  EXPECT_EQ(sums.allocator + sums.copy, 0u);
}

TEST(CountPlaces, WhatTheKernelDoesForMmapIsTheAllocators) {
  const auto sums = counted({{kMmap, Mode::kKernel}, {kMmap, Mode::kUser}});
  EXPECT_EQ(sums.allocator, 2u);
}

TEST(CountPlaces, LeavesOutProbesAndInterruptsInFunctionsThatCallNothingOfTheKernel) {
  const auto sums = counted({{kMalloc, Mode::kKernel}, {kMemcpy, Mode::kKernel}, {kOwn, Mode::kKernel}});
  EXPECT_EQ(sums.samples, 1u) << "the system call of the program's own code";
  EXPECT_EQ(sums.allocator + sums.copy, 0u);
}

TEST(CountPlaces, OfAProcessThatWasNeverReadOnlyPageFaultsAreKnown) {
  model::CpuShareRecord sums;
  count_places(std::vector<Place>{{kMalloc, Mode::kUser}, {kMalloc, Mode::kPageFault}}, nullptr, sums);
  EXPECT_EQ(sums.samples, 2u);
  EXPECT_EQ(sums.page_fault, 1u);
  EXPECT_EQ(sums.no_allocator, 2u);
  EXPECT_EQ(sums.no_copy, 2u);
  EXPECT_EQ(sums.no_gc, 2u);
  EXPECT_EQ(sums.collecting, 0u);
}

TEST(CountPlaces, ANativeProgramCollectsNothingAndThatIsKnown) {
  const auto sums = counted({{kOwn, Mode::kUser}});
  EXPECT_EQ(sums.collecting, 0u);
  EXPECT_EQ(sums.no_gc, 0u);
}

}  // namespace
}  // namespace poolscope::sampler

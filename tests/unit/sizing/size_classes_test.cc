#include "pools/sizing/size_classes.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace poolscope::sizing {
namespace {

using Sizes = std::vector<std::uint64_t>;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 4096> part{};
  for (std::size_t got; pipe && (got = std::fread(part.data(), 1, part.size(), pipe.get())) > 0;)
    text.append(part.data(), got);
  return text;
}

Sizes numbers_in(const std::string& text) {
  static const std::regex number("[0-9]+");
  Sizes sizes;
  for (std::sregex_iterator at(text.begin(), text.end(), number), end; at != end; ++at)
    sizes.push_back(std::stoull(at->str()));
  return sizes;
}

// All sizes of blocks by our rules, as the program prints them by asking the allocator.
Sizes our_sizes(Allocator allocator) {
  Sizes sizes;
  for (std::uint64_t request = 1; request <= kCheckedBytes; request = sizes.back() + 1)
    sizes.push_back(usable_bytes(allocator, request));
  return sizes;
}

// Just above its threshold glibc still takes what the end of its heap can serve: not the same in any two programs.
void leave_out_end_of_heap(Sizes& sizes) {
  std::erase_if(sizes, [](std::uint64_t bytes) { return bytes > 131'048 && bytes < 135'144; });
}

struct Library {
  Allocator allocator;
  const char* preload;
};

class UsableBytes : public testing::TestWithParam<Library> {};

TEST_P(UsableBytes, AreWhatTheLibraryOfDebianHandsOut) {
  const std::string environment =
      GetParam().preload == nullptr ? "" : std::string("LD_PRELOAD=") + GetParam().preload + " ";
  Sizes ours = our_sizes(GetParam().allocator);
  Sizes asked = numbers_in(output_of(environment + POOLSCOPE_USABLE_SIZES + " " + std::to_string(kCheckedBytes)));
  ASSERT_GT(asked.size(), 40u) << "the library did not run";
  if (GetParam().allocator == Allocator::kGlibc) {
    leave_out_end_of_heap(ours);
    leave_out_end_of_heap(asked);
  }
  EXPECT_EQ(ours, asked);
}

INSTANTIATE_TEST_SUITE_P(Of, UsableBytes,
                         testing::Values(Library{Allocator::kGlibc, nullptr},
                                         Library{Allocator::kJemalloc, "libjemalloc.so.2"},
                                         Library{Allocator::kTcmalloc, "libtcmalloc_minimal.so.4"},
                                         Library{Allocator::kMimalloc, "libmimalloc.so.2"}),
                         [](const auto& one) { return std::string(name_of(one.param.allocator)); });

TEST(UsableBytesOfGo, AreTheClassesOfItsRuntime) {
  std::ifstream source("/usr/lib/go-1.19/src/runtime/sizeclasses.go");
  std::string line;
  while (std::getline(source, line) && line.find("var class_to_size ") == std::string::npos) continue;
  const std::size_t brace = line.find('{');
  ASSERT_NE(brace, std::string::npos) << "golang-1.19-src is not installed";
  Sizes classes = numbers_in(line.substr(brace));
  ASSERT_EQ(classes.front(), 0u);
  classes.erase(classes.begin());
  Sizes ours;
  for (std::uint64_t request = 1; request <= classes.back(); request = ours.back() + 1)
    ours.push_back(usable_bytes(Allocator::kGo, request));
  EXPECT_EQ(ours, classes);
  EXPECT_EQ(usable_bytes(Allocator::kGo, classes.back() + 1), 40960u) << "whole pages of 8 KiB";
}

TEST(UsableBytesOfMusl, LeaveFourBytesOfEachUnitOfSixteen) {
  EXPECT_EQ(usable_bytes(Allocator::kMusl, 1), 12u);
  EXPECT_EQ(usable_bytes(Allocator::kMusl, 12), 12u);
  EXPECT_EQ(usable_bytes(Allocator::kMusl, 13), 28u);
  EXPECT_EQ(usable_bytes(Allocator::kMusl, 4092), 292u * 16 - 4);
  EXPECT_EQ(usable_bytes(Allocator::kMusl, 131053), 131052u + 4096)
      << "mapped: pages, of which 20 bytes belong to musl";
}

class AnyAllocator : public testing::TestWithParam<Allocator> {};

TEST_P(AnyAllocator, GivesAtLeastWhatWasAskedAndTheSameForAllThatItGave) {
  for (std::uint64_t request = 1; request < std::uint64_t{1} << 44; request += request / 7 + 1) {
    const std::uint64_t usable = usable_bytes(GetParam(), request);
    ASSERT_GE(usable, request);
    ASSERT_EQ(usable_bytes(GetParam(), usable), usable) << "of " << request;
  }
  EXPECT_EQ(usable_bytes(GetParam(), 0), usable_bytes(GetParam(), 1));
  EXPECT_EQ(usable_bytes(GetParam(), ~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST_P(AnyAllocator, ListsEverySizeInARange) {
  const Sizes sizes = usable_sizes(GetParam(), 1000, 4000);
  EXPECT_EQ(sizes.front(), usable_bytes(GetParam(), 1000));
  EXPECT_EQ(sizes.back(), usable_bytes(GetParam(), 4000));
  for (std::size_t i = 1; i < sizes.size(); ++i)
    EXPECT_EQ(sizes[i], usable_bytes(GetParam(), sizes[i - 1] + 1)) << "none is left out";
}

TEST_P(AnyAllocator, ListsAtMostSoManySizesFromTheFirstToTheLast) {
  const Sizes sizes = usable_sizes(GetParam(), 1, 1 << 20, 20);
  EXPECT_LE(sizes.size(), 20u);
  EXPECT_EQ(sizes.front(), usable_bytes(GetParam(), 1));
  EXPECT_EQ(sizes.back(), usable_bytes(GetParam(), 1 << 20));
  EXPECT_TRUE(std::ranges::is_sorted(sizes));
  EXPECT_TRUE(usable_sizes(GetParam(), 1, 100, 0).empty());
}

TEST_P(AnyAllocator, IsFoundByItsName) {
  EXPECT_EQ(allocator_named(name_of(GetParam())), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Of, AnyAllocator,
                         testing::Values(Allocator::kGlibc, Allocator::kJemalloc, Allocator::kTcmalloc,
                                         Allocator::kMimalloc, Allocator::kMusl, Allocator::kGo),
                         [](const auto& one) { return std::string(name_of(one.param)); });

TEST(AllocatorNamed, DoesNotKnowOthers) {
  EXPECT_EQ(allocator_named("hoard"), std::nullopt);
  EXPECT_EQ(allocator_named(""), std::nullopt);
}

TEST(HighestCliff, IsTheLastOneBelowTheSize) {
  EXPECT_FALSE(highest_cliff(Allocator::kGlibc, 1032));
  EXPECT_EQ(highest_cliff(Allocator::kGlibc, 4096)->from_bytes, 1033u);
  EXPECT_EQ(highest_cliff(Allocator::kGlibc, 131064)->from_bytes, 131064u);
  EXPECT_EQ(highest_cliff(Allocator::kGo, 32769)->from_bytes, 32769u);
  EXPECT_FALSE(highest_cliff(Allocator::kJemalloc, 1 << 20));
}

}  // namespace
}  // namespace poolscope::sizing

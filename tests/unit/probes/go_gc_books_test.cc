#include "probes/collectors/go_gc_books.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "probes/collectors/go_gc_places.h"

namespace poolscope::probes {
namespace {

constexpr std::uint64_t kAllOnes = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMiB = 1u << 20;

// A program with 10 MiB marked, GOGC 100 and no limit, between two cycles.
struct WordsOfARuntime {
  std::array<__u64, GO_GC_WORDS> words{};
  std::uint64_t missing = 0;

  WordsOfARuntime() {
    words[GO_GC_CYCLES] = 7;
    words[GO_GC_PERCENT] = 100;
    words[GO_GC_MEMORY_LIMIT] = kNoLimit;
    words[GO_GC_PERCENT_GOAL] = 20 * kMiB;
    words[GO_GC_TRIGGERED] = kAllOnes;
    words[GO_GC_MARKED_BYTES] = 10 * kMiB;
    words[GO_GC_ALLOCATED_BYTES] = 100 * kMiB;
    words[GO_GC_FREED_BYTES] = 88 * kMiB;  // 12 MiB of objects
    words[GO_GC_FREE_HEAP_BYTES] = 3 * kMiB;
    words[GO_GC_MAPPED_BYTES] = 20 * kMiB;  // 5 MiB are no heap
  }
  WordsOfARuntime& with(go_gc_word word, std::uint64_t value) {
    words[word] = value;
    return *this;
  }
  WordsOfARuntime& without(go_gc_word word) {
    missing |= std::uint64_t{1} << word;
    return *this;
  }
  [[nodiscard]] GcBooks books() const { return GcBooks(words, missing); }
};

TEST(GcBooks, WordsOf32BitsLeaveOutWhatFollowsThem) {
  const auto books = WordsOfARuntime().with(GO_GC_CYCLES, 0xdead'0000'0007).books();
  EXPECT_EQ(books.get(GO_GC_CYCLES), 7u);
}

TEST(GcBooks, MissingWordIsAbsentNotZero) {
  const auto books = WordsOfARuntime().without(GO_GC_CPU_NS).books();
  EXPECT_EQ(books.get(GO_GC_CPU_NS), std::nullopt);
  EXPECT_EQ(books.get(GO_GC_PAUSE_NS), 0u);
}

struct GoalCase {
  const char* name;
  WordsOfARuntime runtime;
  std::optional<std::uint64_t> goal_bytes;
};

class HeapGoal : public testing::TestWithParam<GoalCase> {};

TEST_P(HeapGoal, IsThatOfTheRuntime) {
  EXPECT_EQ(heap_of(GetParam().runtime.books()).goal_bytes, GetParam().goal_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Table, HeapGoal,
    testing::Values(
        GoalCase{"OfGogc", WordsOfARuntime(), 20 * kMiB},
        GoalCase{"LimitFarAway", WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 1000 * kMiB), 20 * kMiB},
        // 22 MiB - 5 MiB that are no heap - 1 MiB of headroom
        GoalCase{"LimitIsNearer", WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 22 * kMiB), 16 * kMiB},
        GoalCase{"LimitWithGogcOff",
                 WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 56 * kMiB).with(GO_GC_PERCENT_GOAL, kAllOnes), 50 * kMiB},
        // 2 MiB above the limit are taken off twice: 18 - 5 - 2 - 1
        GoalCase{"LimitExceeded", WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 18 * kMiB).with(GO_GC_MARKED_BYTES, kMiB),
                 10 * kMiB},
        GoalCase{"LimitBelowWhatIsNoHeap", WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 4 * kMiB), 10 * kMiB},
        // 6.5 MiB - 5 MiB leave less than twice the headroom
        GoalCase{"SmallLimitGivesTheHeadroom",
                 WordsOfARuntime()
                     .with(GO_GC_MEMORY_LIMIT, 13 * kMiB / 2)
                     .with(GO_GC_MAPPED_BYTES, 6 * kMiB)
                     .with(GO_GC_FREED_BYTES, 99 * kMiB)
                     .with(GO_GC_FREE_HEAP_BYTES, 0)
                     .with(GO_GC_MARKED_BYTES, 0),
                 kMiB},
        GoalCase{"NeverBelowTheLiveHeap",
                 WordsOfARuntime().with(GO_GC_MEMORY_LIMIT, 14 * kMiB).with(GO_GC_MAPPED_BYTES, 17 * kMiB), 10 * kMiB},
        GoalCase{"SweepNeedsRoom", WordsOfARuntime().with(GO_GC_SWEEP_MIN_TRIGGER, 21 * kMiB), 21 * kMiB},
        GoalCase{"CycleTriggeredLate", WordsOfARuntime().with(GO_GC_TRIGGERED, 20 * kMiB), 20 * kMiB + 65536},
        GoalCase{"GogcOff", WordsOfARuntime().with(GO_GC_PERCENT_GOAL, kAllOnes), std::nullopt},
        GoalCase{"WordMissing", WordsOfARuntime().without(GO_GC_MAPPED_BYTES), std::nullopt}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(GcHeap, LiveHeapIsUnknownBeforeTheFirstCycle) {
  EXPECT_EQ(heap_of(WordsOfARuntime().books()).live_bytes, 10 * kMiB);
  EXPECT_EQ(heap_of(WordsOfARuntime().with(GO_GC_CYCLES, 0).books()).live_bytes, std::nullopt);
}

TEST(GcHeap, SettingsThatAreOffAreAbsent) {
  const auto on = heap_of(WordsOfARuntime().with(GO_GC_PERCENT, 0).with(GO_GC_MEMORY_LIMIT, 5).books());
  EXPECT_EQ(on.gogc_percent, 0);
  EXPECT_EQ(on.memory_limit_bytes, 5u);
  const auto off = heap_of(WordsOfARuntime().with(GO_GC_PERCENT, 0xffff'ffff).books());
  EXPECT_EQ(off.gogc_percent, std::nullopt);
  EXPECT_EQ(off.memory_limit_bytes, std::nullopt);
}

class HeapStats : public testing::Test {
 protected:
  void set(std::size_t generation, std::size_t offset, std::uint64_t value) {
    std::memcpy(copy.data() + generation * layout.generation_bytes + offset, &value, sizeof value);
  }
  void set_class(std::size_t generation, std::size_t size_class, std::uint64_t objects) {
    set(generation, layout.small_counts_offset + 8 * size_class, objects);
  }
  GcHeapLayout layout = gc_layout_of({1, 19})->heap;
  std::vector<std::byte> copy = std::vector<std::byte>(layout.total_bytes());
};

TEST_F(HeapStats, AreTheSumOfTheirGenerations) {
  set_class(0, 1, 10);  // 8 bytes
  set_class(1, 1, 5);
  set_class(2, 67, 2);  // 32768 bytes
  set(1, layout.large_bytes_offset, 1'000'000);
  set(1, layout.large_count_offset, 3);
  const auto sums = sum_allocations(layout, copy);
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->bytes, 15u * 8 + 2 * 32768 + 1'000'000);
  EXPECT_EQ(sums->objects, 15u + 2 + 3);
  EXPECT_EQ(sums->objects_by_class, (std::map<std::uint64_t, std::uint64_t>{{8, 15}, {32768, 2}}));
}

TEST_F(HeapStats, CutOffCopyGivesNothing) {
  copy.pop_back();
  EXPECT_FALSE(sum_allocations(layout, copy));
  EXPECT_FALSE(sum_allocations(layout, {}));
}

struct VersionCase {
  const char* name;
  go::GoVersion version;
  bool is_known;
};
class LayoutOfVersion : public testing::TestWithParam<VersionCase> {};
TEST_P(LayoutOfVersion, IsThereWhenItIsVerified) {
  EXPECT_EQ(gc_layout_of(GetParam().version).has_value(), GetParam().is_known);
}
INSTANTIATE_TEST_SUITE_P(Table, LayoutOfVersion,
                         testing::Values(VersionCase{"Older", {1, 18}, false}, VersionCase{"Verified", {1, 19}, true},
                                         VersionCase{"Next", {1, 20}, false}, VersionCase{"Newer", {1, 22}, false},
                                         VersionCase{"OtherMajor", {2, 19}, false}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(LayoutOfVersion, RefusalNamesTheVersionAndTheWayOut) {
  EXPECT_EQ(unverified_text("go1.22"),
            "the layout of go1.22 is not verified; garbage collection is read from programs built with Go 1.19");
}

struct BaseCase {
  const char* name;
  std::set<std::uint64_t> addresses;
  std::optional<std::uint64_t> base;
};
class BaseOf : public testing::TestWithParam<BaseCase> {};
TEST_P(BaseOf, IsWhereAllFieldsAreNamed) {
  constexpr std::array<std::uint32_t, 3> kOffsets = {16, 24, 40};
  EXPECT_EQ(base_of(GetParam().addresses, kOffsets), GetParam().base);
}
INSTANTIATE_TEST_SUITE_P(Table, BaseOf,
                         testing::Values(BaseCase{"Found", {1000, 5016, 5024, 5040, 9000}, 5000},
                                         BaseCase{"OneFieldShort", {5016, 5024, 9000}, std::nullopt},
                                         BaseCase{"Twice", {5016, 5024, 5040, 6016, 6024, 6040}, std::nullopt},
                                         BaseCase{"Empty", {}, std::nullopt}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(BaseOf, OneFieldIsNoEvidence) {
  constexpr std::array<std::uint32_t, 1> kOffset = {16};
  EXPECT_FALSE(base_of({5016}, kOffset));
}

}  // namespace
}  // namespace poolscope::probes

#include "probes/collectors/go_gc_books.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace poolscope::probes {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kNoMemoryLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMinRunwayBytes = 64u << 10;     // minRunway of heapGoalInternal()
constexpr std::uint64_t kLimitHeadroomBytes = 1u << 20;  // memoryLimitHeapGoalHeadroom
constexpr std::uint64_t kLargestGoalBytes = 1ull << 56;  // more than can be mapped: no goal at all

std::uint64_t word_at(std::span<const std::byte> copy, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, copy.data() + offset, sizeof value);
  return value;
}

// memoryLimitHeapGoal() of Go 1.19
std::uint64_t goal_of_memory_limit(const GcBooks& books, std::uint64_t limit) {
  const std::uint64_t marked = books.get_or_0(GO_GC_MARKED_BYTES), mapped = books.get_or_0(GO_GC_MAPPED_BYTES);
  const std::uint64_t heap =
      books.get_or_0(GO_GC_FREE_HEAP_BYTES) + books.get_or_0(GO_GC_ALLOCATED_BYTES) - books.get_or_0(GO_GC_FREED_BYTES);
  const std::uint64_t other = mapped > heap ? mapped - heap : 0;
  const std::uint64_t overage = mapped > limit ? mapped - limit : 0;
  if (other + overage >= limit) return marked;
  const std::uint64_t goal = limit - (other + overage);
  return std::max(goal < 2 * kLimitHeadroomBytes ? kLimitHeadroomBytes : goal - kLimitHeadroomBytes, marked);
}

std::optional<std::uint64_t> heap_goal(const GcBooks& books) {
  constexpr go_gc_word kNeeded[] = {GO_GC_PERCENT_GOAL,    GO_GC_MEMORY_LIMIT,    GO_GC_SWEEP_MIN_TRIGGER,
                                    GO_GC_TRIGGERED,       GO_GC_MARKED_BYTES,    GO_GC_MAPPED_BYTES,
                                    GO_GC_FREE_HEAP_BYTES, GO_GC_ALLOCATED_BYTES, GO_GC_FREED_BYTES};
  if (!std::ranges::all_of(kNeeded, [&](go_gc_word word) { return books.get(word).has_value(); })) return std::nullopt;
  std::uint64_t goal = *books.get(GO_GC_PERCENT_GOAL);
  const std::uint64_t limited = goal_of_memory_limit(books, *books.get(GO_GC_MEMORY_LIMIT));
  if (limited < goal) {
    goal = limited;
  } else {
    goal = std::max(goal, *books.get(GO_GC_SWEEP_MIN_TRIGGER));
    const std::uint64_t triggered = *books.get(GO_GC_TRIGGERED);
    if (triggered != kNone) goal = std::max(goal, triggered + kMinRunwayBytes);
  }
  if (goal > kLargestGoalBytes) return std::nullopt;
  return goal;
}

}  // namespace

GcBooks::GcBooks(std::span<const __u64, GO_GC_WORDS> words, std::uint64_t missing) : missing_(missing) {
  for (std::size_t i = 0; i < GO_GC_WORDS; ++i) {
    const bool is_half = gc_word_fields()[i].size_bytes == sizeof(std::uint32_t);
    words_[i] = is_half ? words[i] & std::numeric_limits<std::uint32_t>::max() : words[i];
  }
}

std::optional<std::uint64_t> GcBooks::get(go_gc_word word) const {
  if ((missing_ >> word & 1) != 0) return std::nullopt;
  return words_[word];
}

model::GcHeap heap_of(const GcBooks& books) {
  model::GcHeap heap;
  if (books.get_or_0(GO_GC_CYCLES) > 0) heap.live_bytes = books.get(GO_GC_MARKED_BYTES);
  heap.goal_bytes = heap_goal(books);
  if (const auto percent = books.get(GO_GC_PERCENT)) {
    const auto signed_percent = static_cast<std::int32_t>(*percent);
    if (signed_percent >= 0) heap.gogc_percent = signed_percent;
  }
  const auto limit = books.get(GO_GC_MEMORY_LIMIT);
  if (limit && *limit < kNoMemoryLimit) heap.memory_limit_bytes = limit;
  return heap;
}

std::optional<GcAllocations> sum_allocations(const GcHeapLayout& layout, std::span<const std::byte> copy) {
  if (copy.size() < layout.total_bytes()) return std::nullopt;
  GcAllocations sums;
  const auto classes = gc_size_classes();
  for (std::uint32_t generation = 0; generation < layout.generations; ++generation) {
    const auto part = copy.subspan(generation * layout.generation_bytes, layout.generation_bytes);
    sums.bytes += word_at(part, layout.large_bytes_offset);
    sums.objects += word_at(part, layout.large_count_offset);
    for (std::size_t i = 0; i < layout.size_classes; ++i) {
      const std::uint64_t count = word_at(part, layout.small_counts_offset + i * sizeof(std::uint64_t));
      sums.bytes += count * classes[i];
      sums.objects += count;
      if (count != 0) sums.objects_by_class[classes[i]] += count;
    }
  }
  return sums;
}

}  // namespace poolscope::probes

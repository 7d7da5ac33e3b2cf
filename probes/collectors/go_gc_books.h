#pragma once
// What the books of Go's garbage collector say, as copied out of a process. Pure; layouts as of go_gc_layout.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "exporters/model/gc_record.h"
#include "probes/collectors/go_gc_layout.h"

namespace poolscope::probes {

// The words of one moment.
class GcBooks {
 public:
  GcBooks() = default;
  // Bits of `missing` say which words are not there.
  GcBooks(std::span<const __u64, GO_GC_WORDS> words, std::uint64_t missing);

  [[nodiscard]] std::optional<std::uint64_t> get(go_gc_word word) const;
  [[nodiscard]] std::uint64_t get_or_0(go_gc_word word) const { return get(word).value_or(0); }

 private:
  std::array<std::uint64_t, GO_GC_WORDS> words_{};
  std::uint64_t missing_ = ~std::uint64_t{0};
};

// Live heap, goal and settings. The goal is what gcControllerState.heapGoal() of Go 1.19 gives for these words.
[[nodiscard]] model::GcHeap heap_of(const GcBooks& books);

struct GcAllocations {
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
  std::map<std::uint64_t, std::uint64_t> objects_by_class;  // without large ones and empty classes
};

// Sums of a copy of runtime.memstats.heapStats; nothing when the copy is too short.
[[nodiscard]] std::optional<GcAllocations> sum_allocations(const GcHeapLayout& layout, std::span<const std::byte> copy);

}  // namespace poolscope::probes

#pragma once
// What tests/targets/counter_preload.c counted in this process so far; it says what counts.

#include <cstddef>
#include <cstdint>
#include <span>

namespace poolscope::case_study {

// A realloc is an allocation of its new size, as a runtime without realloc would have it.
struct Allocated {
  std::uint64_t allocations = 0, bytes = 0;
};

class PreloadedCounter {
 public:
  // Throws std::runtime_error when the process was not started with the counter preloaded.
  PreloadedCounter();
  PreloadedCounter(const PreloadedCounter&) = delete;
  PreloadedCounter& operator=(const PreloadedCounter&) = delete;
  ~PreloadedCounter();
  [[nodiscard]] Allocated read() const;

 private:
  std::span<const volatile std::uint64_t> words_;
};

}  // namespace poolscope::case_study

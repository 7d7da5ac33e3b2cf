#include "tests/truth/truth.h"

#include <algorithm>
#include <cmath>

namespace poolscope::truth {

void Truth::add(const EventStream& stream) {
  const auto first = std::ranges::lower_bound(stream.events, range_.begin_ns, {}, &Event::time_ns);
  for (auto event = first; event != stream.events.end() && event->time_ns < range_.end_ns; ++event) {
    if (event->op == Op::kFree) ++frees_;
    if (event->op == Op::kFree || event->op == Op::kIoCall) continue;
    ++sizes_[event->bytes];
    if (event->op == Op::kReallocate) {
      ++reallocations_;
    } else {
      ++allocations_;
      allocated_bytes_ += event->bytes;
    }
  }
  add_lives(stream);
}

void Truth::add_lives(const EventStream& stream) {
  for (const Life& life : stream.lives) {
    if (!range_.holds(life.born_ns) || life.born_ns + kChurnNs > stream.end_ns) continue;
    const std::uint64_t age_ns = life.died_ns == kNever ? kNever : life.died_ns - life.born_ns;
    ++lives_.births;
    lives_.bytes += static_cast<double>(life.bytes);
    if (age_ns <= kShortNs) ++lives_.dead_by_1ms;
    if (age_ns > kChurnNs) continue;
    ++lives_.dead_by_10ms;
    lives_.bytes_dead_by_10ms += static_cast<double>(life.bytes);
  }
}

std::optional<std::uint64_t> Truth::size_quantile(double p) const {
  const auto wanted =
      static_cast<std::uint64_t>(std::max(1.0, std::ceil(p * static_cast<double>(allocations_ + reallocations_))));
  std::uint64_t seen = 0;
  for (const auto& [bytes, count] : sizes_) {
    seen += count;
    if (seen >= wanted) return bytes;
  }
  return std::nullopt;
}

}  // namespace poolscope::truth

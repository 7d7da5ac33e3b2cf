#pragma once
// MissCurve: how many gets of a pool would miss if it kept at most K idle objects, for every cap K of kIdleCaps in one pass over its
// gets and puts.
//
//   Model     objects are interchangeable; a put is kept unless K are idle, a get takes the newest. The number of idle objects
//             of cap K is then a walk that stops at 0 and at K, whatever the real pool did with the same gets and puts.
//   One pass  as Mattson's stack distances (IBM Systems Journal 9, 1970), for a stack that puts push and gets pop. Without a cap,
//             let d of an idle object be the greatest depth that it had in the stack, 1 on top. A pool of cap K has thrown it
//             away when it was ever deeper than K, so its get hits for all K >= d and misses for all K < d. A get that finds the
//             stack empty misses for all K. The fuzz target compares it with a pool that is played for each cap.
//             Amortised O(1) per event; memory: the highest stack, at most as many objects as the largest cap. What lies deeper is lost to
//             every cap.
//   Start     what was idle before the first event is not known: 0 to K objects. Both extremes are counted. K objects at the start are K
//             puts before it, so the full pool is the same stack on top of one without end, and one pass gives both:
//             from_empty >= truth >= from_full. Each get at which they differ takes one of the unknown objects: they differ at
//             most K times in all.
//   Met       once the stack was K high, or K of the unknown objects were taken, both walks are in the same state and stay
//             so. From there on the count is exact, whatever the start was: gets_after, misses_after. The moment depends on the past
//             alone, so it does not choose what comes after.
//   Order     a put and a get next to each other that are seen the wrong way round change the misses of any cap by at most one,
//             and only where its walk is at 0 or at K.
//   Threads   a value; no sharing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace poolscope::sizing {

// 1 to 16, then four per power of two up to 4096.
inline constexpr std::size_t kIdleCapCount = 48;
[[nodiscard]] constexpr std::array<std::uint32_t, kIdleCapCount> make_idle_caps() {
  std::array<std::uint32_t, kIdleCapCount> caps{};
  std::size_t count = 0;
  for (std::uint32_t cap = 1; cap <= 16; ++cap) caps[count++] = cap;
  for (std::uint32_t power = 16; power < 4096; power *= 2) {
    for (std::uint32_t quarter = 5; quarter <= 8; ++quarter) caps[count++] = power * quarter / 4;
  }
  return caps;
}
inline constexpr auto kIdleCaps = make_idle_caps();
static_assert(kIdleCaps.back() == 4096);

// Misses of one cap.
struct CapMisses {
  std::uint64_t from_empty = 0;    // of all gets, when nothing was idle at the start
  std::uint64_t from_full = 0;     // of all gets, when as many as the cap allows were
  std::uint64_t gets_after = 0;    // gets since both walks met
  std::uint64_t misses_after = 0;  // of these
  bool operator==(const CapMisses&) const = default;
};

struct MissCurve {
  std::uint64_t gets = 0;
  std::array<CapMisses, kIdleCapCount> caps{};  // of kIdleCaps

  // Another stretch of events, or another pool: sums.
  void merge(const MissCurve& other);
  bool operator==(const MissCurve&) const = default;
};

class MissCurveBuilder {
 public:
  void put();
  void get();
  [[nodiscard]] MissCurve curve() const;

 private:
  struct Met {
    std::uint64_t gets = 0, misses = 0;  // until both walks met
  };
  [[nodiscard]] std::uint64_t misses_from_empty(std::size_t cap) const;
  void meet();

  std::deque<std::uint32_t>
      stack_;  // greatest depth so far, of the newest last; an older one's is at least 1 + that above it
  std::uint64_t unknown_depth_ = 1;  // greatest depth of the newest of the unknown objects
  std::uint64_t gets_ = 0;
  std::uint64_t cold_gets_ = 0;  // found the stack empty
  // By the first cap that is not smaller than the depth; the last one for deeper objects.
  std::array<std::uint64_t, kIdleCapCount + 1> hits_{};
  std::array<std::uint64_t, kIdleCapCount + 1> cold_hits_{};  // of cold gets, with unknown objects
  std::array<Met, kIdleCapCount> met_{};
  std::size_t met_count_ = 0;  // caps whose walks met: the smallest first
};

}  // namespace poolscope::sizing

#pragma once
// What the tests of pool_logic.h share: one slot that follows objects, a type that holds a buffer, and short ways to hit probes.

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/unit/probes/fake_pool_kernel.h"

namespace poolscope::probes::test {

inline constexpr std::uint64_t kPool = 0x5a4720, kOtherPool = 0x5a4760;
inline constexpr std::uint64_t kObject = 0xc000010000, kOtherObject = 0xc000020000;
inline constexpr std::uint64_t kBytesType = 0x4a1000, kWordsType = 0x4a2000, kPlainType = 0x4a3000,
                               kUnknownType = 0x4a4000;
inline constexpr std::uint32_t kTgid = 100, kOtherTgid = 200;
inline constexpr std::uint32_t kLengthOffset = 8, kCapacityOffset = 16, kWordBytes = 8;

inline pool_point point_of(pool_role role) {
  pool_point point{};
  point.role = role;
  return point;
}
// A get that tells its outcome, as that of sync.Pool; a put that tells Put(nil).
inline pool_point telling_get() {
  pool_point point = point_of(POOL_ROLE_GET);
  point.miss_mask = point.miss_value = kZeroFlag;
  return point;
}
inline pool_point telling_put() {
  pool_point point = point_of(POOL_ROLE_PUT);
  point.nil_mask = point.nil_value = kZeroFlag;
  return point;
}

class PoolLogic : public testing::Test {
 protected:
  PoolLogic() {
    kernel.slot_control.generation = 7;
    kernel.slot_control.follows_objects = 1;
    kernel.elements.put({kBytesType, kTgid}, {kLengthOffset, kCapacityOffset, 1, 0});
    kernel.elements.put({kWordsType, kTgid}, {kLengthOffset, kCapacityOffset, kWordBytes, 0});
    kernel.elements.put({kPlainType, kTgid}, {0, 0, 0, 0});
  }

  [[nodiscard]] pool_event event() {
    pool_event event{};
    event.control = &kernel.slot_control;
    event.pool = kPool;
    event.slot = 3;
    event.tgid = kTgid;
    return event;
  }
  void hit(pool_event event, const pool_point& point) {
    event.point = &point;
    event.now_ns = kernel.now_ns;
    pool_on_event(&event);
  }
  void get(std::uint64_t object = kObject, std::uint64_t type = kBytesType, std::uint64_t pool = kPool) {
    pool_event found = event();
    found.object = object;
    found.type = type;
    found.pool = pool;
    hit(found, telling_get());
  }
  void miss() {
    pool_event missed = event();
    missed.flags = kZeroFlag;
    hit(missed, telling_get());
  }
  void put(std::uint64_t object = kObject, std::uint64_t type = kBytesType, std::uint64_t pool = kPool) {
    pool_event returned = event();
    returned.object = object;
    returned.type = type;
    returned.pool = pool;
    hit(returned, telling_put());
  }
  void set_buffer(std::uint64_t length, std::uint64_t capacity, std::uint64_t object = kObject) {
    kernel.memory[object + kLengthOffset] = length;
    kernel.memory[object + kCapacityOffset] = capacity;
  }
  void pass_ns(std::uint64_t ns) { kernel.now_ns += ns; }

  [[nodiscard]] pool_sums sums(std::uint64_t pool = kPool, std::uint32_t slot = 3, std::uint32_t number = 0) {
    const pool_sums* found = kernel.sums.find({pool, slot, number});
    return found != nullptr ? *found : pool_sums{};
  }
  template <std::size_t kCount>
  [[nodiscard]] static std::uint64_t in(const __u32 (&buckets)[kCount]) {
    std::uint64_t sum = 0;
    for (const auto count : buckets) sum += count;
    return sum;
  }
  [[nodiscard]] std::uint64_t held_for(std::uint64_t ns) { return sums().hold_ns[ps_log_linear_index(ns)]; }

  FakePoolKernel kernel;
};

}  // namespace poolscope::probes::test

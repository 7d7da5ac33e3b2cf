#pragma once
// FakePoolKernel: what probes/bpf/pool_logic.h needs of the kernel, in ordinary memory. Memory of the target, bounded maps and
// the rules for threads are those of FakeKernel.

#include <cstdint>
#include <deque>
#include <initializer_list>

#include "probes/bpf/pool_events.h"
#include "tests/unit/probes/fake_kernel.h"

namespace poolscope::probes::test {

struct FakePoolKernel : FakeKernel {
  pool_control slot_control{};
  BoundedMap<pool_key, pool_sums> sums;
  BoundedMap<pool_type_key, pool_element> elements;
  BoundedMap<pool_object_key, pool_object> objects;
  std::deque<pool_order_event> order;  // the ring
  std::size_t order_capacity = 1u << 16;

  static FakePoolKernel& running() { return static_cast<FakePoolKernel&>(*current); }
};

}  // namespace poolscope::probes::test

// The operations that pool_logic.h asks for; user_read() and add() come with FakeKernel.
inline pool_sums* pool_sums_find_or_make(const pool_key* key) {
  return poolscope::probes::test::FakePoolKernel::running().sums.find_or_make(*key);
}
inline const pool_element* pool_elements_find(const pool_type_key* key) {
  return poolscope::probes::test::FakePoolKernel::running().elements.find(*key);
}
inline pool_object* pool_objects_find(const pool_object_key* key) {
  return poolscope::probes::test::FakePoolKernel::running().objects.find(*key);
}
inline long pool_objects_put(const pool_object_key* key, const pool_object* object) {
  return poolscope::probes::test::FakePoolKernel::running().objects.put(*key, *object);
}

inline pool_order_event* pool_order_reserve() {
  auto& kernel = poolscope::probes::test::FakePoolKernel::running();
  if (kernel.order.size() >= kernel.order_capacity) return nullptr;
  return &kernel.order.emplace_back();
}
inline void pool_order_submit(pool_order_event*) {}

#include "probes/bpf/pool_logic.h"

namespace poolscope::probes::test {

inline constexpr std::uint32_t kZeroFlag = 1u
                                           << 6;  // of the flags register: what the compiler's test of a result leaves

// Puts sync.Pool caches into the memory of the target, as Go lays them out.
class FakePoolLocal {
 public:
  struct Dequeue {
    std::uint32_t head = 0, tail = 0;
  };
  FakePoolLocal(FakePoolKernel& kernel, std::uint64_t address) : kernel_(kernel), address_(address) {
    set_private(0);
    set_chain({});
  }
  void set_private(std::uint64_t type) { kernel_.memory[address_] = type; }
  // Newest element first, as a walk from the head meets them.
  void set_chain(std::initializer_list<Dequeue> dequeues) {
    std::uint64_t link = address_ + GO_POOL_LOCAL_HEAD, element = element_at(0);
    for (const auto& dequeue : dequeues) {
      kernel_.memory[link] = element;
      kernel_.memory[element] = std::uint64_t{dequeue.head} << 32 | dequeue.tail;
      link = element + GO_CHAIN_PREVIOUS;
      element += kElementBytes;
    }
    kernel_.memory[link] = 0;
  }
  void link_back(unsigned from, unsigned to) { kernel_.memory[previous_at(from)] = element_at(to); }
  [[nodiscard]] std::uint64_t head_at() const { return address_ + GO_POOL_LOCAL_HEAD; }
  [[nodiscard]] std::uint64_t element_at(unsigned index) const { return address_ + 0x1000 + index * kElementBytes; }
  [[nodiscard]] std::uint64_t previous_at(unsigned index) const { return element_at(index) + GO_CHAIN_PREVIOUS; }

 private:
  static constexpr std::uint64_t kElementBytes = 48;
  FakePoolKernel& kernel_;
  std::uint64_t address_;
};

}  // namespace poolscope::probes::test

#pragma once
// BatchStack: the shared part of a pool. Lock-free stacks of batches of idle objects, which threads' caches are
// filled from and emptied into.
//   Threads   push(), pop() and age() from any thread. Constructor and destructor: one thread, nobody else inside.
//   Memory    batches are nodes with a number, 16 objects each, in chunks that are kept until the destructor, so
//             that a thread that lost a race may still read them. A chunk is taken when all nodes are in use; push()
//             says false when there is no memory.
//   Ageing    two generations: pop() takes from the young one, then from the old one. age() hands out all of the old
//             one and makes the young one old: what it hands out was not needed since the age() before the last one.
//   Invariant each node is in one of the three stacks (young, old, spare) or has exactly one owner, and so has each object.
//   Why a tag A thread reads head A with next B, sleeps; others pop A, pop B, push A. Its exchange must fail although head
//             is A again, so every successful exchange raises the tag (32 bits, wrap accepted).
//             Test: BatchStackRace.PopRetriesAfterPopPopPush.
//   Races     names the places where another thread may do harm; NoRaces for everybody but the tests.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

#include "poolscope/log_linear.h"

namespace poolscope::detail {

inline constexpr std::size_t kBatchObjects = 16;

enum class RacePoint { kAfterReadHead, kAfterReadNext, kBeforePublish };
struct NoRaces {
  static void at(RacePoint) noexcept {}
};

struct Batch {
  std::uint32_t count = 0;
  std::array<void*, kBatchObjects> objects{};
};

template <typename Races = NoRaces>
class BatchStack {
 public:
  BatchStack() = default;
  BatchStack(const BatchStack&) = delete;
  BatchStack& operator=(const BatchStack&) = delete;
  ~BatchStack() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
  }

  // False: no memory for a node; the objects stay with the caller. `count` is 1 .. kBatchObjects.
  [[nodiscard]] bool push(void* const* objects, std::size_t count) noexcept {
    std::uint32_t node = take(spare_);
    if (node == kNone && (node = new_node()) == kNone) return false;
    Batch& batch = at(node).batch;
    batch.count = static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) batch.objects[i] = objects[i];
    put(young_, node, node);
    return true;
  }

  // False: nothing is inside. Everything that was written to the objects before their push() is visible.
  [[nodiscard]] bool pop(Batch& to) noexcept {
    std::uint32_t node = take(young_);
    if (node == kNone && (node = take(old_)) == kNone) return false;
    to = at(node).batch;
    put(spare_, node, node);
    return true;
  }

  // Calls dropped(Batch&) for each batch of the old generation, then makes the young one old. One thread at a time; push() and
  // pop() may run meanwhile. `dropped` may use this stack.
  template <typename Dropped>
  void age(Dropped&& dropped) {
    for (std::uint32_t node; (node = take(old_)) != kNone;) {
      Batch batch = at(node).batch;
      put(spare_, node, node);
      dropped(batch);
    }
    const std::uint32_t first = take_all(young_);
    if (first == kNone) return;
    std::uint32_t last = first;
    for (std::uint32_t next; (next = at(last).next.load(std::memory_order_relaxed)) != kNone;) last = next;
    put(old_, first, last);
  }

  // Around a fork: no thread is inside new_node().
  void lock_growth() { growing_.lock(); }
  void unlock_growth() { growing_.unlock(); }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr unsigned kFirstChunkBits = 4;
  static constexpr unsigned kChunks = 24;  // 2^28 nodes

  struct Node {
    std::atomic<std::uint32_t> next{kNone};  // atomic: a thread about to lose the exchange may still read it
    Batch batch;
  };
  struct alignas(8) Head {  // aligned as the exchange needs it: clang would call libatomic
    std::uint32_t node = kNone;
    std::uint32_t tag = 0;
  };
  static_assert(std::atomic<Head>::is_always_lock_free, "Head must fit one compare-exchange");
  struct alignas(64) Stack {
    std::atomic<Head> head{Head{}};
  };

  // Chunk c holds 16 << c nodes.
  Node& at(std::uint32_t node) noexcept {
    const unsigned chunk = ps_highest_bit((node >> kFirstChunkBits) + 1);
    const std::uint32_t first = ((1U << chunk) - 1) << kFirstChunkBits;
    return chunks_[chunk].load(std::memory_order_acquire)[node - first];
  }

  std::uint32_t take(Stack& stack) noexcept {
    Head seen = stack.head.load(std::memory_order_acquire);  // (B)
    while (seen.node != kNone) {
      Races::at(RacePoint::kAfterReadHead);
      const std::uint32_t next = at(seen.node).next.load(std::memory_order_relaxed);
      Races::at(RacePoint::kAfterReadNext);
      // Every change of a head is an exchange, so a head found later is still in the release sequence of (A).
      if (stack.head.compare_exchange_weak(seen, Head{next, seen.tag + 1}, std::memory_order_acquire,  // (B)
                                           std::memory_order_acquire))
        return seen.node;
    }
    return kNone;
  }

  // The whole stack, linked.
  std::uint32_t take_all(Stack& stack) noexcept {
    Head seen = stack.head.load(std::memory_order_acquire);  // (B)
    while (seen.node != kNone &&
           !stack.head.compare_exchange_weak(seen, Head{kNone, seen.tag + 1}, std::memory_order_acquire,  // (B)
                                             std::memory_order_acquire))
      continue;
    return seen.node;
  }

  // The linked nodes `first` to `last`.
  void put(Stack& stack, std::uint32_t first, std::uint32_t last) noexcept {
    Head seen = stack.head.load(std::memory_order_relaxed);
    do {
      at(last).next.store(seen.node, std::memory_order_relaxed);
      Races::at(RacePoint::kBeforePublish);
    } while (!stack.head.compare_exchange_weak(seen, Head{first, seen.tag + 1}, std::memory_order_release,  // (A)
                                               std::memory_order_relaxed));  // publishes node and objects to (B)
  }

  std::uint32_t new_node() noexcept {
    const std::lock_guard lock(growing_);
    const unsigned chunk = ps_highest_bit((nodes_ >> kFirstChunkBits) + 1);
    if (chunk >= kChunks) return kNone;
    if (chunks_[chunk].load(std::memory_order_relaxed) == nullptr) {
      Node* nodes = new (std::nothrow) Node[std::size_t{1} << (kFirstChunkBits + chunk)];
      if (nodes == nullptr) return kNone;
      chunks_[chunk].store(nodes, std::memory_order_release);
    }
    return nodes_++;
  }

  Stack young_, old_, spare_;
  std::array<std::atomic<Node*>, kChunks> chunks_{};
  std::mutex growing_;
  std::uint32_t nodes_ = 0;  // ever made
};

}  // namespace poolscope::detail

#pragma once
// BufferPool: keeps byte buffers that would otherwise be allocated and freed again, and finds out how large they should be.
//
//   poolscope::BufferPool buffers({.pool = {.name = "net.rx", .max_idle_buffers = 64}, .buffer_bytes = {4096, 65536}});
//   auto buffer = buffers.acquire(wanted_bytes);      // at least so many; without an argument: of the smallest size
//   buffer.append(bytes, count);                      // grows when it must, which is counted as a regrowth
//
//   Sizes     one pool for each size of buffer_bytes, "net.rx/4096" and so on on the stats page (plain "net.rx" when
//             there is one). A get takes the smallest size that is enough; one above all sizes comes from the heap
//             and goes back there (reason over_max_size), whatever the limits.
//   Needed    what a borrower used of a buffer, the most that size() ever was, is recorded at release for one put in so many.
//   Grown     buffers keep their capacity up to max_retained_bytes, larger ones are dropped at release.
//   Threads, fork(), order of destruction, limits: as ObjectPool. A Buffer is used by one thread at a time.
//   Errors    an empty Buffer when max_borrowed_buffers are out (AtLimit); std::bad_alloc.
//   Sizing    fixed, or changed every `check_every_gets` gets by a policy (poolscope/sizing_policy.h); then each get
//             counts in one more word that threads share.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "poolscope/detail/buffer_core.h"
#include "poolscope/pool_options.h"
#include "poolscope/sizing_policy.h"

namespace poolscope {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : core_(other.core_), node_(std::exchange(other.node_, nullptr)), size_(other.size_), needed_(other.needed_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      core_ = other.core_;
      node_ = std::exchange(other.node_, nullptr);
      size_ = other.size_;
      needed_ = other.needed_;
    }
    return *this;
  }
  ~Buffer() { release(); }

  explicit operator bool() const noexcept { return node_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return node_->bytes; }
  [[nodiscard]] std::size_t capacity() const noexcept { return node_->capacity; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data(), size_}; }

  // How much of it is in use; what is written through data() is told here. Grows when it must; new bytes hold anything.
  void resize(std::size_t bytes) {
    if (bytes > capacity()) grow(bytes);
    size_ = bytes;
    if (bytes > needed_) needed_ = bytes;
  }
  void append(const void* bytes, std::size_t count) {
    const std::size_t at = size_;
    resize(at + count);
    std::memcpy(data() + at, bytes, count);
  }
  void append(std::string_view text) { append(text.data(), text.size()); }
  void clear() noexcept { size_ = 0; }
  // At least `bytes`, at least twice as much as now; what is in use is kept. Throws std::bad_alloc.
  void grow(std::size_t bytes);

  void release() noexcept {
    if (node_ != nullptr) core_->release(std::exchange(node_, nullptr), needed_);
  }

 private:
  friend class BufferPool;
  // What a function can return in registers: a Buffer that one returns would stay in memory.
  struct Borrowed {
    detail::BufferCore* core;
    detail::BufferNode* node;
  };
  explicit Buffer(Borrowed from) noexcept : core_(from.core), node_(from.node) {}
  // Not a member of the node: where a buffer goes back to is then known before the buffer itself has been read.
  detail::BufferCore* core_ = nullptr;
  mutable detail::BufferNode* node_ = nullptr;  // mutable: as in ObjectPool::Lease
  std::size_t size_ = 0, needed_ = 0;
};

struct FixedSize {};
using SizingPolicy = std::variant<FixedSize, OverflowBand, NeededQuantile>;

struct BufferPoolOptions {
  // Limits are those of each size.
  PoolOptions pool = {};
  std::vector<std::size_t> buffer_bytes = {4096};
  std::uint64_t max_retained_bytes = kNoLimit;
  std::size_t alignment = 64;  // of the bytes; a power of two
  // OverflowBand changes max_borrowed_buffers and max_idle_buffers together and needs max_borrowed_buffers with AtLimit::kHeap;
  // NeededQuantile changes buffer_bytes. Both look at the smallest size only.
  SizingPolicy sizing = FixedSize{};
  std::uint64_t check_every_gets = 100;
};

class BufferPool {
 public:
  // Throws std::invalid_argument, which says what is wrong with the options.
  explicit BufferPool(BufferPoolOptions options);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  [[nodiscard, gnu::always_inline]] Buffer acquire(std::size_t at_least_bytes = 0) {
    if (is_fixed_ && at_least_bytes <= smallest_->buffer_bytes()) [[likely]]
      return Buffer({smallest_, smallest_->acquire(nullptr)});
    return Buffer(acquire_other(at_least_bytes));
  }

  // What the policy would do now; nullopt: nothing, or the sizing is fixed. By what was counted since the size changed last.
  [[nodiscard]] std::optional<std::uint64_t> suggest_resize() const;
  // So many buffers: max_borrowed_buffers and max_idle_buffers of the smallest size.
  void resize(std::uint64_t buffers);
  // Buffers of the smallest size, from now on. Smaller idle ones are replaced when they would be handed out.
  void set_buffer_bytes(std::size_t bytes);
  void set_max_retained_bytes(std::uint64_t bytes);
  [[nodiscard]] std::size_t buffer_bytes() const noexcept;
  [[nodiscard]] std::uint64_t max_borrowed_buffers() const noexcept;

  void prewarm(std::uint64_t buffers_of_each_size);
  void trim() noexcept;
  void set_debug_checks(DebugChecks checks);
  // What is out and who has it; empty without debug checks.
  [[nodiscard]] std::vector<PoolMisuse> borrowers() const;
  // Of all sizes together, or of the one in place `size` of buffer_bytes.
  [[nodiscard]] PoolStats stats() const;
  [[nodiscard]] PoolStats stats(std::size_t size) const;
  // All that is kept, idle and borrowed of the smallest size.
  [[nodiscard]] std::uint64_t retained_bytes() const;

 private:
  using Core = std::unique_ptr<detail::BufferCore, detail::CloseCore>;
  detail::BufferCore& core_for(std::size_t bytes) const noexcept;
  Buffer::Borrowed acquire_other(std::size_t at_least_bytes);
  void count_for_policy();
  void apply_policy();

  BufferPoolOptions options_;
  bool is_fixed_;            // no policy to count for
  std::vector<Core> cores_;  // by size
  detail::BufferCore* smallest_ = nullptr;
  std::atomic<std::uint64_t> gets_{0};  // where there is a policy
  // What was counted when the size changed last.
  std::atomic<std::uint64_t> gets_at_resize_{0}, overflows_at_resize_{0};
  ps_histogram needed_at_resize_{};
  std::atomic<unsigned> same_answer_{0};
  std::atomic<std::uint64_t> last_answer_{0};
};

}  // namespace poolscope

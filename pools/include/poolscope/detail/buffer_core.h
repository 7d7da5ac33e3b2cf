#pragma once
// BufferCore: the buffers of one size of a BufferPool.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/detail/memory_marks.h"
#include "poolscope/detail/pool_core.h"

namespace poolscope::detail {

// A buffer, in use or idle. Its place stays when its bytes move.
struct BufferNode {
  std::byte* bytes = nullptr;
  std::size_t capacity = 0;
  bool is_elsewhere = false;  // made for a get above all sizes
};

class BufferCore final : public PoolCore {
 public:
  BufferCore(PoolOptions options, std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes, std::size_t alignment);

  // nullptr: max_borrowed_buffers are out.
  [[gnu::always_inline]] BufferNode* acquire(const void* borrower) {
    auto* node = static_cast<BufferNode*>(get(borrower));
    if (node != nullptr && node->capacity < buffer_bytes()) [[unlikely]]
      node = static_cast<BufferNode*>(renew(node, borrower));
    if (node != nullptr) mark_borrowed(node->bytes, node->capacity);
    return node;
  }
  BufferNode* acquire_elsewhere(std::size_t bytes, const void* borrower);
  void release(BufferNode* node, std::size_t needed_bytes) noexcept {
    const std::size_t capacity = node->capacity;
    if (node->is_elsewhere || capacity > max_retained_bytes_.load(std::memory_order_relaxed)) [[unlikely]]
      return discard(node, PS_DISCARD_OVER_MAX_SIZE, needed_bytes, capacity);
    mark_idle(node->bytes, capacity);
    put(node, needed_bytes, capacity);
  }
  void grow(BufferNode* node, std::size_t bytes, std::size_t used_bytes);

  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_.load(std::memory_order_relaxed); }
  bool set_sizes(std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes) noexcept override;
  [[nodiscard]] const ps_histogram& needed_bytes() noexcept { return slot().needed_bytes; }

 private:
  [[nodiscard]] std::byte* allocate(std::size_t bytes) const;
  void deallocate(std::byte* bytes, std::size_t capacity) const noexcept;
  void* create_object() override;
  void destroy_object(void* object) noexcept override;
  std::uint64_t fingerprint(void* object) noexcept override;
  void seal(void* object) noexcept override;

  std::atomic<std::uint64_t> buffer_bytes_, max_retained_bytes_;
  std::size_t alignment_;
};

}  // namespace poolscope::detail

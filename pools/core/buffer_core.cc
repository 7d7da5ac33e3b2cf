#include "poolscope/detail/buffer_core.h"

#include <cstring>
#include <new>

#include "poolscope/detail/memory_marks.h"

namespace poolscope::detail {
namespace {

constexpr int kIdlePattern = 0xDB;
constexpr std::uint64_t kMaxBufferBytes = std::uint64_t{1} << 32;  // more is a mistake of who asks

CoreIdentity identity_of(std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes) {
  return {"poolscope", "", buffer_bytes, max_retained_bytes, true};
}

}  // namespace

BufferCore::BufferCore(PoolOptions options, std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes,
                       std::size_t alignment)
    : PoolCore(std::move(options), identity_of(buffer_bytes, max_retained_bytes)),
      buffer_bytes_(buffer_bytes),
      max_retained_bytes_(max_retained_bytes),
      alignment_(alignment) {}

BufferNode* BufferCore::acquire_elsewhere(std::size_t bytes, const void* borrower) {
  auto node = std::make_unique<BufferNode>();
  *node = {allocate(bytes), bytes, true};
  count_made_elsewhere(node.get(), PS_MISS_OVER_MAX_SIZE, borrower);
  return node.release();
}

void BufferCore::grow(BufferNode* node, std::size_t bytes, std::size_t used_bytes) {
  const std::size_t capacity = std::max(bytes, 2 * node->capacity);
  std::byte* fresh = allocate(capacity);
  std::memcpy(fresh, node->bytes, used_bytes);
  deallocate(node->bytes, node->capacity);
  node->bytes = fresh;
  node->capacity = capacity;
  count_regrowth();
}

bool BufferCore::set_sizes(std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes) noexcept {
  if (buffer_bytes != PS_UNCHANGED && (buffer_bytes == 0 || buffer_bytes > kMaxBufferBytes)) return false;
  if (max_retained_bytes != PS_UNCHANGED) {
    max_retained_bytes_ = max_retained_bytes;
    ps_store(&slot().max_retained_bytes, max_retained_bytes);
  }
  if (buffer_bytes == PS_UNCHANGED) return true;
  const std::uint64_t before = buffer_bytes_.exchange(buffer_bytes);
  ps_store(&slot().buffer_bytes, buffer_bytes);
  count_resize("buffer_bytes", before, buffer_bytes);
  return true;
}

std::byte* BufferCore::allocate(std::size_t bytes) const {
  return static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment_}));
}

void BufferCore::deallocate(std::byte* bytes, std::size_t capacity) const noexcept {
  mark_borrowed(bytes, capacity);
  ::operator delete (bytes, std::align_val_t{alignment_});
}

void* BufferCore::create_object() {
  auto node = std::make_unique<BufferNode>();
  const std::size_t capacity = buffer_bytes();
  *node = {allocate(capacity), capacity, false};
  return node.release();
}

void BufferCore::destroy_object(void* object) noexcept {
  auto* node = static_cast<BufferNode*>(object);
  deallocate(node->bytes, node->capacity);
  delete node;
}

void BufferCore::seal(void* object) noexcept {
  auto* node = static_cast<BufferNode*>(object);
  mark_borrowed(node->bytes, node->capacity);
  std::memset(node->bytes, kIdlePattern, node->capacity);
  mark_idle(node->bytes, node->capacity);
}

std::uint64_t BufferCore::fingerprint(void* object) noexcept {
  auto* node = static_cast<BufferNode*>(object);
  mark_borrowed(node->bytes, node->capacity);
  const std::uint64_t value = fingerprint_bytes(node->bytes, node->capacity);
  mark_idle(node->bytes, node->capacity);
  return value;
}

}  // namespace poolscope::detail

#include "poolscope/pool_resource.h"

#include <algorithm>
#include <new>
#include <string>

#include "poolscope/detail/memory_marks.h"

namespace poolscope {
namespace {

constexpr std::size_t kSmallestBits = 4;
constexpr std::size_t kMostAlignment = 64;

// Place of the smallest size that holds `bytes` and is a multiple of `alignment`. Neither is 0.
inline std::size_t size_for(std::size_t bytes, std::size_t alignment) {
  const std::size_t bits = (bytes - 1) | (alignment - 1) | ((std::size_t{1} << kSmallestBits) - 1);
  return ps_highest_bit(bits) + 1 - kSmallestBits;
}

}  // namespace

namespace detail {

class BlockCore final : public PoolCore {
 public:
  BlockCore(PoolOptions options, std::size_t bytes)
      : PoolCore(std::move(options), {"poolscope", "", bytes, 0, true}),
        bytes_(bytes),
        alignment_(std::min(bytes, kMostAlignment)) {}

  // nullptr: that needs allocate().
  void* allocate_fast() noexcept {
    void* const block = get_fast();
    mark_borrowed(block, bytes_);
    return block;
  }
  void* allocate(const void* borrower) {
    void* const block = get(borrower);
    if (block == nullptr) throw std::bad_alloc();
    mark_borrowed(block, bytes_);
    return block;
  }
  void deallocate(void* block, std::size_t needed_bytes) noexcept {
    mark_idle(block, bytes_);
    put(block, needed_bytes, bytes_);
  }

 private:
  void* create_object() override { return ::operator new (bytes_, std::align_val_t{alignment_}); }
  void destroy_object(void* block) noexcept override {
    mark_borrowed(block, bytes_);
    ::operator delete (block, std::align_val_t{alignment_});
  }
  std::uint64_t fingerprint(void* block) noexcept override {
    mark_borrowed(block, bytes_);
    const std::uint64_t value = fingerprint_bytes(block, bytes_);
    mark_idle(block, bytes_);
    return value;
  }

  std::size_t bytes_, alignment_;
};

}  // namespace detail

PoolResource::PoolResource(PoolResourceOptions options) : options_(std::move(options)) {
  options_.max_block_bytes = std::min(options_.max_block_bytes, std::size_t{1} << (kSmallestBits + kSizes - 1));
}

PoolResource::~PoolResource() {
  for (const auto& core : cores_) {
    if (core != nullptr) core.load()->close();
  }
}

// Also false for no bytes at all.
inline bool PoolResource::is_pooled(std::size_t bytes, std::size_t alignment) const noexcept {
  return bytes - 1 < options_.max_block_bytes && alignment <= kMostAlignment;
}

detail::BlockCore& PoolResource::core(std::size_t size) {
  detail::BlockCore* core = cores_[size].load(std::memory_order_acquire);
  if (core != nullptr) return *core;
  const std::lock_guard lock(making_);
  core = cores_[size].load(std::memory_order_relaxed);
  if (core != nullptr) return *core;
  const std::size_t bytes = std::size_t{1} << (kSmallestBits + size);
  PoolOptions one = options_.pool;
  one.name += "/" + std::to_string(bytes);
  core = new detail::BlockCore(std::move(one), bytes);
  core->set_debug_checks(options_.pool.debug_checks);
  core->prewarm(options_.pool.prewarm_buffers);
  cores_[size].store(core, std::memory_order_release);
  return *core;
}

void* PoolResource::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (is_pooled(bytes, alignment)) [[likely]] {
    detail::BlockCore* const core = cores_[size_for(bytes, alignment)].load(std::memory_order_acquire);
    if (core != nullptr) [[likely]] {
      if (void* const block = core->allocate_fast()) [[likely]]
        return block;
    }
  }
  return allocate_slow(bytes, alignment, __builtin_return_address(0));
}

void* PoolResource::allocate_slow(std::size_t bytes, std::size_t alignment, const void* borrower) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (is_pooled(bytes, alignment)) return core(size_for(bytes, alignment)).allocate(borrower);
  upstream_allocations_.fetch_add(1, std::memory_order_relaxed);
  return options_.upstream->allocate(bytes, alignment);
}

void PoolResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (!is_pooled(bytes, alignment)) [[unlikely]]
    return options_.upstream->deallocate(block, bytes, alignment);
  const std::size_t size = size_for(bytes, alignment);
  detail::BlockCore* const seen = cores_[size].load(std::memory_order_acquire);
  (seen != nullptr ? *seen : core(size)).deallocate(block, bytes);
}

PoolStats PoolResource::stats(std::size_t bytes) const {
  const std::size_t size = size_for(std::max<std::size_t>(bytes, 1), 1);
  const detail::BlockCore* core = size < kSizes ? cores_[size].load() : nullptr;
  return core != nullptr ? core->stats() : PoolStats{};
}

void PoolResource::trim() noexcept {
  for (const auto& core : cores_) {
    if (core != nullptr) core.load()->trim();
  }
}

}  // namespace poolscope

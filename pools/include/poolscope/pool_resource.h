#pragma once
// PoolResource: a std::pmr::memory_resource over pools, so that pmr::string, pmr::vector, pmr::map use them and are counted.
//
//   poolscope::PoolResource resource({.pool = {.name = "json"}});
//   std::pmr::map<std::pmr::string, int> values(&resource);
//
//   Sizes     a pool for each power of two from 16 to max_block_bytes, made with the first block of that size:
//             "json/64" on the stats page, with the sizes that were asked for. Larger or more than 64 bytes aligned
//             ones go to `upstream`.
//   Threads   as ObjectPool: unlike std::pmr::synchronized_pool_resource no lock. A block may be freed by another thread.
//   Errors    std::bad_alloc where there is no memory, or max_borrowed_buffers of the size are out.
//   Ends      after everything that uses it, as every memory_resource.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>

#include "poolscope/detail/pool_core.h"
#include "poolscope/pool_options.h"

namespace poolscope {

struct PoolResourceOptions {
  PoolOptions pool = {};                // of each size
  std::size_t max_block_bytes = 65536;  // at most 1 GiB
  std::pmr::memory_resource* upstream = std::pmr::new_delete_resource();
};

namespace detail {
class BlockCore;
}

class PoolResource final : public std::pmr::memory_resource {
 public:
  explicit PoolResource(PoolResourceOptions options);
  ~PoolResource() override;

  // Of the pool from which blocks of `bytes` come; nothing counted: there is none yet.
  [[nodiscard]] PoolStats stats(std::size_t bytes) const;
  [[nodiscard]] std::uint64_t upstream_allocations() const noexcept {
    return upstream_allocations_.load(std::memory_order_relaxed);
  }
  void trim() noexcept;

 private:
  static constexpr std::size_t kSizes = 27;  // 2^4 .. 2^30
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void* allocate_slow(std::size_t bytes, std::size_t alignment, const void* borrower);
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  [[nodiscard]] bool is_pooled(std::size_t bytes, std::size_t alignment) const noexcept;
  detail::BlockCore& core(std::size_t size);

  PoolResourceOptions options_;
  std::atomic<std::uint64_t> upstream_allocations_{0};
  std::array<std::atomic<detail::BlockCore*>, kSizes> cores_{};
  std::mutex making_;
};

}  // namespace poolscope

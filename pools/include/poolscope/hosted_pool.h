#pragma once
// HostedPool: buffers in memory that several processes share, made and watched over by `poolscope pools serve`.
//
//   auto pool = poolscope::HostedPool::open({.name = "frames"});    // or an error that says why not
//   auto buffer = (*pool)->acquire();                               // empty when none is free
//   std::memcpy(buffer.data(), bytes, count);                       // capacity() bytes; back in the pool with `buffer`
//
//   Threads   acquire() and release() from any thread, without a lock and without a system call. A buffer is used by one thread at a time.
//   Killed    what this process holds comes back to the pool when it ends, however it ends.
//   Host gone the pool goes on with the memory it has mapped. A thread of the pool waits for another host and tells it who we are;
//             is_served() says whether there is one. Meanwhile nobody takes back what ended processes hold.
//   Limits    set by the host, live. Above a lowered limit buffers leave the pool when they are released.
//   Sharing   whoever may open a pool can write all of its buffers and words: it can spoil this pool, and no other.
//   Contents  a buffer holds what its last borrower left there, in whatever process, or zeros.
//   fork()    the child does not have the pool: touching a buffer there ends it with SIGSEGV. It opens the pool itself.
//   Misuse    a buffer that outlives its HostedPool is undefined. A buffer that the host took back (it took this process for
//             ended) is not released again: counted in not_ours().

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "poolscope/detail/hosted_words.h"
#include "poolscope/result.h"

namespace poolscope {

struct HostedPoolOptions {
  std::string name = {};
  std::string socket = {};  // of the host; empty: where it listens by default
  // How long open() waits for a host that was just restarted and asks for patience.
  std::chrono::milliseconds wait_at_most{15'000};
};

struct HostedPoolError {
  enum class Reason { kNoHost, kRefused, kProtocol, kSystem };
  Reason reason;
  std::string text;  // "cannot open hosted pool frames: no host at /run/poolscope/pools.sock (ENOENT); ..."
};

namespace hosted {
class Connection;
}

class HostedPool;

class HostedBuffer {
 public:
  HostedBuffer() = default;
  HostedBuffer(HostedBuffer&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), slot_(other.slot_) {}
  HostedBuffer& operator=(HostedBuffer&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      slot_ = other.slot_;
    }
    return *this;
  }
  ~HostedBuffer() { release(); }

  explicit operator bool() const noexcept { return pool_ != nullptr; }
  [[nodiscard]] inline std::byte* data() const noexcept;
  [[nodiscard]] inline std::size_t capacity() const noexcept;
  // The same in all processes that have the pool open.
  [[nodiscard]] std::uint32_t index() const noexcept { return slot_.index; }
  inline void release() noexcept;

 private:
  friend class HostedPool;
  HostedBuffer(HostedPool* pool, detail::HostedSlot slot) noexcept : pool_(pool), slot_(slot) {}
  HostedPool* pool_ = nullptr;
  detail::HostedSlot slot_{};
};

namespace detail {
// Where the calling thread released a buffer last: still in its caches, and most likely free.
struct HostedLast {
  const void* pool = nullptr;
  std::uint32_t index = 0;
};
inline constinit thread_local HostedLast hosted_last{};
}  // namespace detail

class HostedPool {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HostedPool>, HostedPoolError> open(const HostedPoolOptions& options);
  HostedPool(const HostedPool&) = delete;
  HostedPool& operator=(const HostedPool&) = delete;
  ~HostedPool();

  [[nodiscard]] HostedBuffer acquire() noexcept {
    const auto& last = detail::hosted_last;
    const auto slot = words_.take(client_, last.pool == this ? last.index : first_);
    return slot ? HostedBuffer(this, *slot) : HostedBuffer();
  }

  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  // How many there are now at most, and may ever be.
  [[nodiscard]] std::uint32_t limit_buffers() const noexcept { return limit_->load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t max_buffers() const noexcept { return words_.buffers(); }
  [[nodiscard]] bool is_served() const noexcept;
  [[nodiscard]] std::uint64_t not_ours() const noexcept { return not_ours_.load(std::memory_order_relaxed); }

 private:
  friend class HostedBuffer;
  explicit HostedPool(std::unique_ptr<hosted::Connection> connection);
  void put(const detail::HostedSlot& slot) noexcept {
    if (words_.put(slot, limit_buffers()) == detail::HostedPut::kNotBorrowed)
      not_ours_.fetch_add(1, std::memory_order_relaxed);
    detail::hosted_last = {this, slot.index};
  }

  detail::HostedWords<> words_;
  std::byte* payload_;
  std::size_t buffer_bytes_, stride_bytes_;
  const std::atomic<std::uint32_t>* limit_;  // in the page that only the host writes
  std::uint16_t client_;
  std::uint32_t first_;  // where threads look that have not released any: clients begin apart from each other
  std::atomic<std::uint64_t> not_ours_{0};
  std::unique_ptr<hosted::Connection> connection_;
};

inline std::byte* HostedBuffer::data() const noexcept {
  return pool_->payload_ + slot_.index * pool_->stride_bytes_;
}
inline std::size_t HostedBuffer::capacity() const noexcept {
  return pool_->buffer_bytes_;
}
inline void HostedBuffer::release() noexcept {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->put(slot_);
}

}  // namespace poolscope

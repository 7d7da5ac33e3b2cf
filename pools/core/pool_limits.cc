// Limits: how many may be out, how many may stay, for how long; changed by the service or on request of the agent.
#include <algorithm>
#include <chrono>

#include "pools/core/registry.h"
#include "poolscope/detail/pool_core.h"

namespace poolscope::detail {

// ---- borrowed objects ------------------------------------------------------------------------------------------------

bool PoolCore::try_permit() noexcept {
  std::int64_t borrowed = borrowed_.load(std::memory_order_relaxed);
  do {
    if (static_cast<std::uint64_t>(borrowed) >= max_borrowed_.load(std::memory_order_relaxed)) return false;
  } while (!borrowed_.compare_exchange_weak(borrowed, borrowed + 1));
  return true;
}

PoolCore::Permit PoolCore::take_permit(const Local& mine) noexcept {
  if (!is_bounded_.load(std::memory_order_relaxed) || try_permit()) return Permit::kYes;
  event(PoolEvent::Kind::kExhausted);
  if (options_.at_limit == AtLimit::kHeap) {
    borrowed_.fetch_add(1);
    return Permit::kExtra;
  }
  count_miss(mine, PS_MISS_EXHAUSTED);
  return options_.at_limit == AtLimit::kBlock && wait_for_permit() ? Permit::kYes : Permit::kNo;
}

// Either this thread counts itself as waiting before the one that returns looks, or it sees what that one returned:
// both orders are sequentially consistent.
bool PoolCore::wait_for_permit() noexcept {
  const auto deadline = std::chrono::steady_clock::now() + options_.wait_at_most;
  std::unique_lock lock(waiting_mutex_);
  ++waiters_;
  const bool has_permit = returned_->wait_until(lock, deadline, [this] { return try_permit(); });
  --waiters_;
  return has_permit;
}

// True: the object is one too many, made by AtLimit::kHeap or from before the limit was lowered.
bool PoolCore::return_permit() noexcept {
  if (!is_bounded_.load(std::memory_order_relaxed)) return false;
  const std::int64_t before = borrowed_.fetch_sub(1);
  if (before <= 0) borrowed_.fetch_add(1);  // borrowed before a fork()
  if (waiters_ > 0) {
    const std::lock_guard lock(waiting_mutex_);
    returned_->notify_one();
  }
  return before > 0 && static_cast<std::uint64_t>(before) > max_borrowed_.load(std::memory_order_relaxed);
}

// ---- idle objects ----------------------------------------------------------------------------------------------------

void PoolCore::prewarm(std::uint64_t objects) {
  const Local mine = local();
  const auto shared_idle = static_cast<std::uint64_t>(shared_idle_.load(std::memory_order_relaxed));
  const std::uint64_t shared_room = std::max<std::uint64_t>(shared_limit_, shared_idle) - shared_idle;
  const std::uint64_t cached = mine.cache != nullptr ? mine.cache->depth() : 0;
  const std::uint64_t capacity = mine.cache != nullptr ? mine.cache->capacity() : 0;
  if (shared_room < objects) objects = std::min(objects, shared_room + (capacity > cached ? capacity - cached : 0));
  while (objects > 0) {
    Batch batch;
    const std::uint64_t wanted = std::min<std::uint64_t>(objects, kBatchObjects);
    try {
      for (; batch.count < wanted; ++batch.count) {
        batch.objects[batch.count] = create_object();
        mine.add(mine.counts->created);
        live_.fetch_add(1, std::memory_order_relaxed);
      }
    } catch (...) {
      if (batch.count > 0) absorb(mine, batch, batch.count);
      throw;
    }
    objects -= wanted;
    const std::size_t shared = share(batch.objects.data(), batch.count);
    for (std::size_t i = shared; i < batch.count; ++i) keep_or_drop(mine, batch.objects[i]);
  }
}

void PoolCore::tick(const Local& mine) noexcept {
  if (options_.resizable_by_agent) take_request();
  if (cleanup_interval_ns_ == 0) return;
  const std::uint64_t now_ns = ps_now_ns();
  std::uint64_t next_ns = next_cleanup_ns_.load(std::memory_order_relaxed);
  if (now_ns >= next_ns && next_cleanup_ns_.compare_exchange_strong(next_ns, now_ns + cleanup_interval_ns_)) trim(mine);
}

void PoolCore::trim() noexcept {
  trim(local());
}

void PoolCore::trim(const Local& mine) noexcept {
  if (is_trimming_.test_and_set(std::memory_order_acquire)) return;
  shared_.age([&](const Batch& batch) {
    shared_idle_ -= batch.count;
    for (std::uint32_t i = 0; i < batch.count; ++i) drop(mine, batch.objects[i], PS_DISCARD_TRIMMED);
  });
  is_trimming_.clear(std::memory_order_release);
  mark();
}

// What is above the limit of the shared part, because a cache reserved some of it or the limit was lowered: to the
// thread's cache, or to nowhere.
void PoolCore::settle(const Local& mine) noexcept {
  Batch batch;
  while (static_cast<std::uint64_t>(shared_idle_.load(std::memory_order_relaxed)) >
             shared_limit_.load(std::memory_order_relaxed) &&
         shared_.pop(batch)) {
    shared_idle_ -= batch.count;
    absorb(mine, batch, batch.count);
  }
}

// ---- changes ---------------------------------------------------------------------------------------------------------

void PoolCore::set_max_idle(std::uint64_t buffers) noexcept {
  const std::uint64_t before = max_idle_.exchange(buffers);
  {
    const std::lock_guard lock(registry().mutex);
    shared_limit_ = buffers;
    reserved_ = 0;
    for (ThreadCache* cache : caches_) reserve_capacity(*cache);
    ps_store(&slot_->max_idle_buffers, buffers);
  }
  const Local mine = local();
  settle(mine);
  while (mine.cache != nullptr && mine.cache->depth() > mine.cache->capacity())
    drop(mine, mine.cache->pop(), PS_DISCARD_TRIMMED);
  count_resize("max_idle_buffers", before, buffers);
}

bool PoolCore::set_max_borrowed(std::uint64_t buffers) noexcept {
  if (!is_bounded_) return false;
  const std::uint64_t before = max_borrowed_.exchange(buffers);
  ps_store(&slot_->max_borrowed_buffers, buffers);
  if (waiters_ > 0) {
    const std::lock_guard lock(waiting_mutex_);
    returned_->notify_all();
  }
  count_resize("max_borrowed_buffers", before, buffers);
  return true;
}

bool PoolCore::set_sizes(std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes) noexcept {
  return buffer_bytes == PS_UNCHANGED && max_retained_bytes == PS_UNCHANGED;
}

// All of the request or nothing of it.
void PoolCore::take_request() noexcept {
  ps_control request;
  if (!is_published_) return;
  {
    const std::unique_lock lock(registry().mutex, std::try_to_lock);
    if (!lock || ps_control_take(&registry().page, slot_, &request) == 0 || request.request == request_taken_) return;
    request_taken_ = request.request;
  }
  const bool can = (request.max_borrowed_buffers == PS_UNCHANGED || is_bounded_) &&
                   set_sizes(request.buffer_bytes, request.max_retained_bytes);
  if (can && request.max_borrowed_buffers != PS_UNCHANGED) (void)set_max_borrowed(request.max_borrowed_buffers);
  if (can && request.max_idle_buffers != PS_UNCHANGED) set_max_idle(request.max_idle_buffers);
  ps_control_answer(slot_, &request, can ? PS_REQUEST_APPLIED : PS_REQUEST_REFUSED);
}

}  // namespace poolscope::detail

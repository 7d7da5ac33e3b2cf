// Gets and puts that find no help in their thread's cache, or that somebody wants to see.
#include <algorithm>
#include <utility>

#include "pools/core/debug_ledger.h"
#include "poolscope/detail/pool_core.h"
#include "poolscope/stats_writer.h"

namespace poolscope::detail {

void* PoolCore::get_slow(const void* borrower) {
  const Local mine = local();
  mine.add(mine.counts->gets);
  tick(mine);
  const Permit permit = take_permit(mine);
  if (permit == Permit::kNo) {
    mine.add(mine.counts->gets_failed);
    return nullptr;
  }
  const bool is_from_cache = mine.cache != nullptr && mine.cache->depth() > 0;
  const bool is_chosen =
      mine.cache != nullptr && (is_from_cache ? mine.cache->is_newest_chosen() : mine.cache->happens(1, kWatchOneIn));
  void* object = permit == Permit::kYes ? find_idle(mine) : nullptr;
  if (object == nullptr) {
    count_miss(mine, permit == Permit::kExtra ? PS_MISS_EXHAUSTED : PS_MISS_EMPTY);
    object = make(mine);
  }
  if (DebugLedger* ledger = ledger_.load(std::memory_order_acquire))
    ledger->note_get(object, borrower != nullptr ? borrower : __builtin_return_address(0));
  if (is_chosen) watch(object);
  if (is_bounded_.load(std::memory_order_relaxed)) mark();
  return object;
}

// A put by the fast path, of what lies on top of the cache now.
void PoolCore::look_at_kept(ThreadCache& cache, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept {
  cache.look_after(puts_until_look(cache));
  sample(cache, needed_bytes, buffer_bytes);
  choose_newest(cache);
}

// The same for one that took the slow path.
void PoolCore::look_at_put(const Local& mine, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept {
  if (mine.cache == nullptr || --mine.cache->slow_puts_until_look > 0) return;
  mine.cache->slow_puts_until_look = puts_until_look(*mine.cache);
  sample(*mine.cache, needed_bytes, buffer_bytes);
  if (mine.cache->depth() > 0) choose_newest(*mine.cache);
}

void PoolCore::put_slow(void* object, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept {
  if (is_closed_.load(std::memory_order_relaxed)) return late_put(object);
  const Local mine = local();
  if (!checked_put(mine, object)) return mine.add(mine.counts->puts);
  unwatch(object);
  tick(mine);
  const bool is_surplus = return_permit();
  if (is_surplus || !keep_counted(mine, object)) {
    mine.add(mine.counts->puts);
    is_surplus ? drop(mine, object, PS_DISCARD_FULL) : keep_or_drop(mine, object);
  }
  look_at_put(mine, needed_bytes, buffer_bytes);
}

void PoolCore::discard(void* object, ps_discard reason, std::uint64_t needed_bytes,
                       std::uint64_t buffer_bytes) noexcept {
  if (is_closed_.load(std::memory_order_relaxed)) return late_put(object);
  const Local mine = local();
  mine.add(mine.counts->puts);
  if (!checked_put(mine, object)) return;
  unwatch(object);
  (void)return_permit();
  drop(mine, object, reason);
  look_at_put(mine, needed_bytes, buffer_bytes);
}

void PoolCore::count_regrowth() noexcept {
  if (is_closed_.load(std::memory_order_relaxed)) return;
  const Local mine = local();
  mine.add(mine.counts->regrowths);
}

// nullptr: nothing is idle that this thread can reach.
void* PoolCore::find_idle(const Local& mine) noexcept {
  for (;;) {
    void* object = nullptr;
    if (mine.cache != nullptr && mine.cache->depth() > 0)
      object = mine.cache->pop();
    else
      object = refill(mine);
    if (object == nullptr || (checked_get(object) && is_valid(object))) return object;
    drop(mine, object, PS_DISCARD_INVALID);
  }
}

void* PoolCore::refill(const Local& mine) noexcept {
  Batch batch;
  if (!shared_.pop(batch)) return nullptr;
  shared_idle_ -= batch.count;
  absorb(mine, batch, batch.count - 1);
  mark();
  return batch.objects[batch.count - 1];
}

// The first `count` objects of a batch that was popped: into the thread's cache, what does not fit back to the shared part.
void PoolCore::absorb(const Local& mine, const Batch& batch, std::uint32_t count) noexcept {
  std::size_t taken = 0;
  if (mine.cache != nullptr) {
    const std::size_t depth = mine.cache->depth();
    const std::size_t capacity = mine.cache->capacity();
    taken = std::min<std::size_t>(count, capacity > depth ? capacity - depth : 0);
    mine.cache->push(batch.objects.data() + count - taken, taken);
    // As likely for each of them as for one that this thread put itself.
    if (taken > 0 && mine.cache->happens(static_cast<std::uint32_t>(taken), kWatchOneIn))
      mine.cache->choose(depth + mine.cache->random() % taken);
  }
  const std::size_t rest = count - taken;
  const std::size_t shared = rest > 0 ? share(batch.objects.data(), rest) : 0;
  for (std::size_t i = shared; i < rest; ++i) drop(mine, batch.objects[i], PS_DISCARD_FULL);
}

void* PoolCore::make(const Local& mine) {
  void* object = nullptr;
  try {
    object = create_object();
  } catch (...) {
    mine.add(mine.counts->gets_failed);
    (void)return_permit();
    throw;
  }
  mine.add(mine.counts->created);
  live_.fetch_add(1, std::memory_order_relaxed);
  mark();
  event(PoolEvent::Kind::kCreate);
  return object;
}

void* PoolCore::renew(void* object, const void* borrower) {
  const Local mine = local();
  unwatch(object);
  drop(mine, object, PS_DISCARD_TRIMMED);
  count_miss(mine, PS_MISS_EMPTY);
  void* fresh = make(mine);
  if (DebugLedger* ledger = ledger_.load(std::memory_order_acquire)) ledger->note_get(fresh, borrower);
  return fresh;
}

void PoolCore::count_made_elsewhere(void* object, ps_miss reason, const void* borrower) {
  const Local mine = local();
  mine.add(mine.counts->gets);
  count_miss(mine, reason);
  mine.add(mine.counts->created);
  live_.fetch_add(1, std::memory_order_relaxed);
  if (is_bounded_.load(std::memory_order_relaxed)) borrowed_.fetch_add(1);
  if (DebugLedger* ledger = ledger_.load(std::memory_order_acquire)) ledger->note_get(object, borrower);
  event(PoolEvent::Kind::kCreate);
}

// True: it is in the thread's cache and counted as a put. Puts by the slow path are looked at by a count of their own.
bool PoolCore::keep_counted(const Local& mine, void* object) noexcept {
  if (mine.cache == nullptr) return false;
  if (mine.cache->is_full()) spill(mine);
  const Kept kept = mine.cache->keep(object, *mine.counts);
  if (kept == Kept::kAndLookIsDue) mine.cache->look_after(puts_until_look(*mine.cache));
  return kept != Kept::kNo;
}

void PoolCore::keep_or_drop(const Local& mine, void* object) noexcept {
  ThreadCache* cache = mine.cache;
  if (cache != nullptr && cache->is_full()) spill(mine);
  if (cache != nullptr && !cache->is_full()) return cache->push(object);
  if (share(&object, 1) == 0) drop(mine, object, PS_DISCARD_FULL);
}

// The colder half of the cache goes to the shared part as far as there is room; above the capacity, which may have
// been lowered, to nowhere.
void PoolCore::spill(const Local& mine) noexcept {
  ThreadCache& cache = *mine.cache;
  const std::size_t depth = cache.depth();
  if (depth == 0) return;
  const std::size_t room = reserve_shared(std::clamp<std::size_t>(depth / 2, 1, kBatchObjects));
  if (room > 0) {
    std::array<void*, kBatchObjects> objects;
    cache.pop_oldest(objects.data(), room);
    const bool is_kept = publish(objects.data(), room);
    for (std::size_t i = 0; !is_kept && i < room; ++i) drop(mine, objects[i], PS_DISCARD_FULL);
  }
  while (cache.depth() > cache.capacity()) drop(mine, cache.pop(), PS_DISCARD_FULL);
}

// The first so many of `objects` are in the shared part now: as many as its limit allows.
std::size_t PoolCore::share(void* const* objects, std::size_t count) noexcept {
  const std::size_t room = reserve_shared(count);
  return room > 0 && publish(objects, room) ? room : 0;
}

std::size_t PoolCore::reserve_shared(std::size_t count) noexcept {
  std::int64_t idle = shared_idle_.load(std::memory_order_relaxed);
  std::size_t room = 0;
  do {
    const std::uint64_t limit = shared_limit_.load(std::memory_order_relaxed);
    const auto used = static_cast<std::uint64_t>(idle);
    room = std::min<std::uint64_t>(count, limit > used ? limit - used : 0);
    if (room == 0) return 0;
  } while (
      !shared_idle_.compare_exchange_weak(idle, idle + static_cast<std::int64_t>(room), std::memory_order_relaxed));
  return room;
}

// At most kBatchObjects, for which room is reserved. False: no memory, and nothing is reserved any more.
bool PoolCore::publish(void* const* objects, std::size_t count) noexcept {
  const bool is_kept = shared_.push(objects, count);
  if (!is_kept) shared_idle_ -= static_cast<std::int64_t>(count);
  mark();
  return is_kept;
}

void PoolCore::drop(const Local& mine, void* object, ps_discard reason) noexcept {
  count_discard(mine, reason);
  mine.add(mine.counts->destroyed);
  live_.fetch_sub(1, std::memory_order_relaxed);
  if (DebugLedger* ledger = ledger_.load(std::memory_order_acquire)) ledger->note_destroyed(object);
  destroy_object(object);
  event(PoolEvent::Kind::kDiscard, reason);
}

}  // namespace poolscope::detail

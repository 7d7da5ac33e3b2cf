#include "poolscope/detail/pool_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pools/core/debug_ledger.h"
#include "pools/core/registry.h"

namespace poolscope::detail {
namespace {

constexpr std::uint64_t kHoldLimitNs = 10'000'000'000;

ps_u64 known_words(const CoreIdentity& identity, const PoolOptions& options) {
  ps_u64 known = PS_KNOWN_GETS | PS_KNOWN_PUTS | PS_KNOWN_MISSES | PS_KNOWN_DISCARDS | PS_KNOWN_OBJECTS |
                 PS_KNOWN_MARKS | PS_KNOWN_HOLD_NS;
  if (options.sample_one_in > 0) known |= PS_KNOWN_IDLE_DEPTH;
  if (identity.has_sizes) known |= PS_KNOWN_REGROWTHS;
  if (identity.has_sizes && options.sample_one_in > 0) known |= PS_KNOWN_NEEDED_BYTES | PS_KNOWN_BUFFER_BYTES;
  return known;
}

// A slot of the stats page, or memory of our own that looks the same.
ps_pool* add_slot(Registry& all, const PoolOptions& options, const CoreIdentity& identity) {
  ps_pool_identity told{};
  told.name = options.name.c_str();
  told.kind = identity.kind;
  told.element = identity.element.c_str();
  told.known = known_words(identity, options);
  told.buffer_bytes = identity.buffer_bytes;
  told.max_idle_buffers = options.max_idle_buffers;
  told.max_borrowed_buffers = options.max_borrowed_buffers;
  told.max_retained_bytes = identity.max_retained_bytes;
  told.cleanup_interval_ns = static_cast<ps_u64>(options.cleanup_interval.count());
  told.sample_one_in = options.sample_one_in;
  const bool is_published = options.publish && !all.has_parents_page;
  if (is_published) all.make_page();
  if (is_published && options.resizable_by_agent) all.make_control();
  ps_pool* slot = is_published && all.page.header != nullptr ? ps_pool_add(&all.page, &told) : ps_pool_private(&told);
  if (slot == nullptr) throw std::bad_alloc();
  slot->hold_limit_ns = kHoldLimitNs;
  return slot;
}

}  // namespace

PoolCore::PoolCore(PoolOptions options, const CoreIdentity& identity)
    : is_bounded_(options.max_borrowed_buffers != kNoLimit),
      max_idle_(options.max_idle_buffers),
      max_borrowed_(options.max_borrowed_buffers),
      shared_limit_(options.max_idle_buffers),
      cleanup_interval_ns_(static_cast<std::uint64_t>(options.cleanup_interval.count())),
      next_cleanup_ns_(ps_now_ns() + cleanup_interval_ns_),
      options_(std::move(options)),
      has_sizes_(identity.has_sizes) {
  options_.thread_cache_buffers = std::min(options_.thread_cache_buffers, kMaxThreadCache);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  slot_ = add_slot(all, options_, identity);
  is_published_ = slot_->sequence != 0;
  common_ = take_block();
  serial_ = all.next_serial++;
  entry_offset_ = serial_ % kThreadEntries * sizeof(ThreadEntry);
  all.pools.emplace(serial_, this);
  if (!is_bounded_) fast_serial_ = serial_;
}

PoolCore::~PoolCore() {
  for (ps_block* block : blocks_) {
    if (is_private(block)) ps_block_release(block);
  }
  if (!is_published_) ps_pool_remove(nullptr, slot_);
}

// By where it is: a block of the page may have been given to another pool, or to nobody, since this one ended.
bool PoolCore::is_private(const ps_block* block) noexcept {
  const auto page = reinterpret_cast<std::uintptr_t>(registry().page.header);
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  return page == 0 || at < page || at >= page + PS_PAGE_BYTES;
}

void PoolCore::close() noexcept {
  Registry& all = registry();
  std::vector<ThreadCache*> caches;
  {
    const std::lock_guard lock(all.mutex);
    all.pools.erase(serial_);
    is_closed_ = true;
    fast_serial_ = kNotFast;
    for (ThreadCache* cache : caches_) {
      flush_samples(*cache);
      cache->note_objects();  // the words go with the slot
    }
    caches.swap(caches_);
    if (is_published_) ps_pool_remove(&all.page, slot_);
  }
  std::int64_t idle = 0;
  for (ThreadCache* cache : caches) {
    for (void* const object : cache->noted_objects()) {
      destroy_object(object);
      ++idle;
    }
    delete cache;
  }
  for (Batch batch; shared_.pop(batch);) {
    for (std::uint32_t i = 0; i < batch.count; ++i, ++idle) destroy_object(batch.objects[i]);
  }
  if (DebugLedger* ledger = ledger_.load()) {
    for (PoolMisuse leak : ledger->borrowed()) misuse(leak);
  }
  if (live_.fetch_sub(idle) == idle) delete this;
}

void PoolCore::late_put(void* object) noexcept {
  destroy_object(object);
  if (live_.fetch_sub(1) == 1) delete this;
}

// ---- threads and their caches ----------------------------------------------------------------------------------------

ThreadCache* PoolCore::local_cache() noexcept {
  const ThreadEntry& entry = own_entry();
  if (entry.serial == serial_) return entry.cache;
  ThreadCaches* caches = thread_caches();
  if (caches == nullptr) return nullptr;
  try {
    auto found = caches->find(serial_);
    if (found == caches->end()) {
      found = caches->emplace(serial_, nullptr).first;
      found->second = attach(*caches);
      settle(Local{found->second, found->second->counts});
    }
    own_entry() = {serial_, found->second, found->second->counts};
    return found->second;
  } catch (const std::bad_alloc&) {
    caches->erase(serial_);
    return nullptr;
  }
}

PoolCore::Local PoolCore::local() noexcept {
  ThreadCache* cache = local_cache();
  return cache != nullptr ? Local{cache, cache->counts} : Local{nullptr, common_};
}

ps_block* PoolCore::take_block() {
  if (!free_blocks_.empty()) {
    ps_block* block = free_blocks_.back();
    free_blocks_.pop_back();
    ps_store(&block->waiting, 0);
    return block;
  }
  blocks_.reserve(blocks_.size() + 1);
  free_blocks_.reserve(blocks_.size() + 1);  // so that giving it back cannot fail
  ps_block* block = is_published_ ? ps_block_add(&registry().page, slot_) : ps_block_private();
  if (block == nullptr) throw std::bad_alloc();
  blocks_.push_back(block);
  return block;
}

ThreadCache* PoolCore::attach(std::unordered_map<std::uint64_t, ThreadCache*>& caches) {
  auto cache = std::make_unique<ThreadCache>();
  const std::lock_guard lock(registry().mutex);
  forget_ended_pools(caches);
  caches_.reserve(caches_.size() + 1);
  cache->counts = take_block();
  cache->pool = this;
  cache->thread = this_thread_mark();
  cache->random_state =
      static_cast<std::uint32_t>((serial_ * 0x9e3779b97f4a7c15 + blocks_.size() * 0xbf58476d1ce4e5b9) >> 32) | 1;
  cache->look_after(puts_until_look(*cache));
  cache->slow_puts_until_look = puts_until_look(*cache);
  caches_.push_back(cache.get());
  reserve_capacity(*cache);
  return cache.release();
}

// At most half of what the caches before it left: the first threads get most, and the shared part at least as much as the last.
void PoolCore::reserve_capacity(ThreadCache& cache) noexcept {
  const std::uint64_t left = shared_limit_;
  const std::uint64_t capacity = std::min<std::uint64_t>(options_.thread_cache_buffers, left / 2);
  cache.set_capacity(capacity);
  reserved_ += capacity;
  if (left != kNoLimit) shared_limit_ = left - capacity;
  ps_store(&slot_->cached_capacity, is_bounded_ ? 0 : reserved_);
}

void PoolCore::detach(ThreadCache* cache) noexcept {
  flush_samples(*cache);
  while (cache->depth() > 0) {
    std::array<void*, kBatchObjects> objects;
    const std::size_t count = std::min(cache->depth(), kBatchObjects);
    cache->pop_oldest(objects.data(), count);
    if (shared_.push(objects.data(), count)) {
      shared_idle_ += static_cast<std::int64_t>(count);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) cache->push(objects[i]);  // no memory: they wait for the end of the pool
    return;
  }
  ps_store(&cache->counts->waiting, 1);
  free_blocks_.push_back(cache->counts);
  const std::uint64_t capacity = cache->capacity();
  reserved_ -= capacity;
  if (shared_limit_ != kNoLimit) shared_limit_ += capacity;
  ps_store(&slot_->cached_capacity, is_bounded_ ? 0 : reserved_);
  std::erase(caches_, cache);
  delete cache;
}

void PoolCore::flush_this_thread() noexcept {
  const Local mine = local();
  if (mine.cache == nullptr) return;
  while (mine.cache->depth() > 0) {
    const std::size_t before = mine.cache->depth();
    spill(mine);
    if (mine.cache->depth() == before) drop(mine, mine.cache->pop(), PS_DISCARD_FULL);
  }
}

// ---- fork ------------------------------------------------------------------------------------------------------------

void PoolCore::before_fork() {
  if (is_bounded_ && returned_after_fork_ == nullptr)
    returned_after_fork_ = std::make_unique<std::condition_variable>();
  for (ThreadCache* cache : caches_) {
    if (cache->thread == this_thread_mark()) cache->note_objects();
  }
  waiting_mutex_.lock();
  shared_.lock_growth();
  for (auto& ledger : ledgers_) ledger->lock();
}

void PoolCore::after_fork_in_parent() {
  for (auto& ledger : ledgers_) ledger->unlock();
  shared_.unlock_growth();
  waiting_mutex_.unlock();
}

// As ps_page_after_fork() does for what is on the page.
void PoolCore::restart_private_counts() noexcept {
  if (slot_->sequence == 0) {
    ps_pool fresh{};
    ps_restart_pool(&fresh, slot_);
    *slot_ = fresh;
  }
  for (ps_block* block : blocks_) {
    if (!is_private(block)) continue;
    const ps_u64 waiting = std::exchange(*block, {}).waiting;
    block->waiting = waiting;
  }
}

// The page was copied while its parent went on: threads may have ended there meanwhile, and pools.
void PoolCore::restart_published_words() noexcept {
  slot_->state = PS_POOL_LIVE;
  slot_->ended_ns = 0;
  for (ps_block* block : blocks_) block->waiting = 0;
  for (ps_block* block : free_blocks_) block->waiting = 1;
}

void PoolCore::leave_page() noexcept {
  if (!is_published_) return;
  static ps_block counts{};
  static ps_pool slot{};
  slot.sequence = 2;  // it is nobody's to free
  caches_.clear();
  blocks_.clear();
  free_blocks_.clear();
  common_ = &counts;
  slot_ = &slot;
  is_published_ = false;
  set_careful();
}

// The other threads are gone, and with them what they had borrowed and what lay in their caches, as with malloc: nobody
// can tell any more which of the objects there were idle, and one too many would be handed out twice.
void PoolCore::after_fork_in_child(const void* thread) noexcept {
  after_fork_in_parent();
  if (is_bounded_) {
    (void)returned_.release();  // its waiters are gone, but it still counts on them
    returned_ = std::move(returned_after_fork_);
  }
  waiters_ = 0;
  borrowed_ = 0;
  watched_ = nullptr;
  restart_private_counts();
  restart_published_words();
  is_sampling_.clear();
  is_trimming_.clear();
  std::int64_t own_idle = 0;
  for (std::size_t i = caches_.size(); i-- > 0;) {  // backwards: detach() takes them out
    ThreadCache* const cache = caches_[i];
    cache->sample_count = 0;
    if (cache->thread == thread) {
      cache->set_depth(cache->noted_objects().size());
      cache->look_after(puts_until_look(*cache));
      own_idle += static_cast<std::int64_t>(cache->depth());
    } else {
      cache->set_depth(0);
      detach(cache);
    }
  }
  const std::int64_t objects = live_, idle = shared_idle_ + own_idle;
  slot_->objects_at_start = static_cast<ps_u64>(std::max<std::int64_t>(objects, 0));
  slot_->borrowed_at_start = static_cast<ps_u64>(std::max<std::int64_t>(objects - idle, 0));
}

}  // namespace poolscope::detail

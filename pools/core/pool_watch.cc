// What a pool tells: counts, water marks, distributions, events; and what its debug checks find.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "pools/core/debug_ledger.h"
#include "pools/core/registry.h"
#include "pools/core/trace_points.h"
#include "poolscope/detail/pool_core.h"

namespace poolscope {

std::uint64_t PoolStats::all_misses() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : misses) sum += count;
  return sum;
}

std::uint64_t PoolStats::all_discards() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : discards) sum += count;
  return sum;
}

namespace detail {
namespace {

void add_block(PoolStats& stats, const ps_block& block) {
  stats.puts += ps_block_puts(&block);
  stats.gets += ps_block_gets(&block);
  stats.gets_failed += ps_load(&block.gets_failed);
  stats.created += ps_load(&block.created);
  stats.destroyed += ps_load(&block.destroyed);
  stats.regrowths += ps_load(&block.regrowths);
  for (int i = 0; i < PS_MISS_REASONS; ++i) stats.misses[i] += ps_load(&block.misses[i]);
  for (int i = 0; i < PS_DISCARD_REASONS; ++i) stats.discards[i] += ps_load(&block.discards[i]);
}

std::uint64_t difference(std::uint64_t more, std::uint64_t less) {
  return more > less ? more - less : 0;
}

}  // namespace

PoolStats PoolCore::stats() const {
  PoolStats stats;
  const std::lock_guard lock(registry().mutex);
  for (const ps_block* block : blocks_) add_block(stats, *block);
  const std::uint64_t taken = slot_->borrowed_at_start + difference(stats.gets, stats.gets_failed);
  stats.borrowed = difference(taken, difference(stats.puts, stats.discards[PS_DISCARD_FOREIGN]));
  stats.idle = difference(slot_->objects_at_start + stats.created, stats.destroyed + stats.borrowed);
  stats.resizes_up = ps_load(&slot_->resizes_up);
  stats.resizes_down = ps_load(&slot_->resizes_down);
  return stats;
}

void PoolCore::count_miss(const Local& mine, ps_miss reason) noexcept {
  mine.add(mine.counts->misses[reason]);
  trace_miss(options_.name.c_str(), reason);
}

void PoolCore::count_discard(const Local& mine, ps_discard reason) noexcept {
  mine.add(mine.counts->discards[reason]);
  trace_discard(options_.name.c_str(), reason);
}

void PoolCore::count_resize(const char* option, std::uint64_t before, std::uint64_t after) noexcept {
  if (before == after) return;
  ps_count_shared(after > before ? &slot_->resizes_up : &slot_->resizes_down, 1);
  trace_resize(options_.name.c_str(), option, before, after);
  event(PoolEvent::Kind::kResize);
}

void PoolCore::mark() noexcept {
  const std::uint64_t now_ns = ps_now_ns();
  const std::int64_t idle = shared_idle_.load(std::memory_order_relaxed);
  const std::int64_t borrowed = is_bounded_.load(std::memory_order_relaxed)
                                    ? borrowed_.load(std::memory_order_relaxed)
                                    : live_.load(std::memory_order_relaxed) - idle;
  ps_mark_value(slot_->borrowed_marks, borrowed > 0 ? static_cast<ps_u64>(borrowed) : 0, now_ns);
  ps_mark_value(slot_->idle_marks, idle > 0 ? static_cast<ps_u64>(idle) : 0, now_ns);
}

void PoolCore::event(PoolEvent::Kind kind, ps_discard reason, std::uint64_t objects) const {
  if (options_.on_event) options_.on_event({kind, options_.name.c_str(), reason, objects});
}

// ---- one get in some thousands: how long the object stays out ------------------------------------------------------------

// One object at a time for the whole pool, so that a put has one address to compare with.
void PoolCore::watch(void* object) noexcept {
  if (is_sampling_.test_and_set(std::memory_order_acquire)) return;
  const std::uint64_t now_ns = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  const bool is_taken = watched_.load(std::memory_order_relaxed) != nullptr;
  if (!is_taken || now_ns - watched_since_ns_ > slot_->hold_limit_ns) {
    if (is_taken) ps_count_shared(&slot_->hold_given_up, 1);
    ps_count_shared(&slot_->hold_sampled, 1);
    watched_since_ns_ = now_ns;
    watched_.store(object, std::memory_order_relaxed);
  }
  is_sampling_.clear(std::memory_order_release);
}

void PoolCore::unwatch(void* object) noexcept {
  if (watched_.load(std::memory_order_relaxed) != object) return;
  while (is_sampling_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();  // held for some stores only
  if (watched_.load(std::memory_order_relaxed) == object) {
    const auto now_ns = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    ps_histogram_count(&slot_->hold_ns, now_ns - watched_since_ns_);
    watched_.store(nullptr, std::memory_order_relaxed);
  }
  is_sampling_.clear(std::memory_order_release);
}

// ---- one put in so many: sizes, and how many are idle ------------------------------------------------------------------

void PoolCore::flush_samples(ThreadCache& cache) noexcept {
  if (is_sampling_.test_and_set(std::memory_order_acquire)) return;
  for (std::uint32_t i = 0; i < cache.sample_count; ++i) {
    const PutSample& sample = cache.samples[i];
    ps_histogram_count(&slot_->idle_depth, sample.idle);
    if (!has_sizes_) continue;
    ps_histogram_count(&slot_->needed_bytes, sample.needed_bytes);
    ps_histogram_count(&slot_->buffer_bytes_at_put, sample.buffer_bytes);
  }
  cache.sample_count = 0;
  is_sampling_.clear(std::memory_order_release);
}

// ---- debug checks ----------------------------------------------------------------------------------------------------

void PoolCore::set_careful() noexcept {
  is_checked_ = true;
  fast_serial_ = kNotFast;
}

void PoolCore::set_debug_checks(DebugChecks checks) {
  const std::lock_guard lock(registry().mutex);
  if ((checks == DebugChecks::kOn) == (ledger_.load() != nullptr)) return;
  if (checks == DebugChecks::kOff) {
    ledger_ = nullptr;
    if (!is_bounded_ && !is_checked_) fast_serial_ = serial_;
    return;
  }
  fast_serial_ = kNotFast;
  ledgers_.push_back(std::make_unique<DebugLedger>(static_cast<std::uint64_t>(live_.load())));
  ledger_.store(ledgers_.back().get(), std::memory_order_release);
}

std::vector<PoolMisuse> PoolCore::borrowers() const {
  DebugLedger* ledger = ledger_.load(std::memory_order_acquire);
  if (ledger == nullptr) return {};
  std::vector<PoolMisuse> out = ledger->borrowed();
  for (PoolMisuse& one : out) one.pool = options_.name.c_str();
  return out;
}

// False: somebody wrote to it while it was idle.
bool PoolCore::checked_get(void* object) noexcept {
  DebugLedger* ledger = ledger_.load(std::memory_order_acquire);
  if (ledger == nullptr) return true;
  const auto sealed = ledger->fingerprint_of(object);
  if (!sealed || *sealed == fingerprint(object)) return true;
  misuse({PoolMisuse::Kind::kUsedAfterRelease, nullptr, object, ledger->last_borrower(object), 0});
  return false;
}

// False: it is not taken.
bool PoolCore::checked_put(const Local& mine, void* object) noexcept {
  DebugLedger* ledger = ledger_.load(std::memory_order_acquire);
  if (ledger == nullptr) return true;
  const auto verdict = ledger->note_put(object);
  if (verdict == DebugLedger::Verdict::kFine) {
    seal(object);
    ledger->note_fingerprint(object, fingerprint(object));
    return true;
  }
  count_discard(mine, PS_DISCARD_FOREIGN);
  const auto kind =
      verdict == DebugLedger::Verdict::kTwice ? PoolMisuse::Kind::kReleasedTwice : PoolMisuse::Kind::kForeign;
  misuse({kind, nullptr, object, ledger->last_borrower(object), 0});
  return false;
}

void PoolCore::misuse(PoolMisuse found) const noexcept {
  found.pool = options_.name.c_str();
  if (options_.on_misuse) return options_.on_misuse(found);
  std::fprintf(stderr, "poolscope: %s\n", describe(found).c_str());
  std::abort();
}

}  // namespace detail
}  // namespace poolscope

#include "poolscope/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace poolscope {
namespace {

void check(const BufferPoolOptions& options) {
  const std::string pool = "buffer pool " + options.pool.name + ": ";
  if (options.buffer_bytes.empty()) throw std::invalid_argument(pool + "buffer_bytes is empty; name at least one size");
  if (!std::ranges::is_sorted(options.buffer_bytes, std::less_equal<>()) || options.buffer_bytes.front() == 0)
    throw std::invalid_argument(pool + "buffer_bytes must rise, from 1 on");
  if (!std::has_single_bit(options.alignment)) throw std::invalid_argument(pool + "alignment must be a power of two");
  const bool is_bounded = options.pool.max_borrowed_buffers != kNoLimit && options.pool.at_limit == AtLimit::kHeap;
  if (std::holds_alternative<OverflowBand>(options.sizing) && !is_bounded)
    throw std::invalid_argument(pool +
                                "OverflowBand needs max_borrowed_buffers and AtLimit::kHeap: else nothing overflows");
}

PoolOptions options_of_size(const BufferPoolOptions& options, std::size_t bytes) {
  PoolOptions one = options.pool;
  if (options.buffer_bytes.size() > 1) one.name += "/" + std::to_string(bytes);
  return one;
}

void add(PoolStats& sum, const PoolStats& other) {
  sum.gets += other.gets;
  sum.gets_failed += other.gets_failed;
  sum.puts += other.puts;
  for (int i = 0; i < PS_MISS_REASONS; ++i) sum.misses[i] += other.misses[i];
  for (int i = 0; i < PS_DISCARD_REASONS; ++i) sum.discards[i] += other.discards[i];
  sum.created += other.created;
  sum.destroyed += other.destroyed;
  sum.regrowths += other.regrowths;
  sum.borrowed += other.borrowed;
  sum.idle += other.idle;
  sum.resizes_up += other.resizes_up;
  sum.resizes_down += other.resizes_down;
}

ps_histogram difference(const ps_histogram& now, const ps_histogram& before) {
  ps_histogram since{};
  for (unsigned i = 0; i < PS_LOG_LINEAR_BUCKETS; ++i)
    since.counts[i] = ps_load(&now.counts[i]) - std::min(ps_load(&now.counts[i]), ps_load(&before.counts[i]));
  return since;
}

}  // namespace

void Buffer::grow(std::size_t bytes) {
  core_->grow(node_, bytes, size_);
}

BufferPool::BufferPool(BufferPoolOptions options)
    : options_(std::move(options)), is_fixed_(std::holds_alternative<FixedSize>(options_.sizing)) {
  check(options_);
  for (const std::size_t bytes : options_.buffer_bytes) {
    cores_.emplace_back(new detail::BufferCore(options_of_size(options_, bytes), bytes, options_.max_retained_bytes,
                                               options_.alignment));
    cores_.back()->set_debug_checks(options_.pool.debug_checks);
    cores_.back()->prewarm(options_.pool.prewarm_buffers);
  }
  smallest_ = cores_.front().get();
}

BufferPool::~BufferPool() = default;

detail::BufferCore& BufferPool::core_for(std::size_t bytes) const noexcept {
  for (const Core& core : cores_) {
    if (bytes <= core->buffer_bytes()) return *core;
  }
  return *cores_.back();
}

Buffer::Borrowed BufferPool::acquire_other(std::size_t at_least_bytes) {
  detail::BufferCore& core = core_for(at_least_bytes);
  if (!is_fixed_) count_for_policy();
  if (at_least_bytes > core.buffer_bytes())
    return {&core, core.acquire_elsewhere(at_least_bytes, __builtin_return_address(0))};
  return {&core, core.acquire(__builtin_return_address(0))};
}

// ---- sizing ------------------------------------------------------------------------------------------------------------

void BufferPool::count_for_policy() {
  if ((gets_.fetch_add(1, std::memory_order_relaxed) + 1) % options_.check_every_gets == 0) apply_policy();
}

std::optional<std::uint64_t> BufferPool::suggest_resize() const {
  detail::BufferCore& core = *smallest_;
  if (const auto* band = std::get_if<OverflowBand>(&options_.sizing)) {
    const PoolStats now = core.stats();
    return suggest_buffers(*band, core.max_borrowed(), now.gets - gets_at_resize_,
                           now.misses[PS_MISS_EXHAUSTED] - overflows_at_resize_);
  }
  if (const auto* quantile = std::get_if<NeededQuantile>(&options_.sizing))
    return suggest_buffer_bytes(*quantile, difference(core.needed_bytes(), needed_at_resize_), core.buffer_bytes());
  return std::nullopt;
}

void BufferPool::apply_policy() {
  const auto answer = suggest_resize();
  if (std::holds_alternative<OverflowBand>(options_.sizing)) {
    if (answer) resize(*answer);
    return;
  }
  const unsigned dwell = std::get<NeededQuantile>(options_.sizing).dwell;
  const std::uint64_t before = last_answer_.exchange(answer.value_or(0));
  if (!answer || before != *answer) {
    same_answer_ = answer ? 1 : 0;
    return;
  }
  if (++same_answer_ < dwell) return;
  same_answer_ = 0;
  set_buffer_bytes(*answer);
}

void BufferPool::resize(std::uint64_t buffers) {
  detail::BufferCore& core = *smallest_;
  const PoolStats now = core.stats();
  gets_at_resize_ = now.gets;
  overflows_at_resize_ = now.misses[PS_MISS_EXHAUSTED];
  (void)core.set_max_borrowed(buffers);
  core.set_max_idle(buffers);
}

void BufferPool::set_buffer_bytes(std::size_t bytes) {
  detail::BufferCore& core = *smallest_;
  if (!core.set_sizes(bytes, PS_UNCHANGED))
    throw std::invalid_argument("buffer pool " + options_.pool.name + ": impossible buffer_bytes");
  for (unsigned i = 0; i < PS_LOG_LINEAR_BUCKETS; ++i)
    ps_store(&needed_at_resize_.counts[i], ps_load(&core.needed_bytes().counts[i]));
}

void BufferPool::set_max_retained_bytes(std::uint64_t bytes) {
  for (const Core& core : cores_) (void)core->set_sizes(PS_UNCHANGED, bytes);
}

std::size_t BufferPool::buffer_bytes() const noexcept {
  return smallest_->buffer_bytes();
}

std::uint64_t BufferPool::max_borrowed_buffers() const noexcept {
  return smallest_->max_borrowed();
}

// ---- the rest ----------------------------------------------------------------------------------------------------------

void BufferPool::prewarm(std::uint64_t buffers_of_each_size) {
  for (const Core& core : cores_) core->prewarm(buffers_of_each_size);
}

void BufferPool::trim() noexcept {
  for (const Core& core : cores_) core->trim();
}

std::vector<PoolMisuse> BufferPool::borrowers() const {
  std::vector<PoolMisuse> all;
  for (const Core& core : cores_) {
    const auto some = core->borrowers();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void BufferPool::set_debug_checks(DebugChecks checks) {
  for (const Core& core : cores_) core->set_debug_checks(checks);
}

PoolStats BufferPool::stats() const {
  PoolStats sum;
  for (const Core& core : cores_) add(sum, core->stats());
  return sum;
}

PoolStats BufferPool::stats(std::size_t size) const {
  return cores_.at(size)->stats();
}

std::uint64_t BufferPool::retained_bytes() const {
  std::uint64_t bytes = 0;
  for (const Core& core : cores_) {
    const PoolStats now = core->stats();
    bytes += (now.idle + now.borrowed) * core->buffer_bytes();
  }
  return bytes;
}

}  // namespace poolscope

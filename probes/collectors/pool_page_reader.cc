#include "probes/collectors/pool_page_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace poolscope::probes {
namespace {

// Word by word: a word is never seen in halves, whatever is written meanwhile. `bytes` is a multiple of 8.
void copy_words(void* to, const void* from, std::size_t bytes) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const ps_u64*>(from);
  for (std::size_t i = 0; i < bytes / sizeof(ps_u64); ++i) {
    const ps_u64 word = ps_load(source + i);
    std::memcpy(target + i * sizeof(word), &word, sizeof(word));
  }
}

std::optional<PageFault> fault_of(const ps_stats_header& header, std::size_t bytes) {
  using Reason = PageFault::Reason;
  if (header.magic == 0) return PageFault{Reason::kNotReady, "its header is not written yet"};
  const char* problem = ps_stats_problem(&header, bytes);
  if (problem == nullptr && (header.pools_used > kMaxPagePools || header.blocks_used > kMaxPageBlocks)) {
    problem = "more pools or blocks in use than are read";
  }
  if (problem == nullptr) return std::nullopt;
  const bool other_version = header.magic == PS_STATS_MAGIC && header.version != PS_STATS_VERSION;
  if (!other_version) return PageFault{Reason::kDamaged, problem};
  return PageFault{Reason::kNotThisVersion, "of version " + std::to_string(header.version) +
                                                ", this agent reads version " + std::to_string(PS_STATS_VERSION)};
}

// Distributions that a writer with a shorter slot does not have.
ps_u64 bits_beyond(ps_u32 pool_bytes) {
  constexpr std::pair<ps_u64, std::size_t> kLast[] = {
      {PS_KNOWN_NEEDED_BYTES, offsetof(ps_pool, needed_bytes)},
      {PS_KNOWN_BUFFER_BYTES, offsetof(ps_pool, buffer_bytes_at_put)},
      {PS_KNOWN_IDLE_DEPTH, offsetof(ps_pool, idle_depth)},
      {PS_KNOWN_HOLD_NS, offsetof(ps_pool, hold_ns)},
  };
  ps_u64 bits = 0;
  for (const auto& [bit, offset] : kLast) {
    if (offset + sizeof(ps_histogram) > pool_bytes) bits |= bit;
  }
  return bits;
}

class PageReader {
 public:
  PageReader(const std::byte* base, const ps_stats_header& header) : base_(base), header_(header) {}

  std::vector<PageSlot> slots() {
    slots_.reserve(header_.pools_used);
    for (ps_u32 i = 0; i < header_.pools_used; ++i) copy_slot(i);
    // What came back before what went out: see the top of the header.
    for_blocks([](ps_block& sums, const ps_block& block) {
      sums.puts += ps_block_puts(&block);
      sums.destroyed += ps_load(&block.destroyed);
      sums.gets_failed += ps_load(&block.gets_failed);
      for (int i = 0; i < PS_MISS_REASONS; ++i) sums.misses[i] += ps_load(&block.misses[i]);
      for (int i = 0; i < PS_DISCARD_REASONS; ++i) sums.discards[i] += ps_load(&block.discards[i]);
    });
    for_blocks([](ps_block& sums, const ps_block& block) {
      sums.gets += ps_block_gets(&block);
      sums.created += ps_load(&block.created);
      sums.regrowths += ps_load(&block.regrowths);
    });
    std::erase_if(slots_, [this](const PageSlot& slot) {
      return slot.pool.sequence == 0 ||
             ps_pool_unchanged(ps_pool_at(base_, &header_, slot.index), slot.pool.sequence) == 0;
    });
    return std::move(slots_);
  }

 private:
  void copy_slot(ps_u32 index) {
    PageSlot& slot = slots_.emplace_back();
    slot.index = index;
    const ps_pool* pool = ps_pool_at(base_, &header_, index);
    const ps_u64 sequence = ps_pool_sequence(pool);
    if (sequence == 0) return;
    copy_words(&slot.pool, pool, std::min<std::size_t>(header_.pool_bytes, sizeof(slot.pool)));
    slot.pool.sequence = sequence;
    slot.pool.known &= ~bits_beyond(header_.pool_bytes);
  }

  template <typename Add>
  void for_blocks(Add add) {
    for (ps_u32 i = 0; i < header_.blocks_used; ++i) {
      const ps_block* block = ps_block_at(base_, &header_, i);
      const ps_u64 index = ps_load(&block->pool_index), sequence = ps_load(&block->pool_sequence);
      if (sequence == 0 || index >= slots_.size() || slots_[index].pool.sequence != sequence) continue;
      add(slots_[index].sums, *block);
    }
  }

  const std::byte* base_;
  const ps_stats_header& header_;
  std::vector<PageSlot> slots_;
};

std::uint64_t more(ps_u64 before, ps_u64 now) {
  return now > before ? now - before : 0;
}

void add_growth(model::Histogram& histogram, const ps_histogram* before, const ps_histogram& now) {
  if (before != nullptr && std::memcmp(before, &now, sizeof(now)) == 0) return;  // most pools, most of the time
  for (unsigned i = 0; i < PS_LOG_LINEAR_BUCKETS; ++i) {
    histogram.add_bucket(i, static_cast<double>(more(before == nullptr ? 0 : before->counts[i], now.counts[i])));
  }
}

template <std::size_t N>
std::string text_of(const char (&text)[N]) {
  return {text, strnlen(text, N)};
}

std::optional<std::uint64_t> limit_of(ps_u64 limit) {
  return limit == 0 || limit == PS_NO_LIMIT ? std::nullopt : std::optional<std::uint64_t>(limit);
}

// Of the intervals that the marks still hold, the one that runs included.
std::optional<std::uint64_t> highest(const ps_mark* marks, ps_u64 interval) {
  std::optional<std::uint64_t> high;
  for (ps_u64 back = 0; back < PS_MARKS && back <= interval; ++back) {
    ps_u64 value = 0;
    if (ps_mark_high(marks, interval - back, &value) != 0) high = std::max<std::uint64_t>(high.value_or(0), value);
  }
  return high;
}

}  // namespace

const char* reason_label(PageFault::Reason reason) {
  switch (reason) {
    case PageFault::Reason::kNotReady:
      return "not_ready";
    case PageFault::Reason::kNotSealed:
      return "not_sealed";
    case PageFault::Reason::kNotThisVersion:
      return "not_this_version";
    case PageFault::Reason::kDamaged:
      return "damaged";
    case PageFault::Reason::kNotPermitted:
      return "not_permitted";
    case PageFault::Reason::kSystem:
      return "system";
  }
  return "system";
}

Result<PageReading, PageFault> read_page(std::span<const std::byte> page) {
  PageReading reading;
  if (page.size() < sizeof(reading.header)) {
    return Failure{PageFault{PageFault::Reason::kDamaged, "shorter than its header"}};
  }
  copy_words(&reading.header, page.data(), sizeof(reading.header));
  if (auto fault = fault_of(reading.header, page.size())) return Failure{*std::move(fault)};
  reading.slots = PageReader(page.data(), reading.header).slots();
  return reading;
}

model::PoolPageCounts counts_since(const PageSlot* before, const PageSlot& now) {
  static const PageSlot kNothing;
  const ps_block& old = (before == nullptr ? kNothing : *before).sums;
  model::PoolPageCounts counts;
  counts.gets = more(old.gets, now.sums.gets);
  counts.gets_failed = more(old.gets_failed, now.sums.gets_failed);
  counts.puts = more(old.puts, now.sums.puts);
  counts.created = more(old.created, now.sums.created);
  counts.destroyed = more(old.destroyed, now.sums.destroyed);
  counts.regrowths = more(old.regrowths, now.sums.regrowths);
  for (std::size_t i = 0; i < PS_MISS_REASONS; ++i) counts.misses[i] = more(old.misses[i], now.sums.misses[i]);
  for (std::size_t i = 0; i < PS_DISCARD_REASONS; ++i) counts.discards[i] = more(old.discards[i], now.sums.discards[i]);
  const auto of = [&](const ps_histogram ps_pool::*member) {
    return before == nullptr ? nullptr : &(before->pool.*member);
  };
  add_growth(counts.needed_bytes, of(&ps_pool::needed_bytes), now.pool.needed_bytes);
  add_growth(counts.buffer_bytes, of(&ps_pool::buffer_bytes_at_put), now.pool.buffer_bytes_at_put);
  add_growth(counts.idle_depth, of(&ps_pool::idle_depth), now.pool.idle_depth);
  add_growth(counts.hold_ns, of(&ps_pool::hold_ns), now.pool.hold_ns);
  return counts;
}

std::optional<model::PoolPageState> state_of(const PageSlot& slot, const ps_stats_header& header,
                                             std::uint64_t now_ns) {
  const ps_pool& pool = slot.pool;
  if (pool.state != PS_POOL_LIVE) return std::nullopt;
  const ps_block& sums = slot.sums;
  const std::uint64_t out = more(sums.gets_failed, pool.borrowed_at_start + sums.gets);
  const std::uint64_t back = more(sums.discards[PS_DISCARD_FOREIGN], sums.puts);
  model::PoolPageState state;
  state.borrowed = more(back, out);
  state.idle = more(sums.destroyed + state.borrowed, pool.objects_at_start + sums.created);
  if ((pool.known & PS_KNOWN_MARKS) != 0) {
    state.borrowed_high = highest(pool.borrowed_marks, ps_mark_interval(&header, now_ns));
  }
  state.cached_capacity = pool.cached_capacity;
  state.limits = {limit_of(pool.buffer_bytes), limit_of(pool.max_idle_buffers), limit_of(pool.max_borrowed_buffers),
                  limit_of(pool.max_retained_bytes)};
  return state;
}

model::PoolIdentity identity_of(const PageSlot& slot) {
  model::PoolIdentity identity;
  // A writer may call its kind anything, also what pools are called that are seen in other ways.
  const std::string kind = text_of(slot.pool.kind);
  identity.kind = kind == "poolscope" || kind == "hosted" ? kind : "published";
  identity.name = text_of(slot.pool.name);
  identity.element = text_of(slot.pool.element);
  return identity;
}

}  // namespace poolscope::probes

#include "agent/estimate/published_pools.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "agent/estimate/sizes.h"

namespace poolscope::estimate {
namespace {

using model::PoolIdentity;
using model::PoolPageCounts;

constexpr const char* kMissNames[] = {"empty", "exhausted", "over_max_size"};
constexpr const char* kDiscardNames[] = {"full", "over_max_size", "trimmed", "foreign", "invalid"};

model::Estimate exactly(double value) {
  return {value, value, value};
}

// Reasons of a later writer have no name here.
template <std::size_t N, std::size_t Names>
std::map<std::string, std::uint64_t> by_reason(const std::array<std::uint64_t, N>& counts,
                                               const char* const (&names)[Names]) {
  static_assert(Names <= N);
  std::map<std::string, std::uint64_t> result;
  for (std::size_t i = 0; i < N; ++i) {
    if (i < Names) {
      result[names[i]] = counts[i];
    } else if (counts[i] > 0) {
      result["other"] += counts[i];
    }
  }
  return result;
}

struct Recent {
  double seconds = 0;
  std::map<PoolIdentity, PoolPageCounts> counted;
};

Recent recent_counts(std::span<const model::PoolPageRecord> records) {
  Recent recent;
  std::uint64_t first_ns = std::numeric_limits<std::uint64_t>::max(), last_ns = 0;
  for (const auto& record : records) {
    if (record.length_ns == 0) continue;  // what was counted before anybody looked
    first_ns = std::min(first_ns, record.start_ns);
    last_ns = std::max(last_ns, record.start_ns + record.length_ns);
    for (const auto& sums : record.pools) recent.counted[sums.pool].merge(sums.counted);
  }
  if (last_ns > first_ns) recent.seconds = static_cast<double>(last_ns - first_ns) / 1e9;
  return recent;
}

class PublishedSummary {
 public:
  PublishedSummary(const PoolIdentity& identity, const PublishedTotal& total, const PoolPageCounts& recent,
                   double seconds)
      : identity_(identity), total_(total), recent_(recent), seconds_(seconds), state_(state()) {}

  [[nodiscard]] model::PoolSummary summary() const {
    model::PoolSummary summary;
    summary.name = identity_.name.empty() ? "(unnamed)" : identity_.name;
    summary.kind = identity_.kind;
    summary.element = identity_.element;
    summary.published.emplace();
    set_counts(summary);
    set_rates(summary);
    set_sizes(summary);
    set_state(summary);
    return summary;
  }

 private:
  [[nodiscard]] bool knows(std::uint64_t bits) const { return (total_.known & bits) == bits; }

  [[nodiscard]] std::optional<model::PoolPageState> state() const {
    if (total_.states.empty()) return total_.ended_last;
    model::PoolPageState all = total_.states.begin()->second;
    for (auto at = std::next(total_.states.begin()); at != total_.states.end(); ++at) all.merge(at->second);
    return all;
  }

  void set_counts(model::PoolSummary& summary) const {
    const PoolPageCounts& counted = total_.counted;
    if (knows(PS_KNOWN_GETS)) summary.counted.gets = counted.gets;
    if (knows(PS_KNOWN_PUTS)) summary.counted.puts = counted.puts;
    if (knows(PS_KNOWN_REGROWTHS)) summary.counted.regrowths = counted.regrowths;
    if (knows(PS_KNOWN_MISSES)) {
      summary.counted.misses = counted.all_misses();
      summary.published->misses = by_reason(counted.misses, kMissNames);
    }
    if (knows(PS_KNOWN_DISCARDS)) summary.published->discards = by_reason(counted.discards, kDiscardNames);
    if (knows(PS_KNOWN_OBJECTS)) {
      summary.published->created = counted.created;
      summary.published->destroyed = counted.destroyed;
    }
  }

  [[nodiscard]] model::MaybeEstimate rate(std::uint64_t known, std::uint64_t events) const {
    if (!knows(known) || seconds_ <= 0) return std::nullopt;
    return exactly(static_cast<double>(events) / seconds_);
  }

  void set_rates(model::PoolSummary& summary) const {
    summary.gets_per_second = rate(PS_KNOWN_GETS, recent_.gets);
    summary.puts_per_second = rate(PS_KNOWN_PUTS, recent_.puts);
    summary.misses_per_second = rate(PS_KNOWN_MISSES, recent_.all_misses());
    summary.regrowths_per_second = rate(PS_KNOWN_REGROWTHS, recent_.regrowths);
    const PoolPageCounts& counts = recent_.gets > 0 ? recent_ : total_.counted;
    if (!knows(PS_KNOWN_GETS | PS_KNOWN_MISSES) || counts.gets == 0) return;
    const double missed = static_cast<double>(counts.all_misses()) / static_cast<double>(counts.gets);
    summary.hit_ratio = exactly(std::clamp(1 - missed, 0.0, 1.0));
  }

  [[nodiscard]] const model::Histogram& seen(model::Histogram PoolPageCounts::*member) const {
    return (recent_.*member).empty() ? total_.counted.*member : recent_.*member;
  }

  [[nodiscard]] std::optional<model::SizeSummary> sizes(std::uint64_t known,
                                                        model::Histogram PoolPageCounts::*member) const {
    return knows(known) ? size_summary(seen(member)) : std::nullopt;
  }

  void set_sizes(model::PoolSummary& summary) const {
    summary.needed_bytes = sizes(PS_KNOWN_NEEDED_BYTES, &PoolPageCounts::needed_bytes);
    if (!summary.needed_bytes) {
      summary.needed_bytes_reason = knows(PS_KNOWN_NEEDED_BYTES) ? "not_seen" : "not_published";
    }
    summary.buffer_bytes = sizes(PS_KNOWN_BUFFER_BYTES, &PoolPageCounts::buffer_bytes);
    summary.published->idle_depth = sizes(PS_KNOWN_IDLE_DEPTH, &PoolPageCounts::idle_depth);
    const model::Histogram& hold_ns = seen(&PoolPageCounts::hold_ns);
    if (!knows(PS_KNOWN_HOLD_NS) || hold_ns.empty()) return;
    const auto seconds = [&](double p) { return static_cast<double>(*hold_ns.quantile(p)) / 1e9; };
    summary.published->hold_seconds_p50 = seconds(0.50);
    summary.published->hold_seconds_p95 = seconds(0.95);
    summary.published->hold_seconds_p99 = seconds(0.99);
  }

  void set_state(model::PoolSummary& summary) const {
    if (!state_) return;
    model::PublishedPool& published = *summary.published;
    if (knows(PS_KNOWN_GETS | PS_KNOWN_PUTS)) published.borrowed = state_->borrowed;
    if (knows(PS_KNOWN_GETS | PS_KNOWN_PUTS | PS_KNOWN_OBJECTS)) summary.idle = state_->idle;
    if (knows(PS_KNOWN_MARKS) && state_->borrowed_high) {
      const std::uint64_t high = *state_->borrowed_high;
      const std::uint64_t low = high - std::min(high, state_->cached_capacity);
      const auto value = static_cast<double>(high);
      published.borrowed_high_water = model::Estimate{value, static_cast<double>(low), value};
    }
    published.buffer_bytes = state_->limits.buffer_bytes;
    published.max_idle_buffers = state_->limits.max_idle_buffers;
    published.max_borrowed_buffers = state_->limits.max_borrowed_buffers;
    published.max_retained_bytes = state_->limits.max_retained_bytes;
  }

  const PoolIdentity& identity_;
  const PublishedTotal& total_;
  const PoolPageCounts& recent_;
  double seconds_;
  std::optional<model::PoolPageState> state_;
};

// One name inside a target, also beside pools that are seen in other ways.
void make_names_differ(std::vector<model::PoolSummary>& published, const std::vector<model::PoolSummary>& others) {
  std::set<std::string> taken;
  for (const auto& pool : others) taken.insert(pool.name);
  for (auto& pool : published) {
    if (taken.contains(pool.name)) pool.name += " (" + (pool.element.empty() ? pool.kind : pool.element) + ")";
    const std::string name = pool.name;
    for (unsigned number = 2; taken.contains(pool.name); ++number) pool.name = name + " " + std::to_string(number);
    taken.insert(pool.name);
  }
}

}  // namespace

void PublishedTotals::fold_surplus(model::PoolPageRecord& record) const {
  std::optional<model::PoolPageSums> other;
  std::size_t pools = pools_.size();
  std::erase_if(record.pools, [&](const model::PoolPageSums& sums) {
    if (pools_.contains(sums.pool) || pools++ < kMaxPools) return false;
    if (other) {
      other->merge(sums);
    } else {
      other = sums;
    }
    return true;
  });
  if (!other) return;
  other->pool = PoolIdentity{};
  other->pool.kind = "published";
  other->pool.name = "(other)";
  const auto at = std::ranges::lower_bound(record.pools, other->pool, {}, &model::PoolPageSums::pool);
  if (at != record.pools.end() && at->pool == other->pool) {
    at->merge(*other);
  } else {
    record.pools.insert(at, *std::move(other));
  }
}

void PublishedTotals::add(model::PoolPageRecord& record) {
  fold_surplus(record);
  for (const model::PoolPageSums& sums : record.pools) {
    PublishedTotal& total = pools_[sums.pool];
    total.known &= sums.known;
    total.counted.merge(sums.counted);
    const std::pair of_page(record.process, record.page);
    if (sums.state) {
      total.states[of_page] = *sums.state;
    } else {
      total.states.erase(of_page);
    }
  }
}

void PublishedTotals::end(const model::ProcessKey& process) {
  for (auto& [identity, total] : pools_) {
    std::optional<model::PoolPageState> last;
    std::erase_if(total.states, [&](const auto& state) {
      if (state.first.first != process) return false;
      if (last) {
        last->merge(state.second);
      } else {
        last = state.second;
      }
      return true;
    });
    if (last) total.ended_last = last;
  }
}

void add_published_pools(std::vector<model::PoolSummary>& pools, const PublishedTotals& totals,
                         std::span<const model::PoolPageRecord> records) {
  const Recent recent = recent_counts(records);
  const PoolPageCounts nothing;
  std::vector<model::PoolSummary> published;
  for (const auto& [identity, total] : totals.pools()) {
    const auto found = recent.counted.find(identity);
    const PoolPageCounts& counts = found == recent.counted.end() ? nothing : found->second;
    published.push_back(PublishedSummary(identity, total, counts, recent.seconds).summary());
  }
  make_names_differ(published, pools);
  std::ranges::move(published, std::back_inserter(pools));
  std::ranges::stable_sort(pools, [](const auto& a, const auto& b) {
    const auto gets = [](const model::PoolSummary& pool) {
      return pool.gets_per_second ? pool.gets_per_second->value : 0;
    };
    return gets(a) > gets(b);
  });
}

}  // namespace poolscope::estimate

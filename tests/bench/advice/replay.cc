#include "tests/bench/advice/replay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "pools/sizing/idle_buffers.h"

namespace poolscope::bench {
namespace {

double price_of(double byte_seconds, const sizing::Prices& prices) {
  return byte_seconds * 1e9 / prices.bytes_per_core;
}

struct Played {
  std::uint64_t gets = 0, misses = 0;
  double idle_seconds = 0;  // sum over the idle buffers
  double seconds = 0;
};

Played play(const PoolTrace& trace, Part part, std::uint64_t cap) {
  Played played;
  std::uint64_t idle = 0, before_ns = trace.events[part.from].time_ns;
  for (std::size_t i = 0; i < part.to; ++i) {
    const PoolEvent& event = trace.events[i];
    const bool counts = i >= part.from;
    if (counts)
      played.idle_seconds += static_cast<double>(idle) * static_cast<double>(event.time_ns - before_ns) * 1e-9;
    if (counts) before_ns = event.time_ns;
    if (!event.is_get) {
      if (idle < cap) ++idle;
      continue;
    }
    if (counts) ++played.gets;
    if (idle > 0)
      --idle;
    else if (counts)
      ++played.misses;
  }
  played.seconds = static_cast<double>(trace.events[part.to - 1].time_ns - trace.events[part.from].time_ns) * 1e-9;
  return played;
}

// How many are out, after each event of the part.
std::vector<std::uint64_t> borrowed_in(const PoolTrace& trace, Part part) {
  std::vector<std::uint64_t> borrowed;
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < part.to; ++i) {
    if (trace.events[i].is_get)
      ++out;
    else if (out > 0)
      --out;
    if (i >= part.from) borrowed.push_back(out);
  }
  return borrowed;
}

template <typename T>
T quantile(std::vector<T> values, double q) {
  if (values.empty()) return T{};
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

std::vector<std::uint64_t> needs_in(const SizeTrace& trace, Part part) {
  return {trace.needed_bytes.begin() + static_cast<std::ptrdiff_t>(part.from),
          trace.needed_bytes.begin() + static_cast<std::ptrdiff_t>(part.to)};
}

}  // namespace

double cost_of_capacity(const SizeTrace& trace, Part part, std::uint64_t capacity, const sizing::Prices& prices) {
  double ns = 0;
  for (std::size_t i = part.from; i < part.to; ++i) {
    const std::uint64_t needed = trace.needed_bytes[i];
    ns += price_of(static_cast<double>(capacity) * trace.idle_seconds, prices);
    if (needed <= capacity) ns += price_of(static_cast<double>(capacity - needed) * trace.hold_seconds, prices);
    for (std::uint64_t size = std::max<std::uint64_t>(capacity, 1); size < needed;) {
      ns += static_cast<double>(size) * prices.copy_ns_per_byte;
      size *= 2;
      ns += prices.allocation(size);
    }
  }
  return ns;
}

double cost_of_cap(const PoolTrace& trace, Part part, std::uint64_t cap, const sizing::Prices& prices) {
  const Played played = play(trace, part, cap);
  return static_cast<double>(played.misses) * prices.allocation(trace.buffer_bytes) +
         static_cast<double>(played.gets) * prices.pool_pair_ns +
         price_of(played.idle_seconds * static_cast<double>(trace.buffer_bytes), prices);
}

double cost_without_pool(const PoolTrace& trace, Part part, const sizing::Prices& prices) {
  return static_cast<double>(play(trace, part, 0).gets) * prices.allocation(trace.buffer_bytes);
}

std::uint64_t oracle_capacity(const SizeTrace& trace, Part part, const sizing::Prices& prices) {
  const auto needs = needs_in(trace, part);
  std::set<std::uint64_t> candidates;
  for (const std::uint64_t needed : needs) candidates.insert(sizing::usable_bytes(sizing::Allocator::kGlibc, needed));
  // Hundreds are enough: neighbours cost nearly the same.
  std::vector<std::uint64_t> all(candidates.begin(), candidates.end());
  const std::size_t step = std::max<std::size_t>(1, all.size() / 300);
  std::uint64_t best = all.front();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < all.size(); i += step) {
    const double cost = cost_of_capacity(trace, part, all[i], prices);
    if (cost < least) least = cost, best = all[i];
  }
  return best;
}

std::uint64_t oracle_cap(const PoolTrace& trace, Part part, const sizing::Prices& prices) {
  const auto borrowed = borrowed_in(trace, {0, part.to});
  const std::uint64_t most = *std::ranges::max_element(borrowed) + 1;
  std::uint64_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint64_t cap = 0; cap <= most; cap += std::max<std::uint64_t>(1, cap / 64)) {
    const double cost = cost_of_cap(trace, part, cap, prices);
    if (cost < least) least = cost, best = cap;
  }
  return best;
}

Rules capacity_rules(const SizeTrace& trace, Part part) {
  const auto needs = needs_in(trace, part);
  std::map<unsigned, std::uint64_t> bins;  // powers of two from 64 on
  for (const std::uint64_t needed : needs) {
    unsigned bin = 0;
    while (bin < 19 && (std::uint64_t{64} << bin) < needed) ++bin;
    ++bins[bin];
  }
  const auto mode = std::ranges::max_element(bins, {}, [](const auto& bin) { return bin.second; });
  return {{"high-water mark", *std::ranges::max_element(needs)},
          {"95 % quantile", quantile(needs, 0.95)},
          {"most frequent bin", std::uint64_t{64} << mode->first}};
}

Rules cap_rules(const PoolTrace& trace, Part part) {
  const auto borrowed = borrowed_in(trace, part);
  double mean = 0;
  for (const std::uint64_t out : borrowed) mean += static_cast<double>(out) / static_cast<double>(borrowed.size());
  // Half again as many when more than 5 % miss, three quarters when fewer than 1 %, once for each hundredth of the part.
  double capacity = 64;
  constexpr std::size_t kSteps = 100;
  for (std::size_t i = 0; i < kSteps; ++i) {
    const std::size_t length = (part.to - part.from) / kSteps;
    const Played window =
        play(trace, {part.from + i * length, part.from + (i + 1) * length}, static_cast<std::uint64_t>(capacity));
    if (window.gets == 0) continue;
    const double misses = static_cast<double>(window.misses) / static_cast<double>(window.gets);
    if (misses > 0.05) capacity = std::ceil(capacity * 1.5);
    if (misses < 0.01) capacity = std::max(1.0, std::floor(capacity * 0.75));
  }
  return {{"high-water mark", *std::ranges::max_element(borrowed)},
          {"95 % quantile", quantile(borrowed, 0.95)},
          {"Erlang-B, 1 %", sizing::erlang_buffers(mean, 0.01)},
          {"1.5 / 0.75", static_cast<std::uint64_t>(capacity)}};
}

}  // namespace poolscope::bench

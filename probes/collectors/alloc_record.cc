#include "probes/collectors/alloc_record.h"

#include <algorithm>
#include <iterator>

namespace poolscope::probes {
namespace {

constexpr const char* kDropNames[] = {"births_full",    "sites_full",  "chains_full", "threads_full",
                                      "call_abandoned", "stack_fault", "free_missed"};
static_assert(std::size(kDropNames) == ALLOC_DROP_COUNT);

model::Histogram histogram(const __u64 (&buckets)[PS_LOG_LINEAR_BUCKETS]) {
  model::Histogram result;
  for (unsigned i = 0; i < PS_LOG_LINEAR_BUCKETS; ++i) result.add_bucket(i, static_cast<double>(buckets[i]));
  return result;
}

model::Histogram chain_histogram(const __u32 (&buckets)[CHAIN_BUCKETS]) {
  model::Histogram result;
  for (unsigned i = 0; i < CHAIN_BUCKETS; ++i) result.add_bucket(i, static_cast<double>(buckets[i]));
  return result;
}

bool is_of(const site_key& key, const ProcessImage& image) {
  return static_cast<std::uint32_t>(key.generation) == static_cast<std::uint32_t>(image.key().pid);
}

std::uint64_t age_at(std::uint64_t end_ns, const birth& birth, const AllocResults& results) {
  const auto thread = results.thread_charge_ns.find(birth.tid);
  const std::uint64_t all_charge_ns = thread == results.thread_charge_ns.end() ? 0 : thread->second;
  const std::uint64_t since_ns =
      birth.born_ns + all_charge_ns - std::min<std::uint64_t>(all_charge_ns, birth.charge_ns);
  return end_ns > since_ns ? end_ns - since_ns : 0;
}

std::vector<model::Frame> frames_of(const __u64 (&addresses)[ALLOC_SITE_DEPTH], ProcessImage& image) {
  std::vector<model::Frame> frames;
  for (const auto address : addresses) {
    if (address == 0) break;
    frames.push_back(image.call_frame(address));
  }
  return frames;
}

}  // namespace

std::uint64_t charge_ns(const __u64 (&hits)[ALLOC_HIT_COUNT], const HitPrices& prices) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < ALLOC_HIT_COUNT; ++i) sum += hits[i] * prices[i];
  return sum;
}

std::uint64_t sum_of(const __u64 (&hits)[ALLOC_HIT_COUNT]) {
  std::uint64_t sum = 0;
  for (const auto count : hits) sum += count;
  return sum;
}

alloc_counts minus(const alloc_counts& later, const alloc_counts& earlier) {
  alloc_counts difference{};
  auto* result = reinterpret_cast<__u64*>(&difference);
  const auto* a = reinterpret_cast<const __u64*>(&later);
  const auto* b = reinterpret_cast<const __u64*>(&earlier);
  for (std::size_t i = 0; i < sizeof(alloc_counts) / sizeof(__u64); ++i) result[i] = a[i] - b[i];
  return difference;
}

model::Histogram size_histogram(const alloc_counts& counts) {
  return histogram(counts.size_bytes);
}

model::Lifetimes lifetimes(const AllocResults& results, std::uint64_t end_ns) {
  model::Lifetimes lives;
  lives.births = results.counts.births;
  lives.birth_bytes = results.counts.birth_bytes;
  lives.died_ns = histogram(results.counts.died_ns);
  lives.died_bytes_ns = histogram(results.counts.died_bytes_ns);
  for (const auto& birth : results.alive) {
    const std::uint64_t age_ns = age_at(end_ns, birth, results);
    lives.alive_ns.add(age_ns);
    lives.alive_bytes_ns.add(age_ns, static_cast<double>(birth.requested_bytes));
  }
  return lives;
}

std::uint64_t followed_ns(const AllocResults& results, std::uint64_t births_end_ns, std::uint64_t end_ns) {
  std::uint64_t followed = end_ns > births_end_ns ? end_ns - births_end_ns : 0;
  for (const auto& birth : results.alive) followed = std::min(followed, age_at(end_ns, birth, results));
  return followed;
}

std::map<std::string, std::uint64_t> dropped_by_reason(const alloc_counts& counts) {
  std::map<std::string, std::uint64_t> dropped;
  for (std::size_t i = 0; i < ALLOC_DROP_COUNT; ++i) {
    if (counts.dropped[i] != 0) dropped[kDropNames[i]] = counts.dropped[i];
  }
  return dropped;
}

std::vector<model::CallSiteCounts> call_sites(const AllocResults& results, ProcessImage& image) {
  std::vector<model::CallSiteCounts> sites;
  for (const auto& [key, site] : results.sites) {
    if (!is_of(key, image)) continue;
    sites.push_back(model::CallSiteCounts{frames_of(site.frames, image), site.calls, site.requested_bytes, site.births,
                                          site.short_lived});
  }
  return sites;
}

std::vector<model::GrowthChainCounts> growth_chains(const AllocResults& results, ProcessImage& image) {
  std::vector<model::GrowthChainCounts> chains;
  for (const auto& [key, chain] : results.chains) {
    if (!is_of(key.site, image)) continue;
    model::GrowthChainCounts counts;
    counts.is_single_growths = key.is_growth != 0;
    counts.frames.push_back(image.call_frame(key.site.first));
    if (key.site.last != key.site.first) counts.frames.push_back(image.call_frame(key.site.last));
    counts.chains = chain.chains;
    counts.steps = chain.steps;
    counts.copied_bytes = chain.copied_bytes;
    counts.first_bytes = chain_histogram(chain.first_bytes);
    counts.final_bytes = chain_histogram(chain.final_bytes);
    chains.push_back(std::move(counts));
  }
  return chains;
}

}  // namespace poolscope::probes

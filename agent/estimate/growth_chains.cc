#include "agent/estimate/growth_chains.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "agent/estimate/call_sites.h"

namespace poolscope::estimate {
namespace {

struct Chains {
  std::vector<model::Frame> frames;
  bool is_single_growths = false;
  std::map<std::size_t, model::GrowthChainCounts> seen;  // by index of the record
  double weighted_chains = 0, weighted_steps = 0;
  model::Histogram first_bytes, final_bytes;

  void add(const model::GrowthChainCounts& counts, std::size_t record, double weight) {
    model::GrowthChainCounts& sum = seen[record];
    sum.chains += counts.chains;
    sum.copied_bytes += counts.copied_bytes;
    weighted_chains += weight * static_cast<double>(counts.chains);
    weighted_steps += weight * static_cast<double>(counts.steps);
    first_bytes.merge(counts.first_bytes, weight);
    final_bytes.merge(counts.final_bytes, weight);
  }
};

// Bursts in which they would have been seen.
RecordList that_see(bool single_growths, const RecordList& records) {
  RecordList kept;
  std::ranges::copy_if(records, std::back_inserter(kept), [single_growths](const model::BurstRecord* record) {
    return record->lifetimes.births > 0 || !record->growth_chains.empty() ||
           (single_growths && record->kind == model::BurstKind::kCohort);
  });
  return kept;
}

std::vector<Chains> merge_chains(const Sample& sample, bool single_growths) {
  std::map<std::vector<model::Frame>, Chains> merged;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    for (const auto& counts : sample.records[i]->growth_chains) {
      if (counts.chains > 0 && counts.is_single_growths == single_growths)
        merged[counts.frames].add(counts, i, sample.estimator.weight(i));
    }
  }
  std::vector<Chains> sites;
  for (auto& [frames, chains] : merged) {
    sites.push_back(std::move(chains));
    sites.back().frames = frames;
    sites.back().is_single_growths = single_growths;
  }
  std::ranges::stable_sort(sites, std::ranges::greater{}, &Chains::weighted_chains);
  if (sites.size() > kLargestGrowthChains) sites.resize(kLargestGrowthChains);
  return sites;
}

// Single growths make chains: where more blocks grow to a size than from it, buffers end, and where fewer do they begin.
void connect(Chains& chains) {
  std::map<unsigned, double> ended;
  for (const auto& [bucket, weight] : chains.final_bytes.buckets()) ended[bucket] += weight;
  for (const auto& [bucket, weight] : chains.first_bytes.buckets()) ended[bucket] -= weight;
  chains.first_bytes = chains.final_bytes = {};
  for (const auto& [bucket, weight] : ended) {
    if (weight > 0) chains.final_bytes.add_bucket(bucket, weight);
    if (weight < 0) chains.first_bytes.add_bucket(bucket, -weight);
  }
  chains.weighted_chains = chains.first_bytes.total();
}

// Allocating calls per birth: 1 when the cohorts admitted every call; nothing without births.
std::optional<double> calls_per_birth(const Sample& sample) {
  double calls = 0, births = 0;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    if (sample.records[i]->lifetimes.births == 0) continue;
    calls += sample.estimator.weight(i) * static_cast<double>(sample.records[i]->counts.allocations);
    births += sample.estimator.weight(i) * static_cast<double>(sample.records[i]->lifetimes.births);
  }
  if (births <= 0) return std::nullopt;
  return calls / births;
}

void divide(model::MaybeEstimate& estimate, double by) {
  if (!estimate || by <= 0) return;
  estimate->value /= by;
  if (estimate->low) *estimate->low /= by;
  if (estimate->high) *estimate->high /= by;
}

void set_rates(model::GrowthChain& shown, const Chains& chains, const Sample& sample, double calls_per_birth) {
  std::vector<WindowCount> ended(sample.records.size()), copied(sample.records.size());
  for (const auto& [record, seen] : chains.seen) {
    const double count = static_cast<double>(seen.chains) * calls_per_birth;
    const double bytes = static_cast<double>(seen.copied_bytes) * calls_per_birth;
    ended[record] = {count, count * calls_per_birth};
    copied[record] = WindowCount::of_bytes(bytes, static_cast<double>(seen.chains));
  }
  shown.per_second = sample.estimator.rate(ended);
  if (chains.is_single_growths) divide(shown.per_second, shown.steps);
  shown.copied_bytes_per_second = sample.estimator.rate(copied);
}

void set_counted(model::GrowthChain& shown, const Chains& chains) {
  std::uint64_t count = 0, copied_bytes = 0;
  for (const auto& [record, seen] : chains.seen) {
    count += seen.chains;
    copied_bytes += seen.copied_bytes;
  }
  if (chains.is_single_growths && shown.steps > 0)
    count = static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / shown.steps));
  shown.counted_chains = count;
  shown.counted_copied_bytes = copied_bytes;
}

// `scale`: chains per chain that was seen; nothing when that is not known.
model::GrowthChain show(Chains chains, const Sample& sample, std::optional<double> scale, bool exact) {
  model::GrowthChain shown;
  if (chains.is_single_growths) connect(chains);
  shown.is_inferred = chains.is_single_growths;
  const model::Frame frame = site_of(chains.frames);
  shown.symbol = frame.symbol;
  shown.object = frame.object;
  shown.offset = frame.offset;
  shown.first_bytes = chains.first_bytes.quantile(0.50).value_or(0);
  shown.final_bytes_p05 = chains.final_bytes.quantile(0.05);
  shown.final_bytes_p50 = chains.final_bytes.quantile(0.50).value_or(0);
  shown.final_bytes_p95 = chains.final_bytes.quantile(0.95).value_or(0);
  if (chains.weighted_chains > 0) shown.steps = chains.weighted_steps / chains.weighted_chains;
  if (scale) set_rates(shown, chains, sample, *scale);
  if (exact) set_counted(shown, chains);
  return shown;
}

}  // namespace

std::vector<model::GrowthChain> estimate_growth_chains(const RecordList& records, const Basis& basis) {
  std::vector<model::GrowthChain> shown;
  for (const bool single_growths : {false, true}) {
    const Sample sample = Sample::of_allocations(that_see(single_growths, of_highest_generation(records)), basis);
    const auto scale = basis.exact || single_growths ? std::optional(1.0) : calls_per_birth(sample);
    for (const Chains& chains : merge_chains(sample, single_growths))
      shown.push_back(show(chains, sample, scale, basis.exact));
  }
  std::ranges::stable_sort(shown, std::ranges::greater{}, [](const model::GrowthChain& chain) {
    return chain.per_second ? chain.per_second->value : 0;
  });
  if (shown.size() > kLargestGrowthChains) shown.resize(kLargestGrowthChains);
  return shown;
}

std::vector<model::GrowthChain> estimate_slice_growth(const RecordList& records, const Basis& basis) {
  const Sample sample = Sample::of_allocations(records, basis);
  std::vector<model::GrowthChain> shown;
  for (const Chains& chains : merge_chains(sample, false)) shown.push_back(show(chains, sample, 1.0, basis.exact));
  return shown;
}

}  // namespace poolscope::estimate

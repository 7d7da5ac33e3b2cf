#include "agent/estimate/call_sites.h"

#include <algorithm>
#include <unordered_map>

#include "agent/estimate/summarize.h"

namespace poolscope::estimate {
namespace {

struct Seen {
  std::size_t record = 0;
  std::uint64_t calls = 0, bytes = 0;
};

struct Site {
  std::vector<model::Frame> frames;
  bool others = false;     // the sum of the sites beyond the limit
  std::vector<Seen> seen;  // a record may come more than once
  double weighted_calls = 0;
  std::uint64_t births = 0;
  double weighted_births = 0, weighted_short_lived = 0;

  void absorb(const Site& other) {
    seen.insert(seen.end(), other.seen.begin(), other.seen.end());
    weighted_calls += other.weighted_calls;
    births += other.births;
    weighted_births += other.weighted_births;
    weighted_short_lived += other.weighted_short_lived;
  }
};

// The offsets of a chain nearly always tell it apart; strings are compared only when all offsets agree.
struct FramesHash {
  std::size_t operator()(const std::vector<model::Frame>& frames) const {
    std::size_t hash = frames.size();
    for (const model::Frame& frame : frames) hash = hash * 0x9E3779B97F4A7C15u + frame.offset;
    return hash ^ (hash >> 32);
  }
};

void add_call_site(Site& site, const model::CallSiteCounts& counts, const Sample& sample, std::size_t record) {
  const double weight = sample.estimator.weight(record);
  site.seen.push_back({record, counts.calls, counts.requested_bytes});
  site.weighted_calls += weight * static_cast<double>(counts.calls);
  if (sample.records[record]->lifetimes.followed_ns < kChurnAgeNs) return;
  site.births += counts.births;
  site.weighted_births += weight * static_cast<double>(counts.births);
  site.weighted_short_lived += weight * static_cast<double>(counts.short_lived);
}

// Busiest first; equal ones by frames, so that the order is always the same. Beyond the limit the last is "(other)".
std::vector<Site> busiest_sites(const Sample& sample) {
  std::unordered_map<std::vector<model::Frame>, Site, FramesHash> merged;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    for (const auto& counts : sample.records[i]->call_sites) {
      add_call_site(merged[counts.frames], counts, sample, i);
    }
  }
  std::vector<Site> sites;
  for (auto& [frames, site] : merged) {
    sites.push_back(std::move(site));
    sites.back().frames = frames;
  }
  std::ranges::sort(sites, [](const Site& a, const Site& b) {
    return a.weighted_calls != b.weighted_calls ? a.weighted_calls > b.weighted_calls : a.frames < b.frames;
  });
  if (sites.size() <= kLargestCallSites) return sites;
  Site other;
  for (std::size_t i = kLargestCallSites; i < sites.size(); ++i) other.absorb(sites[i]);
  other.others = true;
  sites.resize(kLargestCallSites);
  sites.push_back(std::move(other));
  return sites;
}

// All weighted allocating calls; where sites also hold reallocations, or counts were lost, the larger of the two sums.
double all_calls(const Sample& sample, const std::vector<Site>& sites) {
  double counted = 0, at_sites = 0;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    counted += sample.estimator.weight(i) * static_cast<double>(sample.records[i]->counts.allocations);
  }
  for (const Site& site : sites) at_sites += site.weighted_calls;
  return std::max(counted, at_sites);
}

void set_rates(model::CallSite& shown, const Site& site, const Sample& sample) {
  std::vector<double> site_calls(sample.records.size()), site_bytes(sample.records.size());
  for (const Seen& seen : site.seen) {
    site_calls[seen.record] += static_cast<double>(seen.calls);
    site_bytes[seen.record] += static_cast<double>(seen.bytes);
  }
  std::vector<WindowCount> calls(sample.records.size()), bytes(sample.records.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i] = WindowCount::of_events(site_calls[i]);
    bytes[i] = WindowCount::of_bytes(site_bytes[i], site_calls[i]);
  }
  shown.per_second = sample.estimator.rate(calls);
  shown.bytes_per_second = sample.estimator.rate(bytes);
}

void set_counted(model::CallSite& shown, const Site& site) {
  std::uint64_t calls = 0, bytes = 0;
  for (const Seen& seen : site.seen) {
    calls += seen.calls;
    bytes += seen.bytes;
  }
  shown.counted_calls = calls;
  shown.counted_bytes = bytes;
}

model::CallSite show(const Site& site, const Sample& sample, double calls_of_all_sites, bool exact) {
  model::CallSite shown;
  const model::Frame frame = site.others ? model::Frame{"(other)", "", 0, ""} : site_of(site.frames);
  shown.symbol = frame.symbol;
  shown.object = frame.object;
  shown.source = frame.source;
  shown.offset = frame.offset;
  shown.callers = site.frames;
  if (calls_of_all_sites > 0) shown.share_ratio = site.weighted_calls / calls_of_all_sites;
  set_rates(shown, site, sample);
  if (exact) set_counted(shown, site);
  if (site.births >= kBirthsForLifetimes && site.weighted_births > 0) {
    shown.short_lived_ratio = site.weighted_short_lived / site.weighted_births;
  }
  return shown;
}

}  // namespace

RecordList of_highest_generation(const RecordList& records) {
  std::uint64_t highest = 0;
  for (const auto* record : records) highest = std::max(highest, record->site_generation);
  RecordList kept;
  std::ranges::copy_if(records, std::back_inserter(kept),
                       [&](const model::BurstRecord* record) { return record->site_generation == highest; });
  return kept;
}

model::Frame site_of(const std::vector<model::Frame>& frames) {
  return frames.empty() ? model::Frame{"(unknown)", "", 0, ""} : frames.back();
}

std::vector<model::CallSite> estimate_call_sites(const RecordList& records, const Basis& basis) {
  const Sample sample = Sample::of_allocations(of_highest_generation(records), basis);
  const std::vector<Site> sites = busiest_sites(sample);
  const double calls_of_all_sites = all_calls(sample, sites);
  std::vector<model::CallSite> shown;
  shown.reserve(sites.size());
  for (const Site& site : sites) shown.push_back(show(site, sample, calls_of_all_sites, basis.exact));
  return shown;
}

}  // namespace poolscope::estimate

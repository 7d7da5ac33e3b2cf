#include "probes/collectors/growth_chains.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace poolscope::probes {

void GrowthChains::add(std::span<const growth_event> events) {
  std::vector<growth_event> ordered(events.begin(), events.end());
  std::ranges::stable_sort(ordered, {}, &growth_event::time_ns);
  for (const auto& event : ordered) take(event);
}

void GrowthChains::take(const growth_event& event) {
  Chain chain;
  const auto found = open_.find(event.old_array);
  if (event.old_bytes > 0 && found != open_.end() && found->second.bytes == event.old_bytes) {
    chain = found->second;
    open_.erase(found);
  } else {
    std::ranges::copy(event.callers, chain.callers.begin());
    chain.first_bytes = event.old_bytes > 0 ? event.old_bytes : event.new_bytes;
  }
  chain.growths += event.old_bytes > 0 ? 1 : 0;
  chain.copied_bytes += event.copied_bytes;
  chain.bytes = event.new_bytes;
  const auto [place, is_new] = open_.try_emplace(event.new_array, chain);
  if (!is_new) end(std::exchange(place->second, chain));  // its memory has a new owner
  if (open_.size() >= kMaxOpen) end_all();
}

void GrowthChains::end(const Chain& chain) {
  if (chain.growths == 0) return;
  model::GrowthChainCounts& counts = ended_[chain.callers];
  ++counts.chains;
  counts.steps += chain.growths;
  counts.copied_bytes += chain.copied_bytes;
  counts.first_bytes.add(chain.first_bytes);
  counts.final_bytes.add(chain.bytes);
}

void GrowthChains::end_all() {
  for (const auto& [array, chain] : open_) end(chain);
  open_.clear();
}

std::map<GrowthChains::Callers, model::GrowthChainCounts> GrowthChains::finish() {
  end_all();
  return std::exchange(ended_, {});
}

}  // namespace poolscope::probes

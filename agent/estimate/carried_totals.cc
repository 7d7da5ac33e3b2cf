#include "agent/estimate/carried_totals.h"

#include <map>
#include <utility>

namespace poolscope::estimate {
namespace {

// Of pools that no process has any more: of the last one that did.
constexpr model::ProcessKey kNoProcess{};

}  // namespace

model::CarriedTotals carry(std::uint64_t at_ns, const model::GcCounters& gc, const PublishedTotals& published) {
  model::CarriedTotals totals;
  totals.at_ns = at_ns;
  totals.gc = gc;
  std::map<std::pair<model::ProcessKey, std::uint64_t>, model::PoolPageRecord> pages;
  model::PoolPageRecord ended;
  ended.start_ns = at_ns;
  for (const auto& [identity, total] : published.pools()) {
    model::PoolPageSums sums{identity, total.known, total.counted, total.ended_last};
    if (total.states.empty()) ended.pools.push_back(sums);
    // the counts stand beside the first state
    for (const auto& [of_page, state] : total.states) {
      sums.state = state;
      auto& record = pages[of_page];
      record.process = of_page.first;
      record.page = of_page.second;
      record.start_ns = at_ns;
      record.pools.push_back(sums);
      sums.counted = {};
    }
  }
  for (auto& [of_page, record] : pages) totals.pages.push_back(std::move(record));
  if (!ended.pools.empty()) totals.ended_pages.push_back(std::move(ended));
  return totals;
}

PublishedTotals published_of(const model::CarriedTotals& totals) {
  PublishedTotals published;
  for (model::PoolPageRecord record : totals.ended_pages) {
    record.process = kNoProcess;
    published.add(record);
  }
  published.end(kNoProcess);
  for (model::PoolPageRecord record : totals.pages) published.add(record);
  return published;
}

bool is_empty(const model::CarriedTotals& totals) {
  return totals.gc == model::GcCounters{} && totals.pages.empty() && totals.ended_pages.empty();
}

}  // namespace poolscope::estimate

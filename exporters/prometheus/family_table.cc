#include "exporters/prometheus/family_table.h"

#include <cmath>

#include "exporters/model/utf8.h"

namespace poolscope::prometheus_text {

FamilyTable::Entry& FamilyTable::entry_of(const Family& family) {
  const auto [found, is_new] = entries_.try_emplace(family.name, Entry{families_.size(), {}});
  if (is_new) families_.push_back({family.name, family.help, family.type, {}});
  return found->second;
}

bool FamilyTable::add(const Family& family, Labels labels, double value) {
  for (Label& label : labels) label.value = model::replace_invalid_utf8(label.value);
  Entry& entry = entry_of(family);
  if (!entry.seen.insert(labels).second) return false;
  auto& metric = families_[entry.index].metric.emplace_back();
  metric.label = std::move(labels);
  (family.type == ::prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return true;
}

void FamilyTable::add_of_target(const Family& family, std::vector<Series> series) {
  std::erase_if(series, [](const Series& one) { return !std::isfinite(one.value); });
  if (series.empty()) return;
  if (full_ || series.size() > max_series_ - series_) {
    full_ = true;
    dropped_ += series.size();
    return;
  }
  for (Series& one : series) {
    if (add(family, std::move(one.labels), one.value)) {
      ++series_;
    } else {
      ++dropped_;
    }
  }
}

void FamilyTable::add_of_agent(const Family& family, Labels labels, double value) {
  if (std::isfinite(value)) add(family, std::move(labels), value);
}

}  // namespace poolscope::prometheus_text

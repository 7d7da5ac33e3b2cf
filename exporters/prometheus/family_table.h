#pragma once
// FamilyTable: metric families in the order of their first series, with the cap on the series of targets. Only the
// files of this folder include it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace poolscope::prometheus_text {

using Label = ::prometheus::ClientMetric::Label;
using Labels = std::vector<Label>;

struct Family {
  std::string name;  // with prefix
  ::prometheus::MetricType type;
  std::string help;
};

struct Series {
  Labels labels;
  double value = 0;
};

class FamilyTable {
 public:
  explicit FamilyTable(std::size_t max_series) : max_series_(max_series) {}

  // All series that one target has in `family`: they get in together or not at all. A value that is not finite was
  // not measured and is left out; series equal to one that is there already are dropped, because Prometheus would
  // refuse the whole page for them.
  void add_of_target(const Family& family, std::vector<Series> series);
  // A series of the agent itself: not capped.
  void add_of_agent(const Family& family, Labels labels, double value);

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::vector<::prometheus::MetricFamily> take() && { return std::move(families_); }

 private:
  struct Entry {
    std::size_t index = 0;  // in families_
    std::set<Labels> seen;
  };
  Entry& entry_of(const Family& family);
  bool add(const Family& family, Labels labels, double value);

  std::size_t max_series_;
  std::size_t series_ = 0;
  bool full_ = false;
  std::uint64_t dropped_ = 0;
  std::map<std::string, Entry> entries_;  // by name
  std::vector<::prometheus::MetricFamily> families_;
};

}  // namespace poolscope::prometheus_text

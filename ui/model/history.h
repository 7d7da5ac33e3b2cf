#pragma once
// History: what is known of the past, as snapshots of short stretches of time, and series that are taken from them.
//   Order     by the end of their time, whatever the order in which they came: gaps are filled afterwards. One that ends when another ends
//             takes its place.
//   Memory    at most kMaxSteps and about kMaxBytes. When it is full every second step of its older half goes: the past gets coarser, it does
//             not end.
//   Threads   a value; no sharing. Snapshots are shared and never change.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "ui/model/series.h"
#include "ui/model/time_axis.h"

namespace poolscope::viewer {

using SharedSnapshot = std::shared_ptr<const model::Snapshot>;

struct Step {
  TimeRange range;  // of the records that it was estimated from
  SharedSnapshot snapshot;
  std::size_t bytes = 0;  // about what it takes
  // Since when it speaks for the past: the beginning of its range, or that of steps that went to make room.
  std::uint64_t since_ns = 0;
  // Whether counters in it are as they were at its end, and not some seconds before.
  bool has_counts = true;
};

class History {
 public:
  static constexpr std::size_t kMaxSteps = 3600;
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

  void add(Step step);
  void clear();
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  // Nothing while there is no step.
  [[nodiscard]] std::optional<TimeRange> whole() const;
  // The last step that ends by then, else the first; nullptr while there is none.
  [[nodiscard]] const Step* at(std::uint64_t ns) const;

 private:
  void thin_out();

  std::vector<Step> steps_;
  std::size_t bytes_ = 0;
};

// What a series is of; an empty pool: of the target itself.
struct Subject {
  std::string target, pool;
  bool operator==(const Subject&) const = default;
};
using OfTarget = std::function<model::MaybeEstimate(const model::TargetSnapshot&)>;
using OfPool = std::function<model::MaybeEstimate(const model::PoolSummary&)>;

[[nodiscard]] const model::TargetSnapshot* find_target(const model::Snapshot& snapshot, const std::string& name);
[[nodiscard]] const model::PoolSummary* find_pool(const model::TargetSnapshot& target, const std::string& name);
// A step that does not have the value leaves a hole.
[[nodiscard]] Series series_of(const History& history, const std::string& target, const OfTarget& value);
[[nodiscard]] Series series_of(const History& history, const Subject& subject, const OfPool& value);
// The same of steps with has_counts alone.
[[nodiscard]] Series counts_of(const History& history, const Subject& subject, const OfPool& value);

}  // namespace poolscope::viewer

#pragma once
// Histogram: weighted counts in log-linear buckets (poolscope/log_linear.h). Merging adds, so the order does not matter.
//   Threads   a value; no sharing.
//   Memory    16 bytes per bucket that was ever touched: an agent keeps thousands of histograms.
//   Empty     total() is 0 and quantile() has no answer.
//   Error     a quantile is off by at most the width of its bucket: 12.5 %.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace poolscope::model {

class Histogram {
 public:
  void add(std::uint64_t value, double weight = 1.0);
  // `bucket` is an index of poolscope/log_linear.h; an index beyond the last bucket counts in the last one.
  void add_bucket(unsigned bucket, double weight);
  // Adds `other` with every weight multiplied by `factor`.
  void merge(const Histogram& other, double factor = 1.0);

  [[nodiscard]] double total() const noexcept { return total_; }
  [[nodiscard]] bool empty() const noexcept { return total_ <= 0; }
  // Largest value of the bucket in which the fraction `p` (0..1) of the weight is reached; nothing when empty.
  [[nodiscard]] std::optional<std::uint64_t> quantile(double p) const;
  // Weight per bucket index, ascending.
  [[nodiscard]] const std::vector<std::pair<unsigned, double>>& buckets() const noexcept { return buckets_; }
  bool operator==(const Histogram&) const = default;

 private:
  std::vector<std::pair<unsigned, double>> buckets_;  // ascending by index
  double total_ = 0;
};

}  // namespace poolscope::model

#include "pools/sizing/steady.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace poolscope::sizing {
namespace {

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

bool is_enough(const Proposal& proposal) {
  const auto current = static_cast<double>(proposal.current), best = static_cast<double>(proposal.best);
  const double change = std::abs(best - current);
  return proposal.saving_ns_per_second.low > 0 && change >= std::max(1.0, Patience::kLeastChange * current);
}

}  // namespace

std::optional<std::uint64_t> Patience::note(const Proposal& proposal, double seconds) {
  const bool grows = proposal.best > proposal.current;
  if (!is_enough(proposal) || (epochs > 0 && grows != is_growth)) {
    *this = {};
    if (!is_enough(proposal)) return std::nullopt;
  }
  is_growth = grows;
  if (epochs == 0) nearest = proposal.best;
  nearest = grows ? std::min(nearest, proposal.best) : std::max(nearest, proposal.best);
  ++epochs;
  regret_ns += proposal.saving_ns_per_second.value * seconds;
  if (epochs < (grows ? kGrowEpochs : kShrinkEpochs) || regret_ns <= proposal.switch_cost_ns) return std::nullopt;
  const std::uint64_t best = std::exchange(*this, {}).nearest;
  if (grows) return best;
  const double lowest = std::ceil(static_cast<double>(proposal.current) * (1 - kMostShrink));
  return std::max(best, static_cast<std::uint64_t>(lowest));
}

void Cusum::learn() {
  median_ = median_of(reference_);
  std::vector<double> distances;
  for (const double value : reference_) distances.push_back(std::abs(value - median_));
  // Values that hardly ever differ would make every difference an alarm.
  deviation_ = std::max(1.4826 * median_of(distances), 0.01 * std::abs(median_));
  if (deviation_ == 0) deviation_ = 1;
  above_ = below_ = 0;
}

bool Cusum::note(double value) {
  if (is_learning()) {
    reference_.push_back(value);
    if (!is_learning()) learn();
    return false;
  }
  const double deviations = (value - median_) / deviation_;
  above_ = std::max(0.0, above_ + deviations - kSlack);
  below_ = std::max(0.0, below_ - deviations - kSlack);
  if (above_ <= kAlarm && below_ <= kAlarm) return false;
  reference_.clear();
  return true;
}

void WorkingSet::note(std::uint64_t least, std::uint64_t most) {
  const auto moved = static_cast<double>(most - std::min(least, most));
  buffers = (4 * moved + buffers) / 5;
}

std::uint64_t WorkingSet::surplus(std::uint64_t idle) const {
  const double above = static_cast<double>(idle) - std::ceil(buffers);
  return above > 0 ? static_cast<std::uint64_t>(std::ceil(above / 2)) : 0;
}

}  // namespace poolscope::sizing

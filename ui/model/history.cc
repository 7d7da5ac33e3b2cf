#include "ui/model/history.h"

#include <algorithm>
#include <utility>

namespace poolscope::viewer {
namespace {

constexpr std::size_t kLeastBytes = 4096;  // of a step: what it takes beside its numbers
Series collect(const History& history, const std::function<model::MaybeEstimate(const Step&)>& value) {
  Series series;
  std::uint64_t last_ns = 0;
  bool is_new = true;
  for (const Step& step : history.steps()) {
    const auto found = value(step);
    if (!found) {
      is_new = true;
      continue;
    }
    is_new |= step.since_ns > last_ns;
    series.samples.push_back({step.range.to_ns, found->value, found->low, found->high, is_new});
    last_ns = step.range.to_ns;
    is_new = false;
  }
  return series;
}

// Things by name in one list after another, which are mostly in the same order: it looks first where it found the last one.
template <typename Thing>
class Finder {
 public:
  explicit Finder(const std::string& name) : name_(name) {}
  const Thing* in(const std::vector<Thing>& things) {
    if (place_ >= things.size() || things[place_].name != name_) {
      const auto found = std::ranges::find(things, name_, &Thing::name);
      if (found == things.end()) return nullptr;
      place_ = static_cast<std::size_t>(found - things.begin());
    }
    return &things[place_];
  }

 private:
  const std::string& name_;
  std::size_t place_ = 0;
};

class PoolFinder {
 public:
  explicit PoolFinder(const Subject& subject) : targets_(subject.target), pools_(subject.pool) {}
  model::MaybeEstimate value_in(const Step& step, const OfPool& value) {
    const auto* target = targets_.in(step.snapshot->targets);
    const auto* pool = target != nullptr ? pools_.in(target->pools) : nullptr;
    return pool != nullptr ? value(*pool) : std::nullopt;
  }

 private:
  Finder<model::TargetSnapshot> targets_;
  Finder<model::PoolSummary> pools_;
};

}  // namespace

void History::add(Step step) {
  if (!step.snapshot) return;
  step.bytes = std::max(step.bytes, kLeastBytes);
  step.since_ns = step.range.from_ns;
  const auto place =
      std::ranges::lower_bound(steps_, step.range.to_ns, {}, [](const Step& s) { return s.range.to_ns; });
  bytes_ += step.bytes;
  if (place != steps_.end() && place->range.to_ns == step.range.to_ns) {
    bytes_ -= place->bytes;
    *place = std::move(step);
  } else {
    steps_.insert(place, std::move(step));
  }
  while (steps_.size() > 1 && (steps_.size() > kMaxSteps || bytes_ > kMaxBytes)) thin_out();
}

void History::thin_out() {
  const std::size_t half = std::max<std::size_t>(steps_.size() / 2, 1);
  std::vector<Step> kept;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (i < half && i % 2 == 0) {
      bytes_ -= steps_[i].bytes;
      if (i + 1 < steps_.size()) steps_[i + 1].since_ns = std::min(steps_[i + 1].since_ns, steps_[i].since_ns);
    } else {
      kept.push_back(std::move(steps_[i]));
    }
  }
  steps_ = std::move(kept);
}

void History::clear() {
  *this = History();
}

std::optional<TimeRange> History::whole() const {
  if (steps_.empty()) return std::nullopt;
  std::uint64_t from_ns = steps_.front().range.from_ns;
  // Of averages over minutes only the end is a place on the axis.
  if (steps_.size() > 1)
    from_ns =
        std::max(from_ns, steps_.front().range.to_ns - std::min(steps_.front().range.to_ns, TimeAxis::kMinLengthNs));
  return TimeRange{from_ns, steps_.back().range.to_ns};
}

const Step* History::at(std::uint64_t ns) const {
  if (steps_.empty()) return nullptr;
  const auto after = std::ranges::upper_bound(steps_, ns, {}, [](const Step& s) { return s.range.to_ns; });
  return after == steps_.begin() ? &steps_.front() : &*std::prev(after);
}

const model::TargetSnapshot* find_target(const model::Snapshot& snapshot, const std::string& name) {
  const auto found = std::ranges::find(snapshot.targets, name, &model::TargetSnapshot::name);
  return found == snapshot.targets.end() ? nullptr : &*found;
}

const model::PoolSummary* find_pool(const model::TargetSnapshot& target, const std::string& name) {
  const auto found = std::ranges::find(target.pools, name, &model::PoolSummary::name);
  return found == target.pools.end() ? nullptr : &*found;
}

Series series_of(const History& history, const std::string& target, const OfTarget& value) {
  Finder<model::TargetSnapshot> targets(target);
  return collect(history, [&](const Step& step) -> model::MaybeEstimate {
    const auto* found = targets.in(step.snapshot->targets);
    return found != nullptr ? value(*found) : std::nullopt;
  });
}

Series series_of(const History& history, const Subject& subject, const OfPool& value) {
  PoolFinder pools(subject);
  return collect(history, [&](const Step& step) { return pools.value_in(step, value); });
}

Series counts_of(const History& history, const Subject& subject, const OfPool& value) {
  PoolFinder pools(subject);
  return collect(history, [&](const Step& step) -> model::MaybeEstimate {
    return step.has_counts ? pools.value_in(step, value) : std::nullopt;
  });
}

}  // namespace poolscope::viewer

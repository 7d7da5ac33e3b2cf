#include "agent/advice/adviser.h"

#include <algorithm>
#include <utility>

namespace poolscope::advice {

Adviser::Adviser(sizing::Prices prices, const AdviceOptions& options) : prices_(std::move(prices)), options_(options) {}

void Adviser::advise(model::Snapshot& snapshot) {
  const std::uint64_t now_ns = snapshot.time_unix_ns;
  if (epoch_start_ns_ == 0 || now_ns < epoch_start_ns_) epoch_start_ns_ = now_ns;
  const bool is_new_epoch = now_ns - epoch_start_ns_ >= kEpochNs;
  const double seconds = is_new_epoch ? static_cast<double>(kEpochNs) * 1e-9 : 0;
  if (is_new_epoch) epoch_start_ns_ = now_ns;

  std::map<std::string, Target> targets;
  for (model::TargetSnapshot& now : snapshot.targets) {
    Target& known = targets[now.name] = std::move(targets_[now.name]);
    known.state.begin(seconds);
    if (is_new_epoch || known.is_new || known.pools != now.pools.size()) {
      known.advice = advice::advise(now, prices_, options_, &known.state);
      known.pools = now.pools.size();
      known.is_new = false;
    }
    now.advice = known.advice;
  }
  targets_ = std::move(targets);
  snapshot.agent.prices = prices_;
}

void advise_once(model::Snapshot& snapshot, const sizing::Prices& prices, const AdviceOptions& options) {
  snapshot.agent.prices = prices;
  for (model::TargetSnapshot& target : snapshot.targets) target.advice = advise(target, prices, options);
}

}  // namespace poolscope::advice

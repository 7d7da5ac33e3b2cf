#include "tests/truth/sampling_design.h"

#include <algorithm>
#include <optional>

#include "agent/budget/burst_turns.h"
#include "agent/budget/token_bucket.h"
#include "agent/estimate/summarize.h"
#include "agent/sampler/undilated.h"

namespace poolscope::truth {
namespace {

class Observer {
 public:
  Observer(SimulatedKernel& kernel, const Design& design, std::mt19937_64& random)
      : kernel_(kernel), design_(design), random_(random), tokens_(design.cpu_ratio) {
    const double factor = std::normal_distribution<double>(1, design.price_error)(random_);
    options_.price_factor = std::clamp(factor, 0.5, 2.0);
    options_.max_births = design.max_births;
    kernel_.set_options(options_);
  }

  Observation observe(Range range) {
    for (std::uint64_t at = range.begin_ns; at + design_.stratum_ns <= range.end_ns; at += design_.stratum_ns) {
      missing_.clear();
      take_burst(at + std::uniform_int_distribution<std::uint64_t>(0, design_.stratum_ns)(random_));
      close_stratum(at);
    }
    return std::move(seen_);
  }

 private:
  void close_stratum(std::uint64_t start_ns) {
    model::StratumRecord stratum;
    stratum.start_ns = start_ns;
    stratum.length_ns = design_.stratum_ns;
    const std::uint64_t own_ns = kernel_.cpu_ns(start_ns, start_ns + design_.stratum_ns);
    stratum.target_cpu_ns = own_ns + taken_ns_;
    if (design_.has_io_calls) stratum.work.io_calls = kernel_.io_calls(start_ns, start_ns + design_.stratum_ns);
    stratum.missing = missing_;
    tokens_.earn(*stratum.target_cpu_ns, stratum.length_ns);
    recent_cpus_ = static_cast<double>(*stratum.target_cpu_ns) / static_cast<double>(stratum.length_ns);
    seen_.strata.push_back(std::move(stratum));
    taken_ns_ = 0;
  }

  [[nodiscard]] budget::BurstBudget budget() const {
    budget::BurstBudget budget = design_.burst;
    budget.tokens_ns = tokens_.level_ns();
    budget.capacity_ns = tokens_.capacity_ns();
    budget.used_cpus = recent_cpus_;
    budget.busy_cpus = budget::planned_cpus(recent_cpus_);
    return budget;
  }

  void take_burst(std::uint64_t start_ns) {
    const budget::BurstPrices prices{options_.prices.count_ns, options_.prices.life_ns, options_.prices.free_ns};
    if (turns_.is_cohorts_turn() && allocations_.known()) {
      const auto usual_ns = budget::follow_for_age_ns(estimate::kChurnAgeNs, allocations_, frees_, prices, budget());
      const budget::FollowLengths follow{budget::kLeastFollowNs, usual_ns,
                                         turns_.is_long_follow() ? design_.burst.follow_max_ns : usual_ns};
      const auto planned = budget::plan_cohort(allocations_, frees_, prices, budget(), follow);
      if (planned.plan) return keep(kernel_.cohort(start_ns, *planned.plan));
      missing_ = budget::reason_label(planned.refusal.reason);
      const bool can_be_saved = planned.refusal.reason == budget::Refusal::Reason::kNoTokens &&
                                planned.refusal.needed_ns <= tokens_.capacity_ns();
      if (can_be_saved && turns_.waits_for_cohort()) return;
      if (planned.refusal.reason == budget::Refusal::Reason::kTooHot && turns_.is_frees_wanted()) {
        const auto frees = budget::plan_rate(frees_.known() ? frees_ : allocations_,
                                             {prices.free_ns, prices.life_ns, prices.free_ns}, budget());
        if (frees.plan) {
          missing_.clear();
          return keep(kernel_.frees(start_ns, *frees.plan));
        }
      }
    }
    const auto planned = budget::plan_rate(allocations_, prices, budget());
    missing_ = planned.plan ? "" : budget::reason_label(planned.refusal.reason);
    if (planned.plan) keep(kernel_.rate(start_ns, *planned.plan));
  }

  static budget::BurstTurns::Kind turn_of(model::BurstKind kind) {
    using Kind = budget::BurstTurns::Kind;
    if (kind == model::BurstKind::kFrees) return Kind::kFrees;
    return kind == model::BurstKind::kRate ? Kind::kRate : Kind::kCohort;
  }

  void keep(model::BurstRecord record) {
    turns_.took(turn_of(record.kind), random_);
    tokens_.spend(record.charge_ns);
    taken_ns_ += static_cast<std::uint64_t>(static_cast<double>(record.charge_ns) * options_.price_factor);
    const bool counts = record.kind == model::BurstKind::kRate;
    const auto& window = counts ? record.allocation_window : record.free_window;
    const auto calls = counts ? record.counts.allocations + record.counts.reallocations : record.counts.frees;
    auto& rate = counts ? allocations_ : frees_;
    rate.observe_all(calls, window.length_ns - std::min(window.late_ns.value_or(0), window.length_ns / 2));
    if (!rate.known() || sampler::tells_rate(window)) {
      auto& saturation = counts ? allocating_ : freeing_;
      rate.observe(sampler::per_undilated_second(calls, window, 1, saturation.note(window, 1, recent_cpus_)),
                   window.start_ns);
    }
    if (!design_.has_io_calls) {
      record.allocation_window.work.io_calls.reset();
      record.free_window.work.io_calls.reset();
    }
    seen_.bursts.push_back(std::move(record));
  }

  SimulatedKernel& kernel_;
  const Design& design_;
  std::mt19937_64& random_;
  SimulatedKernel::Options options_;
  budget::TokenBucket tokens_;
  budget::HitRate allocations_, frees_;
  sampler::Saturation allocating_, freeing_;
  budget::BurstTurns turns_;
  std::uint64_t taken_ns_ = 0;
  double recent_cpus_ = 0;
  std::string missing_;
  Observation seen_;
};

}  // namespace

Observation observe(SimulatedKernel& kernel, const Design& design, Range range, std::mt19937_64& random) {
  return Observer(kernel, design, random).observe(range);
}

}  // namespace poolscope::truth

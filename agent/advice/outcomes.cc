#include "agent/advice/outcomes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/estimate/intervals.h"

namespace poolscope::advice {
namespace {

using model::AdviceOutcome;
using model::PoolHistory;
using model::WorkSample;

constexpr double kAboutAdvised = 0.2;

std::map<std::string, std::uint64_t> limits_of(const model::PoolSummary& pool) {
  std::map<std::string, std::uint64_t> limits;
  const model::PublishedPool& published = *pool.published;
  const auto add = [&limits](const char* kind, const std::optional<std::uint64_t>& value) {
    if (value) limits[kind] = *value;
  };
  add("buffer_bytes", published.buffer_bytes);
  add("max_idle_buffers", published.max_idle_buffers);
  add("max_retained_bytes", published.max_retained_bytes);
  return limits;
}

bool is_about(std::uint64_t value, std::uint64_t advised) {
  const auto is = static_cast<double>(value), wanted = static_cast<double>(advised);
  return std::abs(is - wanted) <= kAboutAdvised * wanted;
}

// ---- realised ----------------------------------------------------------------------------------------------------------

struct LogMean {
  double mean = 0, variance_of_mean = 0, steps = 0;
};

LogMean log_mean(const std::vector<WorkSample>& samples) {
  LogMean result;
  result.steps = static_cast<double>(samples.size());
  for (const WorkSample& sample : samples) result.mean += std::log(sample.cpu_ns_per_get) / result.steps;
  double squares = 0;
  for (const WorkSample& sample : samples) squares += std::pow(std::log(sample.cpu_ns_per_get) - result.mean, 2);
  result.variance_of_mean = squares / (result.steps - 1) / result.steps;
  return result;
}

model::MaybeEstimate realised_saving(const std::vector<WorkSample>& before, const std::vector<WorkSample>& since) {
  if (std::min(before.size(), since.size()) < Outcomes::kFewestSteps) return std::nullopt;
  const LogMean then = log_mean(before), now = log_mean(since);
  const double variance = then.variance_of_mean + now.variance_of_mean;
  const double freedom = std::pow(variance, 2) / (std::pow(then.variance_of_mean, 2) / (then.steps - 1) +
                                                  std::pow(now.variance_of_mean, 2) / (now.steps - 1));
  // Work that never varied has no interval to speak of.
  const double t = variance > 0 ? estimate::student_t_975(std::max(1U, static_cast<unsigned>(freedom))) : 0;
  const double change = now.mean - then.mean, half = t * std::sqrt(variance);
  return model::Estimate{1 - std::exp(change), 1 - std::exp(change + half), 1 - std::exp(change - half)};
}

// Of what was followed when the present limits came.
void measure(PoolHistory& pool) {
  constexpr double kStepSeconds = static_cast<double>(Outcomes::kStepNs) * 1e-9;
  const auto steps = static_cast<double>(pool.samples.size());
  double hit_ratio = 0;
  for (const WorkSample& sample : pool.samples) hit_ratio += sample.hit_ratio / steps;
  for (AdviceOutcome& outcome : pool.followed) {
    // After kMostSteps the answer comes to rest.
    const bool is_complete = outcome.seen_seconds >= kStepSeconds * static_cast<double>(Outcomes::kMostSteps);
    if (outcome.changed_unix_ns != pool.changed_unix_ns || is_complete) continue;
    outcome.seen_seconds = steps * kStepSeconds;
    outcome.realised_saved_cpu_ratio = realised_saving(pool.before, pool.samples);
    if (pool.samples.size() >= Outcomes::kFewestSteps) outcome.realised_hit_ratio = hit_ratio;
  }
}

// ---- what was told, and what was done about it -------------------------------------------------------------------------

// Limits are others than before.
void change(PoolHistory& pool, const std::map<std::string, std::uint64_t>& limits, std::uint64_t now_ns) {
  for (const auto& [kind, value] : limits) {
    const auto before = pool.limits.find(kind);
    if (before == pool.limits.end() || before->second == value) continue;
    const auto told = std::ranges::find(pool.told, kind, &AdviceOutcome::kind);
    if (told == pool.told.end()) continue;
    AdviceOutcome outcome = *told;
    pool.told.erase(told);
    if (!is_about(value, outcome.to)) continue;
    outcome.from = before->second;
    outcome.to = value;
    outcome.changed_unix_ns = now_ns;
    pool.followed.insert(pool.followed.begin(), std::move(outcome));
  }
  if (pool.followed.size() > Outcomes::kMostFollowed) pool.followed.resize(Outcomes::kMostFollowed);
  pool.before = std::exchange(pool.samples, {});
  pool.changed_unix_ns = now_ns;
}

AdviceOutcome outcome_of(const model::Advice& advice) {
  AdviceOutcome outcome;
  outcome.subject = advice.subject;
  outcome.kind = advice.kind;
  outcome.unit = advice.unit;
  outcome.from = advice.current.value_or(0);
  outcome.to = *advice.recommended;
  outcome.predicted_saved_cpu_ratio = advice.saved_cpu_ratio;
  outcome.predicted_hit_ratio = advice.predicted_hit_ratio;
  return outcome;
}

std::vector<AdviceOutcome> told_of(const model::TargetSnapshot& target, const PoolHistory& pool) {
  std::vector<AdviceOutcome> told;
  for (const model::Advice& advice : target.advice)
    if (advice.subject == pool.pool && advice.recommended && pool.limits.contains(advice.kind))
      told.push_back(outcome_of(advice));
  return told;
}

// While nothing can be said, what was said before holds: the service may have been restarted to do what was advised.
bool is_known(const model::TargetSnapshot& target, const PoolHistory& pool) {
  return std::ranges::any_of(target.advice, [&](const model::Advice& advice) {
    return advice.subject == pool.pool && advice.verdict != model::Verdict::kWait;
  });
}

// Whether it told or took something that was not there before. Predictions that are a little different are kept with the next one.
bool note_pool(PoolHistory& pool, const model::TargetSnapshot& target, const model::PoolSummary& seen,
               std::uint64_t now_ns) {
  const auto limits = limits_of(seen);
  const bool is_changed = !pool.limits.empty() && limits != pool.limits;
  if (is_changed) change(pool, limits, now_ns);
  pool.limits = limits;
  pool.seen_unix_ns = now_ns;
  if (!is_known(target, pool)) return is_changed;
  auto told = told_of(target, pool);
  const auto same_value = [](const AdviceOutcome& a, const AdviceOutcome& b) {
    return a.kind == b.kind && a.to == b.to;
  };
  const bool is_news = !std::ranges::equal(told, pool.told, same_value);
  pool.told = std::move(told);
  return is_changed || is_news;
}

PoolHistory* find(model::AdviceHistory& history, const std::string& target, const std::string& pool) {
  const auto found = std::ranges::find_if(
      history.pools, [&](const PoolHistory& each) { return each.target == target && each.pool == pool; });
  return found == history.pools.end() ? nullptr : &*found;
}

// Of a pool that was told something for the first time.
PoolHistory* begin(model::AdviceHistory& history, const model::TargetSnapshot& target, const model::PoolSummary& pool) {
  PoolHistory fresh;
  fresh.target = target.name;
  fresh.pool = pool.name;
  fresh.limits = limits_of(pool);
  if (history.pools.size() >= Outcomes::kMostPools || told_of(target, fresh).empty()) return nullptr;
  return &history.pools.emplace_back(std::move(fresh));
}

}  // namespace

bool Outcomes::note(model::Snapshot& now) {
  bool is_news = false;
  for (model::TargetSnapshot& target : now.targets) {
    target.advice_outcomes.clear();
    for (const model::PoolSummary& pool : target.pools) {
      if (!pool.published) continue;
      PoolHistory* known = find(history_, target.name, pool.name);
      if (known == nullptr) known = begin(history_, target, pool);
      if (known == nullptr) continue;
      is_news |= note_pool(*known, target, pool, now.time_unix_ns);
      target.advice_outcomes.insert(target.advice_outcomes.end(), known->followed.begin(), known->followed.end());
    }
    std::ranges::stable_sort(target.advice_outcomes, std::ranges::greater{}, &AdviceOutcome::changed_unix_ns);
  }
  std::erase_if(history_.pools,
                [&](const PoolHistory& pool) { return pool.seen_unix_ns + kForgetNs < now.time_unix_ns; });
  return is_news;
}

void Outcomes::add_step(const model::Snapshot& step, std::uint64_t from_unix_ns) {
  for (const model::TargetSnapshot& target : step.targets) {
    for (const model::PoolSummary& pool : target.pools) {
      PoolHistory* known = pool.published ? find(history_, target.name, pool.name) : nullptr;
      if (known == nullptr || limits_of(pool) != known->limits || known->changed_unix_ns > from_unix_ns) continue;
      const double gets = pool.gets_per_second ? pool.gets_per_second->value : 0;
      const double cpu_ns = target.cpu_seconds_per_second.value_or(0) * 1e9;
      if (gets <= 0 || cpu_ns <= 0 || !pool.hit_ratio) continue;
      known->samples.push_back({cpu_ns / gets, pool.hit_ratio->value});
      if (known->samples.size() > kMostSteps) known->samples.erase(known->samples.begin());
      measure(*known);
    }
  }
}

}  // namespace poolscope::advice

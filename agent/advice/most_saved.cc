#include "agent/advice/most_saved.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

#include "agent/advice/reasons.h"
#include "exporters/text/report.h"

namespace poolscope::advice {
namespace {

bool saves_memory(const model::Advice& advice) {
  return advice.saved_bytes.value_or(0) > 0;
}

bool is_bounded(const model::Advice& advice) {
  const auto is = [&](const char* kind) { return advice.kind == kind; };
  const bool is_about_sizes = is("buffer_bytes") || is("max_idle_buffers") || is("max_retained_bytes");
  return is("adopt_pool") || is("reserve") || is("tuning") || (is_about_sizes && !saves_memory(advice));
}

double least_saving(const model::Advice& advice, const AdviceOptions& options) {
  return advice.kind == "adopt_pool" ? options.worth_cpu_ratio : options.least_saved_ratio;
}

// Where `why` says the saving, it says the lower one.
void say_less(double most, model::Advice& advice) {
  std::size_t at = 0;
  for (model::AdviceEvidence& evidence : advice.evidence) {
    const std::size_t found = advice.why.find(evidence.text, at);
    if (found == std::string::npos) return;
    if (evidence.field.starts_with("advice.expected.saved_cpu_ratio") && evidence.value > most) {
      const std::string text = text::format_ratio(most);
      advice.why.replace(found, evidence.text.size(), text);
      evidence.value = most;
      evidence.text = text;
    }
    at = found + evidence.text.size();
  }
}

void lower_to(double most, model::Advice& advice) {
  say_less(most, advice);
  model::Estimate& saved = *advice.saved_cpu_ratio;
  saved.value = std::min(saved.value, most);
  for (auto* end : {&saved.low, &saved.high}) {
    if (*end) *end = std::min(**end, most);
  }
  Reasons reason("cpu_share");
  reason.say(" Allocating, copying, page faults and collections take at most ")
      .ratio("total.high", most)
      .say(" of the CPU time: it cannot save more.");
  model::Advice said;
  std::move(reason).tell(said);
  advice.why += said.why;
  std::ranges::move(said.evidence, std::back_inserter(advice.evidence));
}

}  // namespace

void bound_by_cpu_share(const model::TargetSnapshot& target, const AdviceOptions& options,
                        std::vector<model::Advice>& advices) {
  if (!target.cpu_share || !target.cpu_share->total || !target.cpu_share->total->high) return;
  const double most = *target.cpu_share->total->high;
  std::erase_if(advices, [&](model::Advice& advice) {
    if (!advice.saved_cpu_ratio || !is_bounded(advice)) return false;
    const auto& saved = *advice.saved_cpu_ratio;
    if (std::max(saved.value, saved.high.value_or(0)) <= most) return false;
    lower_to(most, advice);
    return advice.saved_cpu_ratio->value < least_saving(advice, options);
  });
}

}  // namespace poolscope::advice

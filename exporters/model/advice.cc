#include "exporters/model/advice.h"

#include <algorithm>
#include <array>

namespace poolscope::model {
namespace {

struct VerdictName {
  Verdict verdict;
  const char* name;
};
constexpr auto kVerdictNames = std::to_array<VerdictName>({{Verdict::kKeep, "keep"},
                                                           {Verdict::kChange, "change"},
                                                           {Verdict::kAdopt, "adopt"},
                                                           {Verdict::kDrop, "drop"},
                                                           {Verdict::kFix, "fix"},
                                                           {Verdict::kTune, "tune"},
                                                           {Verdict::kWait, "wait"}});

}  // namespace

const char* verdict_name(Verdict verdict) {
  return std::ranges::find(kVerdictNames, verdict, &VerdictName::verdict)->name;
}

std::optional<Verdict> verdict_named(std::string_view name) {
  const auto found = std::ranges::find_if(kVerdictNames, [name](const VerdictName& one) { return one.name == name; });
  return found != kVerdictNames.end() ? std::optional(found->verdict) : std::nullopt;
}

}  // namespace poolscope::model

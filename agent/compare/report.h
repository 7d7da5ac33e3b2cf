#pragma once
// A comparison for people, for a pull request and for programs. Pure.

#include <span>
#include <string>

#include "agent/compare/comparison.h"
#include "agent/compare/criteria.h"
#include "exporters/text/report.h"

namespace poolscope::compare {

// A table per metric, what its signs mean, what to do where samples are too few, and the criteria. Narrow tables leave out p, then the interval.
[[nodiscard]] std::string comparison_text(const Comparison& comparison, std::span<const Judgement> judgements,
                                          const text::Style& style);
[[nodiscard]] std::string comparison_markdown(const Comparison& comparison, std::span<const Judgement> judgements);
// docs/reference/compare.md has the schema.
[[nodiscard]] std::string comparison_json(const Comparison& comparison, std::span<const Judgement> judgements);

}  // namespace poolscope::compare

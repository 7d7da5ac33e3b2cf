#pragma once
// The words that text and markdown of a comparison share.

#include <span>
#include <string>
#include <vector>

#include "agent/compare/comparison.h"
#include "agent/compare/criteria.h"

namespace poolscope::compare {

// "1.72 µs ±1.2 %"; without an interval only the value.
[[nodiscard]] std::string value_words(const Side& side, Unit unit);
// "-17.2 %", "~", "=", "?", or "from 0".
[[nodiscard]] std::string change_words(const Row& row);
// "-18.1 % to -16.4 %"; empty: there is none.
[[nodiscard]] std::string interval_words(const Row& row);
// "<0.001", "0.446"; empty: untested.
[[nodiscard]] std::string p_words(const Row& row);
// "10", "10+12"; empty: estimates.
[[nodiscard]] std::string sample_words(const Row& row);
// "better", "worse", "differs"; empty otherwise.
[[nodiscard]] std::string finding_words(const Row& row);
// "sec/op, lower is better".
[[nodiscard]] std::string metric_words(const Metric& metric);
// "go test -bench, 10 samples per row and side".
[[nodiscard]] std::string kind_words(const Comparison& comparison);
// What the signs of the tables mean, what is missing and what to do about it.
[[nodiscard]] std::vector<std::string> notes(const Comparison& comparison);

// Its name, or the pattern when it has none.
[[nodiscard]] std::string criterion_words(const Criterion& criterion);
// "B/op at most 70 % of BASE", "hit_ratio at least 80 %". `row` is one of those that the criterion is about, if there is one.
[[nodiscard]] std::string target_words(const Criterion& criterion, const Row* row);
// "80.6 % (80.4 % to 80.8 %)" of BASE or a value, and why it was missed when that does not say it.
[[nodiscard]] std::string actual_words(const Criterion& criterion, const JudgedRow& judged, const Row& row);
// "2 met, 1 partial, 1 missed".
[[nodiscard]] std::string summary_words(std::span<const Judgement> judgements);

}  // namespace poolscope::compare

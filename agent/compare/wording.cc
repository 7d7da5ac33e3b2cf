#include "agent/compare/wording.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "exporters/text/report.h"

namespace poolscope::compare {
namespace {

constexpr std::size_t kMaxNames = 5;

std::string fixed_p(double p) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), p, std::chars_format::fixed, 3).ptr};
}

std::string range_words(const std::string& low, const std::string& high) {
  return low == high ? low : low + " to " + high;
}

std::size_t count_if(const Comparison& comparison, auto&& holds) {
  return static_cast<std::size_t>(std::ranges::count_if(comparison.rows, holds));
}

bool is_untested(const Row& row, Untested why) {
  return row.finding == Finding::kUntested && row.untested == why;
}

std::string rows_words(std::size_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

std::string test_words(const Comparison& comparison) {
  const bool samples = comparison.kind != SourceKind::kReport;
  std::string words = samples ? "Mann-Whitney U" : "intervals of the estimates";
  if (comparison.tested_rows > 1) words += ", Holm over " + rows_words(comparison.tested_rows);
  return "alpha 0.05, " + words;
}

const char* how_to_get_samples(SourceKind kind) {
  switch (kind) {
    case SourceKind::kGoBenchmark:
      return "run `go test -bench . -count=10`";
    case SourceKind::kGoogleBenchmark:
      return "run with --benchmark_repetitions=10";
    case SourceKind::kRecording:
      return "record for longer, ten minutes or more";
    case SourceKind::kReport:
      break;
  }
  return "compare recordings";
}

std::size_t fewest_samples(const Row& row) {
  return std::min(row.base.samples, row.fresh.samples);
}

void add_sample_notes(const Comparison& comparison, std::vector<std::string>& all) {
  const std::size_t few =
      count_if(comparison, [](const Row& row) { return is_untested(row, Untested::kTooFewSamples); });
  if (few > 0) {
    all.push_back("? " + rows_words(few) + " not tested: need >= " + std::to_string(samples_for_difference(kAlpha)) +
                  " samples on each side to detect a difference; " + how_to_get_samples(comparison.kind));
  }
  const bool no_interval = std::ranges::any_of(comparison.rows, [](const Row& row) {
    return row.base.samples > 0 && (!row.base.interval || !row.fresh.interval);
  });
  if (no_interval)
    all.push_back("± need >= " + std::to_string(samples_for_interval()) + " samples for the interval of a median");
  const double strictest = kAlpha / static_cast<double>(std::max<std::size_t>(comparison.tested_rows, 1));
  const std::size_t weak = count_if(comparison, [strictest](const Row& row) {
    return row.p && row.base.samples > 0 && row.finding == Finding::kNone &&
           smallest_p(row.base.samples, row.fresh.samples) > strictest;
  });
  if (weak > 0) {
    all.push_back("~ of " + rows_words(weak) + " may be for want of samples: among " +
                  rows_words(comparison.tested_rows) +
                  ", need >= " + std::to_string(samples_for_difference(strictest)) + " on each side; " +
                  how_to_get_samples(comparison.kind));
  }
}

std::string names_words(const char* side, const std::vector<std::string>& names) {
  std::string words = std::string("only in ") + side + ": ";
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) words += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kMaxNames) words += " and " + std::to_string(names.size() - kMaxNames) + " more";
  return words;
}

}  // namespace

std::string value_words(const Side& side, Unit unit) {
  std::string words = format_value(unit, side.value);
  if (!side.interval || side.value == 0) return words;
  const double reach = std::max(side.interval->high - side.value, side.value - side.interval->low);
  const double share = reach / std::fabs(side.value), step = share >= 0.0995 ? 0.01 : 0.001;
  return words + " ±" + text::format_ratio(std::round(share / step) * step);
}

std::string change_words(const Row& row) {
  if (row.finding == Finding::kNone) return "~";
  if (row.finding == Finding::kUntested) return row.untested == Untested::kAllEqual ? "=" : "?";
  if (row.ratio) return format_change(*row.ratio);
  return row.base.value == 0 ? "from 0" : "differs";
}

std::string interval_words(const Row& row) {
  if (!row.ratio_interval || is_untested(row, Untested::kAllEqual)) return "";
  return range_words(format_change(row.ratio_interval->low), format_change(row.ratio_interval->high));
}

std::string p_words(const Row& row) {
  if (!row.p_holm) return "";
  return *row.p_holm < 0.0005 ? "<0.001" : fixed_p(*row.p_holm);
}

std::string sample_words(const Row& row) {
  if (row.base.samples == 0) return "";
  const std::string base = std::to_string(row.base.samples);
  return row.base.samples == row.fresh.samples ? base : base + "+" + std::to_string(row.fresh.samples);
}

std::string finding_words(const Row& row) {
  if (row.finding == Finding::kBetter || row.finding == Finding::kWorse) return finding_name(row.finding);
  return row.finding == Finding::kDifferent ? "differs" : "";
}

std::string metric_words(const Metric& metric) {
  if (metric.better == Direction::kUnknown) return metric.name;
  return metric.name + ", " + direction_name(metric.better) + " is better";
}

std::string kind_words(const Comparison& comparison) {
  const std::string kind = kind_name(comparison.kind);
  if (comparison.kind == SourceKind::kReport) return kind + "s, one estimate per row and side";
  std::size_t fewest = fewest_samples(comparison.rows.front()), most = 0;
  for (const Row& row : comparison.rows) {
    fewest = std::min(fewest, fewest_samples(row));
    most = std::max({most, row.base.samples, row.fresh.samples});
  }
  const std::string count = std::to_string(fewest) + (most > fewest ? " to " + std::to_string(most) : "");
  return kind + ", " + count + (most == 1 ? " sample" : " samples") + " per row and side";
}

std::vector<std::string> notes(const Comparison& comparison) {
  std::vector<std::string> all;
  if (count_if(comparison, [](const Row& row) { return row.finding == Finding::kNone; }) > 0) {
    all.push_back("~ no significant difference (" + test_words(comparison) +
                  "); the interval says how large one could still be");
  } else if (comparison.tested_rows > 0) {
    all.push_back("differences are significant (" + test_words(comparison) + ")");
  }
  if (count_if(comparison, [](const Row& row) { return is_untested(row, Untested::kAllEqual); }) > 0) {
    all.push_back("= all samples are equal");
  }
  const std::size_t bare = count_if(comparison, [](const Row& row) { return is_untested(row, Untested::kNoInterval); });
  if (bare > 0) all.push_back("? " + rows_words(bare) + " not tested: an estimate has no interval; compare recordings");
  add_sample_notes(comparison, all);
  const std::size_t alike = count_if(comparison, [](const Row& row) { return row.neighbours_alike; });
  if (alike > 0) {
    all.push_back("in " + rows_words(alike) +
                  " samples are like their neighbours: they are not independent, and differences may be chance; "
                  "use a longer --sample");
  }
  for (const auto& mean : comparison.means) {
    if (mean.left_out == 0) continue;
    all.push_back("geomean of " + mean.metric + " is without " + rows_words(mean.left_out) +
                  " whose ratio is 0 or has no value");
  }
  if (!comparison.only_base.empty()) all.push_back(names_words("BASE", comparison.only_base));
  if (!comparison.only_fresh.empty()) all.push_back(names_words("NEW", comparison.only_fresh));
  all.insert(all.end(), comparison.remarks.begin(), comparison.remarks.end());
  return all;
}

std::string criterion_words(const Criterion& criterion) {
  if (!criterion.name.empty()) return criterion.name;
  return criterion.benchmark == "*" ? "all rows" : criterion.benchmark;
}

std::string target_words(const Criterion& criterion, const Row* row) {
  const Metric metric = row != nullptr ? row->metric : metric_named(criterion.metric);
  const Direction better = criterion.better == Direction::kUnknown ? metric.better : criterion.better;
  const std::string side = better == Direction::kUnknown  ? " "
                           : better == Direction::kHigher ? " at least "
                                                          : " at most ";
  if (criterion.target_ratio) return criterion.metric + side + text::format_ratio(*criterion.target_ratio) + " of BASE";
  return criterion.metric + side + format_value(metric.unit, *criterion.target);
}

std::string actual_words(const Criterion& criterion, const JudgedRow& judged, const Row& row) {
  const auto text_of = [&](double value) {
    return criterion.target_ratio ? text::format_ratio(value) : format_value(row.metric.unit, value);
  };
  const std::optional<double> value = criterion.target_ratio ? row.ratio : row.fresh.value;
  const auto& interval = criterion.target_ratio ? row.ratio_interval : row.fresh.interval;
  std::string words = value ? text_of(*value) : "?";
  const std::string range = interval ? range_words(text_of(interval->low), text_of(interval->high)) : words;
  if (range != words) words += " (" + range + ")";
  return judged.why.empty() ? words : words + "; " + judged.why;
}

std::string summary_words(std::span<const Judgement> judgements) {
  std::string words;
  for (const Status status : {Status::kMet, Status::kPartial, Status::kMissed}) {
    const auto count = std::ranges::count(judgements, status, &Judgement::status);
    if (count > 0) words += (words.empty() ? "" : ", ") + std::to_string(count) + " " + status_name(status);
  }
  return words;
}

}  // namespace poolscope::compare

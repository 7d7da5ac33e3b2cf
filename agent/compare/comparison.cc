#include "agent/compare/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "agent/config/nearest.h"

namespace poolscope::compare {
namespace {

constexpr double kZ99 = 2.326347874040841;  // one-sided

using SetOfKeys = std::set<std::string>;

std::string value_of(const Series& series, const std::string& key) {
  const auto found = series.config.find(key);
  return found == series.config.end() ? "" : found->second;
}

SetOfKeys all_keys(const Measurements& side) {
  SetOfKeys keys;
  for (const auto& series : side.series) {
    for (const auto& [key, value] : series.config) keys.insert(key);
  }
  return keys;
}

SetOfKeys varying_keys(const Measurements& side) {
  SetOfKeys keys = all_keys(side);
  std::erase_if(keys, [&](const std::string& key) {
    const std::string first = value_of(side.series.front(), key);
    return std::ranges::all_of(side.series, [&](const Series& each) { return value_of(each, key) == first; });
  });
  return keys;
}

void put_into_names(const SetOfKeys& keys, Measurements& side) {
  for (auto& series : side.series) {
    for (const auto& key : keys) {
      const std::string value = value_of(series, key);
      if (!value.empty()) series.name.append(" [").append(key).append("=").append(value).append("]");
    }
  }
}

std::vector<std::string> differing_config(const Measurements& base, const Measurements& fresh,
                                          const SetOfKeys& varying) {
  std::vector<std::string> remarks;
  for (const auto& key : all_keys(base)) {
    const std::string of_base = value_of(base.series.front(), key), of_new = value_of(fresh.series.front(), key);
    if (varying.contains(key) || of_new.empty() || of_base == of_new) continue;
    std::string remark = "not like with like: ";
    remark.append(key).append(" is `").append(of_base).append("` in BASE and `").append(of_new).append("` in NEW");
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

std::optional<std::string> keep_pairs(Measurements& side, const std::vector<Pair>& pairs, std::string Pair::*name_here,
                                      const char* side_name) {
  std::vector<Series> kept;
  for (const Pair& pair : pairs) {
    const std::size_t before = kept.size();
    for (const auto& series : side.series) {
      if (series.name != pair.*name_here) continue;
      kept.push_back(series);
      kept.back().name = pair.first + " → " + pair.second;
    }
    if (kept.size() > before) continue;
    std::vector<std::string_view> known;
    for (const auto& series : side.series) known.push_back(series.name);
    const auto near = config::nearest(pair.*name_here, known);
    return std::string(side_name) + " has no `" + pair.*name_here + "`" +
           (near ? "; did you mean `" + std::string(*near) + "`?" : "");
  }
  side.series = std::move(kept);
  return std::nullopt;
}

Side side_of(const Series& series) {
  if (!series.estimate) return {series.samples.size(), median(series.samples), median_interval(series.samples)};
  const auto& estimate = *series.estimate;
  Side side{0, estimate.value, std::nullopt};
  if (estimate.low && estimate.high) side.interval = Interval{*estimate.low, *estimate.high};
  return side;
}

std::optional<double> ratio_of(double base, double fresh) {
  if (base == 0 && fresh == 0) return 1;
  if (base <= 0 || fresh < 0) return std::nullopt;
  return fresh / base;
}

bool all_equal(const Series& base, const Series& fresh) {
  const double first = base.samples.front();
  const auto is_first = [first](double value) { return value == first; };
  return std::ranges::all_of(base.samples, is_first) && std::ranges::all_of(fresh.samples, is_first);
}

bool neighbours_are_alike(const Series& series) {
  const auto correlation = lag_one_correlation(series.samples);
  return correlation && *correlation > kZ99 / std::sqrt(static_cast<double>(series.samples.size()));
}

void set_untested(Row& row, Untested why) {
  row.finding = Finding::kUntested;
  row.untested = why;
}

void test_samples(const Series& base, const Series& fresh, RankTest& test, Row& row) {
  row.ratio_interval = test.ratio_interval(base.samples, fresh.samples);
  if (smallest_p(base.samples.size(), fresh.samples.size()) > kAlpha)
    return set_untested(row, Untested::kTooFewSamples);
  if (all_equal(base, fresh)) {
    row.ratio_interval = Interval{1, 1};
    return set_untested(row, Untested::kAllEqual);
  }
  row.p = test.p_value(base.samples, fresh.samples);
}

void test_estimates(const Series& base, const Series& fresh, Row& row) {
  const auto result = compare_estimates(*base.estimate, *fresh.estimate);
  if (!result) return set_untested(row, Untested::kNoInterval);
  row.p = result->p;
  row.ratio_interval = result->ratio;
}

Row row_of(const Series& base, const Series& fresh, SourceKind kind, RankTest& test) {
  Row row;
  row.name = base.name;
  row.metric = base.metric;
  row.base = side_of(base);
  row.fresh = side_of(fresh);
  if (row.metric.better == Direction::kUnknown) row.metric.better = fresh.metric.better;
  row.ratio = ratio_of(row.base.value, row.fresh.value);
  if (base.estimate) {
    test_estimates(base, fresh, row);
  } else {
    test_samples(base, fresh, test, row);
    row.neighbours_alike =
        kind == SourceKind::kRecording && (neighbours_are_alike(base) || neighbours_are_alike(fresh));
  }
  // The interval is of a shift, which need not be that of the medians: it is never shown without it.
  if (row.ratio && row.ratio_interval) {
    row.ratio_interval->low = std::min(row.ratio_interval->low, *row.ratio);
    row.ratio_interval->high = std::max(row.ratio_interval->high, *row.ratio);
  }
  return row;
}

Finding finding_of(const Row& row) {
  if (*row.p_holm > kAlpha) return Finding::kNone;
  if (row.metric.better == Direction::kUnknown || row.base.value == row.fresh.value) return Finding::kDifferent;
  const bool fell = row.fresh.value < row.base.value;
  return fell == (row.metric.better == Direction::kLower) ? Finding::kBetter : Finding::kWorse;
}

void correct_for_many(Comparison& comparison) {
  std::vector<double> p_values;
  for (const Row& row : comparison.rows) {
    if (row.p) p_values.push_back(*row.p);
  }
  const auto adjusted = holm(p_values);
  comparison.tested_rows = p_values.size();
  std::size_t next = 0;
  for (Row& row : comparison.rows) {
    if (!row.p) continue;
    row.p_holm = adjusted[next++];
    row.finding = finding_of(row);
  }
}

std::vector<GeometricMean> means_of(const std::vector<Row>& rows) {
  std::vector<GeometricMean> means;
  for (std::size_t first = 0; first < rows.size();) {
    const std::string& metric = rows[first].metric.name;
    std::vector<double> ratios;
    std::size_t end = first;
    for (; end < rows.size() && rows[end].metric.name == metric; ++end) {
      if (rows[end].ratio && *rows[end].ratio > 0 && std::isfinite(*rows[end].ratio))
        ratios.push_back(*rows[end].ratio);
    }
    const auto mean = geometric_mean(ratios);
    if (mean && ratios.size() > 1) means.push_back({metric, *mean, ratios.size(), end - first - ratios.size()});
    first = end;
  }
  return means;
}

// Series of a side by name and metric. Should foreign text make two names alike, the first counts.
using Lookup = std::map<std::pair<std::string, std::string>, const Series*>;

Lookup lookup_of(const Measurements& side) {
  Lookup lookup;
  for (const auto& series : side.series) lookup.emplace(std::pair(series.name, series.metric.name), &series);
  return lookup;
}

std::vector<std::string> names_missing(const Measurements& from, const Lookup& in) {
  std::vector<std::string> names;
  for (const auto& series : from.series) {
    if (!in.contains({series.name, series.metric.name})) names.push_back(series.name + " " + series.metric.name);
  }
  return names;
}

void add_rows(const Measurements& base, const Lookup& in_base, const Lookup& fresh, Comparison& comparison) {
  RankTest test;
  std::map<std::string, std::size_t> metric_order;
  for (const auto& series : base.series) {
    const auto found = fresh.find({series.name, series.metric.name});
    const bool is_first = in_base.at({series.name, series.metric.name}) == &series;
    if (found == fresh.end() || !is_first) continue;
    metric_order.try_emplace(series.metric.name, metric_order.size());
    comparison.rows.push_back(row_of(series, *found->second, base.kind, test));
  }
  std::ranges::stable_sort(comparison.rows, {}, [&](const Row& row) { return metric_order.at(row.metric.name); });
}

std::optional<std::string> check_kinds(const Measurements& base, const Measurements& fresh) {
  if (base.kind != fresh.kind) {
    return "like is compared with like, but " + base.source + " is of the kind `" + kind_name(base.kind) + "` and " +
           fresh.source + " of `" + kind_name(fresh.kind) + "`";
  }
  for (const auto* side : {&base, &fresh}) {
    if (side->series.empty()) return side->source + " holds nothing that could be compared";
  }
  return std::nullopt;
}

}  // namespace

const char* finding_name(Finding finding) {
  static constexpr std::array<const char*, 5> kNames = {"untested", "none", "better", "worse", "different"};
  return kNames[static_cast<std::size_t>(finding)];
}

Result<Comparison, std::string> compare(Measurements base, Measurements fresh, const std::vector<Pair>& pairs) {
  if (auto error = check_kinds(base, fresh)) return Failure{*std::move(error)};
  if (!pairs.empty()) {
    if (auto error = keep_pairs(base, pairs, &Pair::first, "BASE")) return Failure{*std::move(error)};
    if (auto error = keep_pairs(fresh, pairs, &Pair::second, "NEW")) return Failure{*std::move(error)};
  }
  SetOfKeys varying = varying_keys(base);
  varying.merge(varying_keys(fresh));
  put_into_names(varying, base);
  put_into_names(varying, fresh);

  Comparison comparison;
  comparison.kind = base.kind;
  comparison.base = base.source;
  comparison.fresh = fresh.source;
  comparison.remarks = differing_config(base, fresh, varying);
  for (const auto& remark : base.remarks) comparison.remarks.push_back("BASE: " + remark);
  for (const auto& remark : fresh.remarks) comparison.remarks.push_back("NEW: " + remark);
  const Lookup in_base = lookup_of(base), in_new = lookup_of(fresh);
  comparison.only_base = names_missing(base, in_new);
  comparison.only_fresh = names_missing(fresh, in_base);
  add_rows(base, in_base, in_new, comparison);
  if (comparison.rows.empty()) {
    return Failure{base.source + " and " + fresh.source + " have no benchmark in common (" +
                   comparison.only_base.front() + ", " + comparison.only_fresh.front() +
                   "); --pair BASE_NAME=NEW_NAME compares different names"};
  }
  correct_for_many(comparison);
  comparison.means = means_of(comparison.rows);
  return comparison;
}

}  // namespace poolscope::compare

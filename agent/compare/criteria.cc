#include "agent/compare/criteria.h"

#include <algorithm>
#include <array>

#include <fnmatch.h>

#include "agent/config/reader.h"
#include "agent/config/value_rules.h"
#include "agent/config/yaml_tree.h"

namespace poolscope::compare {
namespace {

using config::check_display_text;
using config::Field;
using config::Node;
using config::Reader;
using config::Value;

constexpr std::size_t kMaxCriteria = 1'000;

struct File {
  std::vector<Criterion> criteria;
};

void read_direction(Reader& reader, const Value& value, Criterion& criterion) {
  const bool is_text = value.node.kind == Node::Kind::kScalar;
  if (is_text && value.node.text == "lower") {
    criterion.better = Direction::kLower;
  } else if (is_text && value.node.text == "higher") {
    criterion.better = Direction::kHigher;
  } else {
    reader.error(value, "must be lower or higher: which of both is better");
  }
}

constexpr Field<Criterion> kFields[] = {
    {"name", [](Reader& r, const Value& v, Criterion& c) { r.text(v, check_display_text, c.name); }},
    {"benchmark", [](Reader& r, const Value& v, Criterion& c) { r.text(v, check_display_text, c.benchmark); }},
    {"metric", [](Reader& r, const Value& v, Criterion& c) { r.text(v, check_display_text, c.metric); }},
    {"target_ratio",
     [](Reader& r, const Value& v, Criterion& c) {
       r.number(v, {0, 1e6, false, "from 0 to 1000000"}, c.target_ratio.emplace());
     }},
    {"target",
     [](Reader& r, const Value& v, Criterion& c) {
       r.number(v, {-1e300, 1e300, false, "from -1e300 to 1e300"}, c.target.emplace());
     }},
    {"better", read_direction},
};

Criterion read_criterion(Reader& reader, const Value& value) {
  Criterion criterion;
  if (value.node.kind != Node::Kind::kMap) {
    reader.error(value, "must be a map with the keys `metric` and `target_ratio` or `target`");
    return criterion;
  }
  config::read_map<Criterion>(reader, value, kFields, criterion);
  if (config::find_member(value.node, "metric") == nullptr) reader.error(value, "needs `metric`, such as sec/op");
  const bool has_ratio = config::find_member(value.node, "target_ratio") != nullptr;
  if (has_ratio == (config::find_member(value.node, "target") != nullptr)) {
    reader.error(value, "needs either `target_ratio` (of NEW / BASE) or `target` (of NEW)");
  }
  return criterion;
}

void read_list(Reader& reader, const Value& list, File& file) {
  if (list.node.kind != Node::Kind::kSequence || list.node.items.empty()) {
    return reader.error(list, "must be a list; begin each criterion with `- `");
  }
  if (list.node.items.size() > kMaxCriteria) {
    return reader.error(list, "at most " + std::to_string(kMaxCriteria) + " criteria");
  }
  for (std::size_t i = 0; i < list.node.items.size(); ++i)
    file.criteria.push_back(read_criterion(reader, config::item_of(list, i)));
}

constexpr Field<File> kRootFields[] = {{"criteria", read_list}};

bool matches(const Criterion& criterion, const Row& row) {
  return row.metric.name == criterion.metric && ::fnmatch(criterion.benchmark.c_str(), row.name.c_str(), 0) == 0;
}

bool reaches(double value, double target, Direction better) {
  return better == Direction::kLower ? value <= target : value >= target;
}

bool improved(const Row& row, Direction better) {
  const bool significant = row.p_holm && *row.p_holm <= kAlpha;
  return significant && row.fresh.value != row.base.value &&
         (row.fresh.value < row.base.value) == (better == Direction::kLower);
}

std::string why_no_interval(const Criterion& criterion, const Row& row) {
  if (row.base.samples == 0) return "one of the estimates has no interval";
  if (criterion.target_ratio && !row.ratio) return "BASE is 0 or a value is negative, there is no ratio";
  if (criterion.target_ratio && row.untested != Untested::kTooFewSamples)
    return "a sample is 0 or negative, the ratio has no interval";
  return "too few samples for an interval";
}

JudgedRow judge_row(const Criterion& criterion, const Row& row, std::size_t index) {
  const Direction better = criterion.better == Direction::kUnknown ? row.metric.better : criterion.better;
  if (better == Direction::kUnknown) {
    return {index, Status::kMissed, "not known whether lower or higher is better: add `better` to the criterion"};
  }
  const auto& interval = criterion.target_ratio ? row.ratio_interval : row.fresh.interval;
  const double target = criterion.target_ratio ? *criterion.target_ratio : *criterion.target;
  const bool met = interval && reaches(better == Direction::kLower ? interval->high : interval->low, target, better);
  if (met) return {index, Status::kMet, ""};
  if (improved(row, better)) return {index, Status::kPartial, ""};
  return {index, Status::kMissed, interval ? "" : why_no_interval(criterion, row)};
}

}  // namespace

const char* status_name(Status status) {
  static constexpr std::array<const char*, 3> kNames = {"met", "partial", "missed"};
  return kNames[static_cast<std::size_t>(status)];
}

Result<std::vector<Criterion>, std::vector<config::ConfigError>> parse_criteria(std::string_view yaml,
                                                                                const std::string& file) {
  const auto tree = config::parse_yaml(yaml);
  if (!tree) {
    const auto& error = tree.error();
    return Failure{
        std::vector<config::ConfigError>{{file, error.position.line, error.position.column, "", error.detail}}};
  }
  Reader reader(file);
  File content;
  const Value root{*tree, ""};
  if (tree->kind != Node::Kind::kMap) {
    reader.error(root, "the file must be a map with the key `criteria`");
  } else {
    config::read_map<File>(reader, root, kRootFields, content);
    if (config::find_member(*tree, "criteria") == nullptr) reader.error(root, "needs `criteria`, a list");
  }
  auto errors = reader.take_errors();
  if (!errors.empty()) return Failure{std::move(errors)};
  return content.criteria;
}

std::vector<Judgement> judge(const Comparison& comparison, const std::vector<Criterion>& criteria) {
  std::vector<Judgement> judgements;
  for (const Criterion& criterion : criteria) {
    Judgement judgement{criterion, Status::kMet, {}};
    for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
      if (!matches(criterion, comparison.rows[i])) continue;
      judgement.rows.push_back(judge_row(criterion, comparison.rows[i], i));
      judgement.status = std::max(judgement.status, judgement.rows.back().status);
    }
    if (judgement.rows.empty()) judgement.status = Status::kMissed;
    judgements.push_back(std::move(judgement));
  }
  return judgements;
}

}  // namespace poolscope::compare

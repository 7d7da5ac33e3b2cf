#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "agent/compare/report.h"
#include "agent/compare/wording.h"

namespace poolscope::compare {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr int kIndent = 2;

void set(Json& object, const char* name, const std::optional<double>& value) {
  if (value && std::isfinite(*value)) object[name] = *value;
}

Json estimate(double value, const std::optional<Interval>& interval) {
  Json json = Json::object();
  set(json, "value", value);
  if (interval) {
    set(json, "low", interval->low);
    set(json, "high", interval->high);
  }
  return json;
}

Json side_json(const Side& side) {
  Json json = estimate(side.value, side.interval);
  if (side.samples > 0) json["samples"] = side.samples;
  return json;
}

const char* untested_name(Untested why) {
  static constexpr std::array<const char*, 3> kNames = {"all_equal", "too_few_samples", "no_interval"};
  return kNames[static_cast<std::size_t>(why)];
}

Json row_json(const Row& row) {
  Json json = {{"name", row.name},
               {"metric", row.metric.name},
               {"better", direction_name(row.metric.better)},
               {"base", side_json(row.base)},
               {"new", side_json(row.fresh)}};
  if (row.ratio) json["ratio"] = estimate(*row.ratio, row.ratio_interval);
  set(json, "p", row.p);
  set(json, "p_holm", row.p_holm);
  json["finding"] = finding_name(row.finding);
  if (row.finding == Finding::kUntested) json["untested"] = untested_name(row.untested);
  if (row.neighbours_alike) json["neighbours_alike"] = true;
  return json;
}

Json judgement_json(const Judgement& judgement, const Comparison& comparison) {
  const auto& criterion = judgement.criterion;
  Json json = {{"name", criterion.name}, {"benchmark", criterion.benchmark}, {"metric", criterion.metric}};
  set(json, "target_ratio", criterion.target_ratio);
  set(json, "target", criterion.target);
  json["status"] = status_name(judgement.status);
  json["rows"] = Json::array();
  for (const JudgedRow& judged : judgement.rows) {
    Json row = {{"name", comparison.rows[judged.row].name}, {"status", status_name(judged.status)}};
    if (!judged.why.empty()) row["why"] = judged.why;
    json["rows"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

std::string comparison_json(const Comparison& comparison, std::span<const Judgement> judgements) {
  Json json = {{"schema_version", kSchemaVersion},
               {"kind", kind_name(comparison.kind)},
               {"base", comparison.base},
               {"new", comparison.fresh},
               {"alpha", kAlpha},
               {"tested_rows", comparison.tested_rows}};
  json["rows"] = Json::array();
  for (const Row& row : comparison.rows) json["rows"].push_back(row_json(row));
  json["geomeans"] = Json::array();
  for (const auto& mean : comparison.means)
    json["geomeans"].push_back(
        {{"metric", mean.metric}, {"ratio", mean.ratio}, {"rows", mean.rows}, {"left_out", mean.left_out}});
  json["only_in_base"] = comparison.only_base;
  json["only_in_new"] = comparison.only_fresh;
  json["notes"] = notes(comparison);
  json["criteria"] = Json::array();
  for (const auto& judgement : judgements) json["criteria"].push_back(judgement_json(judgement, comparison));
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace poolscope::compare

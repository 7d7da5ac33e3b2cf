#include "agent/compare/google_bench.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "agent/compare/series_table.h"
#include "exporters/model/json_limits.h"

namespace poolscope::compare {
namespace {

using nlohmann::json;

// Numbers of an entry that say how it was run.
constexpr std::array<std::string_view, 6> kBookkeeping = {
    "family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations"};
// What must be alike on both sides to compare like with like.
constexpr std::array<const char*, 3> kContext = {"host_name", "num_cpus", "library_build_type"};

struct Wrong {
  std::string path, detail;
};

std::optional<double> per_second(const std::string& time_unit) {
  if (time_unit == "ns") return 1e9;
  if (time_unit == "us") return 1e6;
  if (time_unit == "ms") return 1e3;
  if (time_unit == "s") return 1;
  return std::nullopt;
}

std::string text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

bool is_true(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_boolean() && member->get<bool>();
}

std::map<std::string, std::string> config_of(const json& document) {
  std::map<std::string, std::string> config;
  const auto context = document.find("context");
  if (context == document.end() || !context->is_object()) return config;
  for (const char* key : kContext) {
    const auto member = context->find(key);
    if (member == context->end()) continue;
    config[key] = member->is_string() ? member->get<std::string>() : member->dump();
  }
  return config;
}

class GoogleBenchReader {
 public:
  explicit GoogleBenchReader(std::map<std::string, std::string> config) : config_(std::move(config)) {}

  std::optional<Wrong> take(const json& entry, const std::string& path) {
    if (!entry.is_object()) return Wrong{path, "is no object"};
    const std::string type = text_of(entry, "run_type");
    if (type == "aggregate" || entry.contains("aggregate_name")) return std::nullopt;
    const std::string run_name = text_of(entry, "run_name");
    const std::string name = run_name.empty() ? text_of(entry, "name") : run_name;
    if (name.empty()) return Wrong{path + "/name", "is missing"};
    if (is_true(entry, "error_occurred") || is_true(entry, "skipped")) {
      ++failed_;
      return std::nullopt;
    }
    return take_metrics(entry, name, path);
  }

  Measurements take_all(const std::string& source) {
    Measurements all{SourceKind::kGoogleBenchmark, source, table_.take(), {}};
    if (failed_ > 0)
      all.remarks.push_back(std::to_string(failed_) + (failed_ == 1 ? " run" : " runs") + " failed: left out");
    return all;
  }

 private:
  std::optional<Wrong> take_metrics(const json& entry, const std::string& name, const std::string& path) {
    const std::string time_unit = text_of(entry, "time_unit");
    const auto scale = per_second(time_unit.empty() ? "ns" : time_unit);
    if (!scale) return Wrong{path + "/time_unit", "must be ns, us, ms or s"};
    for (const char* time : {"real_time", "cpu_time"}) {
      const auto member = entry.find(time);
      if (member == entry.end() || !member->is_number()) return Wrong{path + "/" + time, "must be a number"};
      if (auto wrong = add(name, time, member->get<double>() / *scale, path)) return wrong;
    }
    for (const auto& [key, value] : entry.items()) {
      const bool is_time = key == "real_time" || key == "cpu_time";
      if (is_time || !value.is_number() || std::ranges::find(kBookkeeping, key) != kBookkeeping.end()) continue;
      if (auto wrong = add(name, key, value.get<double>(), path)) return wrong;
    }
    return std::nullopt;
  }

  std::optional<Wrong> add(const std::string& name, const std::string& metric, double value, const std::string& path) {
    if (!std::isfinite(value)) return Wrong{path + "/" + model::json_pointer_token(metric), "is too large"};
    auto error = table_.add(name, config_, metric_named(metric), value);
    return error ? std::optional<Wrong>({path, *std::move(error)}) : std::nullopt;
  }

  std::map<std::string, std::string> config_;
  SeriesTable table_;
  std::size_t failed_ = 0;
};

ReadError error_at(const std::string& source, const Wrong& wrong) {
  return {source, 0, wrong.path + " " + wrong.detail};
}

}  // namespace

std::optional<ReadError> check_json(std::string_view text, const std::string& source) {
  const auto error = model::check_json(text);
  if (!error) return std::nullopt;
  return error_at(source, {error->path.empty() ? "/" : error->path, error->detail});
}

bool looks_like_google_benchmark(std::string_view text) {
  if (model::check_json(text)) return false;
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return document.is_object() && document.contains("benchmarks");
}

Result<Measurements, ReadError> read_google_benchmark(std::string_view text, const std::string& source) {
  if (auto error = check_json(text, source)) return Failure{*std::move(error)};
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto list = document.is_object() ? document.find("benchmarks") : document.end();
  if (list == document.end() || !list->is_array())
    return Failure{error_at(source, {"/benchmarks", "must be an array"})};
  GoogleBenchReader reader(config_of(document));
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (const auto wrong = reader.take((*list)[i], "/benchmarks/" + std::to_string(i)))
      return Failure{error_at(source, *wrong)};
  }
  Measurements all = reader.take_all(source);
  if (!all.series.empty()) return all;
  return Failure{error_at(source, {"/benchmarks", "holds no result that did not fail"})};
}

}  // namespace poolscope::compare

#include "agent/compare/go_bench.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "agent/compare/series_table.h"

namespace poolscope::compare {
namespace {

constexpr std::string_view kPrefix = "Benchmark";
constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::size_t kMaxLineBytes = 64 * 1024;
constexpr std::size_t kMaxConfigKeys = 100;
constexpr std::size_t kMaxShownBytes = 64;

std::string shown(std::string_view text) {
  std::string result = "`";
  for (const char c : text.substr(0, kMaxShownBytes)) result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return result + (text.size() > kMaxShownBytes ? "...`" : "`");
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return fields;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One of both factors is 1, so that 1718 ns are the number that 1.718e-06 is read as.
struct TidyUnit {
  std::string name;
  double multiplier = 1, divisor = 1;
};

TidyUnit tidy(std::string_view unit) {
  if (unit == "ns" || unit.starts_with("ns/")) return {"sec" + std::string(unit.substr(2)), 1, 1e9};
  if (unit.ends_with("-ns")) return {std::string(unit.substr(0, unit.size() - 2)) + "sec", 1, 1e9};
  if (unit == "MB/s") return {"B/s", 1e6};
  return {std::string(unit)};
}

class GoBenchReader {
 public:
  // The error, if the line is a damaged result.
  std::optional<std::string> take(std::string_view line) {
    if (line.size() > kMaxLineBytes) return "a line of more than " + std::to_string(kMaxLineBytes >> 10) + " KiB";
    if (is_result(line)) return take_result(fields_of(line));
    if (line.starts_with("Unit ")) {
      take_unit(fields_of(line));
      return std::nullopt;
    }
    return take_config(line);
  }

  std::vector<Series> take_series() {
    std::vector<Series> series = table_.take();
    for (Series& each : series) {
      if (const auto told = better_.find(each.metric.name); told != better_.end()) each.metric.better = told->second;
    }
    return series;
  }

 private:
  static bool is_result(std::string_view line) {
    return line.starts_with(kPrefix) && line.size() > kPrefix.size() && !is_lower(line[kPrefix.size()]);
  }

  std::optional<std::string> take_result(const std::vector<std::string_view>& fields) {
    if (fields.size() == 1) return std::nullopt;
    const auto iterations = number<std::uint64_t>(fields[1]);
    if (!iterations || *iterations == 0) {
      return shown(fields[1]) + " is no number of iterations; a result is NAME ITERATIONS VALUE UNIT...";
    }
    if (fields.size() == 2) return "no value after the iterations of " + shown(fields[0]);
    if (fields.size() % 2 != 0) return "no unit after " + shown(fields.back());
    const std::string name(fields[0].substr(kPrefix.size()));
    for (std::size_t i = 2; i < fields.size(); i += 2) {
      const auto value = number<double>(fields[i]);
      if (!value || !std::isfinite(*value))
        return shown(fields[i]) + " is no number; pairs of value and unit belong here";
      const TidyUnit unit = tidy(fields[i + 1]);
      if (auto error = table_.add(name, config_, metric_named(unit.name), *value * unit.multiplier / unit.divisor))
        return error;
    }
    return std::nullopt;
  }

  void take_unit(const std::vector<std::string_view>& fields) {
    if (fields.size() < 3) return;
    const std::string name = tidy(fields[1]).name;
    for (std::size_t i = 2; i < fields.size(); ++i) {
      if (better_.size() == kMaxConfigKeys) return;
      if (fields[i] == "better=higher") better_[name] = Direction::kHigher;
      if (fields[i] == "better=lower") better_[name] = Direction::kLower;
    }
  }

  std::optional<std::string> take_config(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (line.empty() || !is_lower(line[0]) || colon == std::string_view::npos) return std::nullopt;
    const std::string_view key = line.substr(0, colon);
    const bool is_key =
        std::ranges::none_of(key, [](char c) { return is_upper(c) || kBlanks.find(c) != std::string_view::npos; });
    const std::string_view rest = line.substr(colon + 1);
    if (!is_key || (!rest.empty() && kBlanks.find(rest[0]) == std::string_view::npos)) return std::nullopt;
    const std::size_t first = rest.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
      config_.erase(std::string(key));
      return std::nullopt;
    }
    config_[std::string(key)] = rest.substr(first, rest.find_last_not_of(kBlanks) + 1 - first);
    if (config_.size() <= kMaxConfigKeys) return std::nullopt;
    return "more than " + std::to_string(kMaxConfigKeys) + " keys of configuration";
  }

  std::map<std::string, std::string> config_;
  std::map<std::string, Direction> better_;
  SeriesTable table_;
};

}  // namespace

Result<Measurements, ReadError> read_go_benchmark(std::string_view text, const std::string& source) {
  GoBenchReader reader;
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    ++line;
    if (auto error = reader.take(text.substr(at, end - at))) return Failure{ReadError{source, line, *std::move(error)}};
    at = end + 1;
  }
  Measurements measurements{SourceKind::kGoBenchmark, source, reader.take_series(), {}};
  if (!measurements.series.empty()) return measurements;
  return Failure{ReadError{source, 0,
                           "holds no result of a benchmark; it should be a recording or a report of poolscope, JSON of "
                           "Google Benchmark, or text of `go test -bench`"}};
}

}  // namespace poolscope::compare

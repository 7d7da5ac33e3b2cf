#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>

#include "agent/config/config.h"
#include "agent/config/nearest.h"
#include "agent/config/value_rules.h"

namespace poolscope::config {
namespace {

using MatcherOrError = Result<Matcher, std::string>;

MatcherOrError match_pid(std::string_view text) {
  Matcher matcher;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), matcher.pid);
  const bool valid =
      error == std::errc() && end == text.data() + text.size() && matcher.pid >= 1 && matcher.pid <= kMaxPid;
  if (!valid) return Failure{"a pid is a whole number from 1 to " + std::to_string(kMaxPid)};
  return matcher;
}

MatcherOrError match_name(std::string_view text) {
  if (const Complaint complaint = check_process_name(text)) return Failure{*complaint};
  Matcher matcher;
  matcher.process_name = text;
  return matcher;
}

MatcherOrError match_executable(std::string_view text) {
  if (const Complaint complaint = check_executable_glob(text)) return Failure{*complaint};
  Matcher matcher;
  matcher.executable_glob = text;
  return matcher;
}

MatcherOrError match_command_line(std::string_view text) {
  Matcher matcher;
  matcher.command_line_regex = text;
  if (const Complaint complaint = check_command_line_regex(matcher.command_line_regex)) return Failure{*complaint};
  return matcher;
}

struct Prefix {
  std::string_view name;
  MatcherOrError (*parse)(std::string_view);
};
constexpr std::array<Prefix, 4> kPrefixes = {
    {{"pid", match_pid}, {"name", match_name}, {"exe", match_executable}, {"cmdline", match_command_line}}};

std::string unknown_prefix(std::string_view prefix) {
  std::vector<std::string_view> known(kPrefixes.size());
  std::ranges::transform(kPrefixes, known.begin(), &Prefix::name);
  const auto near = nearest(prefix, known);
  const std::string guess = near ? "; did you mean `" + std::string(*near) + ":`?" : "";
  return "unknown prefix before ':'" + guess + " (the prefixes are pid:, name:, exe: and cmdline:)";
}

MatcherOrError parse_matcher(std::string_view spec) {
  const bool all_digits = !spec.empty() && std::ranges::all_of(spec, [](char c) { return c >= '0' && c <= '9'; });
  if (all_digits) return match_pid(spec);
  const std::size_t colon = spec.find(':');
  if (colon == std::string_view::npos) {
    if (spec.starts_with('/')) return Failure{"a path is matched with exe:" + std::string(spec)};
    return match_name(spec);
  }
  const std::string_view prefix = spec.substr(0, colon);
  for (const Prefix& candidate : kPrefixes) {
    if (candidate.name == prefix) return candidate.parse(spec.substr(colon + 1));
  }
  return Failure{unknown_prefix(prefix)};
}

}  // namespace

Result<TargetConfig, std::string> parse_target_spec(std::string_view spec) {
  auto matcher = parse_matcher(spec);
  if (!matcher) return Failure{"target `" + std::string(spec) + "`: " + matcher.error()};
  TargetConfig target;
  target.match = *matcher;
  return target;
}

}  // namespace poolscope::config

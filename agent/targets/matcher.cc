#include "agent/targets/matcher.h"

#include <fnmatch.h>

namespace poolscope::targets {

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string describe(const config::Matcher& matcher) {
  std::string text;
  const auto add = [&text](const char* kind, const std::string& value) {
    if (value.empty()) return;
    if (!text.empty()) text += " and ";
    text += kind + value;
  };
  add("pid:", matcher.pid != 0 ? std::to_string(matcher.pid) : "");
  add("name:", matcher.process_name);
  add("exe:", matcher.executable_glob);
  add("cmdline:", matcher.command_line_regex);
  return text;
}

Result<CompiledMatcher, std::string> CompiledMatcher::compile(const config::Matcher& matcher) {
  if (matcher.empty()) {
    return Failure{std::string("it has no condition and would match every process; give pid, name, exe or cmdline")};
  }
  CompiledMatcher compiled;
  compiled.matcher_ = matcher;
  if (matcher.command_line_regex.empty()) return compiled;
  try {
    compiled.command_line_.emplace(matcher.command_line_regex, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    return Failure{"cmdline:" + matcher.command_line_regex + " is no ECMAScript regular expression: " + error.what()};
  }
  return compiled;
}

bool CompiledMatcher::matches(const std::string& command, const ProcessDetails& details) const {
  if (!matcher_.process_name.empty() && matcher_.process_name != command) return false;
  return matches_executable(details.executable) && matches_command_line(details.command_line);
}

bool CompiledMatcher::matches_executable(const std::string& executable) const {
  const std::string& glob = matcher_.executable_glob;
  if (glob.empty()) return true;
  if (executable.empty()) return false;
  const bool is_path = glob.find('/') != std::string::npos;
  const std::string text = is_path ? executable : base_name(executable);
  return ::fnmatch(glob.c_str(), text.c_str(), FNM_PATHNAME) == 0;
}

bool CompiledMatcher::matches_command_line(const std::string& command_line) const {
  if (!command_line_) return true;
  try {
    const std::size_t length = std::min(command_line.size(), kMaxCommandLineBytes);
    return std::regex_search(command_line.begin(), command_line.begin() + static_cast<std::ptrdiff_t>(length),
                             *command_line_);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace poolscope::targets

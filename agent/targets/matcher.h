#pragma once
// CompiledMatcher: one matcher of the configuration, ready to be asked about many processes.
//   Globs     as in a shell: '*' does not cross a '/'. Without '/' only the last part of the path is compared.
//   Regex     searched in the first 4096 bytes of the command line; one that gives up on an input (too complex) does not
//             match it.
//   Pid       is not looked at: a number is reused, so TargetSet binds it to one process.

#include <optional>
#include <regex>
#include <string>

#include "agent/config/config.h"
#include "agent/targets/proc_view.h"
#include "poolscope/result.h"

namespace poolscope::targets {

class CompiledMatcher {
 public:
  // The error says what is wrong with the matcher, for a person.
  [[nodiscard]] static Result<CompiledMatcher, std::string> compile(const config::Matcher& matcher);

  [[nodiscard]] bool matches(const std::string& command, const ProcessDetails& details) const;
  [[nodiscard]] bool needs_executable() const { return !matcher_.executable_glob.empty(); }

 private:
  CompiledMatcher() = default;
  [[nodiscard]] bool matches_executable(const std::string& executable) const;
  [[nodiscard]] bool matches_command_line(const std::string& command_line) const;

  config::Matcher matcher_;
  std::optional<std::regex> command_line_;
};

// "exe:/usr/bin/redis-* and cmdline:6379", in the words of a target on the command line.
[[nodiscard]] std::string describe(const config::Matcher& matcher);

[[nodiscard]] std::string base_name(const std::string& path);

}  // namespace poolscope::targets

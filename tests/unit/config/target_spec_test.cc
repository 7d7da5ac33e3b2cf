// Targets as they are written on the command line.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/config.h"

namespace poolscope::config {
namespace {

using testing::HasSubstr;

struct SpecCase {
  const char* name;
  const char* spec;
  Matcher expected;
};
class TargetSpec : public testing::TestWithParam<SpecCase> {};

TEST_P(TargetSpec, BecomesAMatcher) {
  const auto target = parse_target_spec(GetParam().spec);
  ASSERT_TRUE(target.has_value()) << target.error();
  const Matcher& expected = GetParam().expected;
  EXPECT_EQ(target->match.pid, expected.pid);
  EXPECT_EQ(target->match.process_name, expected.process_name);
  EXPECT_EQ(target->match.executable_glob, expected.executable_glob);
  EXPECT_EQ(target->match.command_line_regex, expected.command_line_regex);
  EXPECT_TRUE(target->include_children);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, TargetSpec,
    testing::Values(SpecCase{"BarePid", "1234", {1234, "", "", ""}}, SpecCase{"Pid", "pid:1", {1, "", "", ""}},
                    SpecCase{"LargestPid", "4194304", {4194304, "", "", ""}},
                    SpecCase{"BareName", "redis-server", {0, "redis-server", "", ""}},
                    SpecCase{"Name", "name:redis-server", {0, "redis-server", "", ""}},
                    SpecCase{"NameOfDigits", "name:1234", {0, "1234", "", ""}},
                    SpecCase{"NameWithColon", "name:nginx: worker", {0, "nginx: worker", "", ""}},
                    SpecCase{"Executable", "exe:/usr/bin/redis-*", {0, "", "/usr/bin/redis-*", ""}},
                    SpecCase{"ExecutableBasename", "exe:redis-*", {0, "", "redis-*", ""}},
                    SpecCase{"CommandLine", "cmdline:--port 6379$", {0, "", "", "--port 6379$"}}),
    [](const auto& info) { return info.param.name; });

struct BadSpecCase {
  const char* name;
  const char* spec;
  const char* message;  // a part of it
};
class BadTargetSpec : public testing::TestWithParam<BadSpecCase> {};

TEST_P(BadTargetSpec, IsRefusedWithTheWayOut) {
  const auto target = parse_target_spec(GetParam().spec);
  ASSERT_FALSE(target.has_value());
  EXPECT_THAT(target.error(), HasSubstr("target `" + std::string(GetParam().spec) + "`"));
  EXPECT_THAT(target.error(), HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Forms, BadTargetSpec,
    testing::Values(BadSpecCase{"Empty", "", "must not be empty"}, BadSpecCase{"PidZero", "0", "from 1 to 4194304"},
                    BadSpecCase{"PidTooLarge", "4194305", "from 1 to 4194304"},
                    BadSpecCase{"PidOverflow", "pid:99999999999", "from 1 to 4194304"},
                    BadSpecCase{"PidNegative", "pid:-1", "from 1 to 4194304"},
                    BadSpecCase{"PidEmpty", "pid:", "from 1 to 4194304"},
                    BadSpecCase{"LongName", "systemd-journald", "use `systemd-journal`"},
                    BadSpecCase{"Path", "/usr/bin/redis-server", "exe:/usr/bin/redis-server"},
                    BadSpecCase{"RelativeGlob", "exe:bin/redis", "must begin with '/'"},
                    BadSpecCase{"BadRegex", "cmdline:[a", "regular expression"},
                    BadSpecCase{"MistypedPrefix", "nmae:redis", "did you mean `name:`?"},
                    BadSpecCase{"UnknownPrefix", "unit:redis.service", "pid:, name:, exe: and cmdline:"}),
    [](const auto& info) { return info.param.name; });

TEST(TargetSpecBounds, TakeARegexOf512BytesAndNoLonger) {
  EXPECT_TRUE(parse_target_spec("cmdline:" + std::string(512, 'a')).has_value());
  EXPECT_FALSE(parse_target_spec("cmdline:" + std::string(513, 'a')).has_value());
}

TEST(TargetSpecBounds, TakeAProcessNameOf15BytesAndNoLonger) {
  EXPECT_TRUE(parse_target_spec(std::string(15, 'a')).has_value());
  EXPECT_FALSE(parse_target_spec(std::string(16, 'a')).has_value());
}

}  // namespace
}  // namespace poolscope::config

#include "agent/targets/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::targets {
namespace {

using config::Matcher;

Matcher by(const std::string& name, const std::string& glob, const std::string& regex = "") {
  return {0, name, glob, regex};
}

ProcessDetails with_command_line(const std::string& text) {
  return {"/bin/a", false, text};
}

struct MatchCase {
  const char* name;
  Matcher matcher;
  bool matches;
};
class MatcherOn : public testing::TestWithParam<MatchCase> {};

TEST_P(MatcherOn, RedisServer) {
  const ProcessDetails redis{"/usr/bin/redis-server", false, "redis-server *:6379 --save"};
  const auto matcher = CompiledMatcher::compile(GetParam().matcher);
  ASSERT_TRUE(matcher) << matcher.error();
  EXPECT_EQ(matcher->matches("redis-server", redis), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(Table, MatcherOn,
                         testing::Values(MatchCase{"Name", by("redis-server", ""), true},
                                         MatchCase{"NameIsExact", by("redis", ""), false},
                                         MatchCase{"GlobOfPath", by("", "/usr/bin/redis-*"), true},
                                         MatchCase{"GlobOfBasename", by("", "redis-s?rver"), true},
                                         MatchCase{"GlobIsWhole", by("", "redis"), false},
                                         MatchCase{"StarStopsAtSlash", by("", "/usr/*"), false},
                                         MatchCase{"StarIsOneFolder", by("", "/usr/*/redis-server"), true},
                                         MatchCase{"StarIsNotTwoFolders", by("", "/*/redis-server"), false},
                                         MatchCase{"GlobOfOtherPath", by("", "/opt/bin/redis-*"), false},
                                         MatchCase{"RegexIsSearched", by("", "", ":[0-9]{4} "), true},
                                         MatchCase{"RegexNotFound", by("", "", "^6379"), false},
                                         MatchCase{"AllHold", by("redis-server", "", "6379"), true},
                                         MatchCase{"OneFails", by("redis-server", "", "6380"), false}),
                         [](const auto& info) { return info.param.name; });

TEST(CompiledMatcher, AnUnreadableExecutableMatchesNoGlob) {
  EXPECT_FALSE(CompiledMatcher::compile(by("", "*"))->matches("a", {"", true, ""}));
}

TEST(CompiledMatcher, LooksAtTheFirst4096BytesOfTheCommandLine) {
  const auto matcher = CompiledMatcher::compile(by("", "", "needle"));
  EXPECT_TRUE(matcher->matches("a", with_command_line(std::string(4096 - 6, 'x') + "needle")));
  EXPECT_FALSE(matcher->matches("a", with_command_line(std::string(4096 - 5, 'x') + "needle")));
}

TEST(CompiledMatcher, TakesTheLongestCommandLineThroughARegexThatRecurses) {
  const auto matcher = CompiledMatcher::compile(by("", "", "^(a|b)*c$"));
  EXPECT_FALSE(matcher->matches("a", with_command_line(std::string(1 << 20, 'a'))));
}

TEST(CompiledMatcher, RefusesNoConditionAtAll) {
  const auto matcher = CompiledMatcher::compile({});
  ASSERT_FALSE(matcher);
  EXPECT_THAT(matcher.error(), testing::HasSubstr("no condition"));
}

TEST(CompiledMatcher, RefusesABadRegexAndShowsIt) {
  const auto matcher = CompiledMatcher::compile(by("", "", "(open"));
  ASSERT_FALSE(matcher);
  EXPECT_THAT(matcher.error(), testing::HasSubstr("cmdline:(open"));
}

TEST(DescribeMatcher, UsesTheWordsOfTheCommandLine) {
  EXPECT_EQ(describe(Matcher{12, "", "", ""}), "pid:12");
  EXPECT_EQ(describe(by("a", "/b*", "c")), "name:a and exe:/b* and cmdline:c");
}

TEST(BaseName, IsWhatFollowsTheLastSlash) {
  EXPECT_EQ(base_name("/usr/bin/a"), "a");
  EXPECT_EQ(base_name("a"), "a");
  EXPECT_EQ(base_name(""), "");
}

}  // namespace
}  // namespace poolscope::targets

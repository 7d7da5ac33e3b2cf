// Every error of a file comes with its exact place, its key and the way out.

#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/config.h"

namespace poolscope::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ConfigError> errors_of(std::string_view yaml) {
  auto config = parse_config(yaml, "test.yaml");
  return config ? std::vector<ConfigError>{} : config.error();
}

struct ErrorCase {
  const char* name;
  const char* yaml;
  int line;
  int column;
  const char* key;
  const char* detail;  // a part of it
};

class ConfigErrors : public testing::TestWithParam<ErrorCase> {};

TEST_P(ConfigErrors, NameThePlaceTheKeyAndTheWayOut) {
  const auto errors = errors_of(GetParam().yaml);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].file, "test.yaml");
  EXPECT_EQ(std::tuple(errors[0].line, errors[0].column), std::tuple(GetParam().line, GetParam().column));
  EXPECT_EQ(errors[0].key, GetParam().key);
  EXPECT_THAT(errors[0].detail, HasSubstr(GetParam().detail));
}

std::string case_name(const testing::TestParamInfo<ErrorCase>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Structure, ConfigErrors,
    testing::Values(
        ErrorCase{"Syntax", "budget:\n  cpu_ratio: [\n", 3, 1, "", "not valid YAML: end of sequence flow not found"},
        ErrorCase{"Tab", "budget:\n\tcpu_ratio: 1\n", 2, 11, "", "indented with a tab, use blanks"},
        ErrorCase{"RootIsText", "redis\n", 1, 1, "", "must be a map of keys, such as `targets:`"},
        ErrorCase{"RootIsList", "- a\n", 1, 1, "", "must be a map of keys"},
        ErrorCase{"UnknownKey", "budget:\n  cpu_ratioo: 0.1\n", 2, 3, "budget.cpu_ratioo", "did you mean `cpu_ratio`?"},
        ErrorCase{"SwappedLetters", "tragets: []\n", 1, 1, "tragets", "did you mean `targets`?"},
        ErrorCase{"UnlikeAnyKey", "web:\n  telemetry: 1\n", 2, 3, "web.telemetry", "the keys here are: listen_address"},
        ErrorCase{"MergeKey", "budget:\n  <<: {}\n", 2, 3, "budget.<<", "unknown key"},
        ErrorCase{"DuplicateKey", "web:\n  listen_address: a:1\n  listen_address: b:1\n", 3, 3, "web.listen_address",
                  "first in line 2"},
        ErrorCase{"DuplicateSection", "web: {}\nbudget: {}\nweb: {}\n", 3, 1, "web", "first in line 1"},
        ErrorCase{"KeyIsList", "budget:\n  ? [a]\n  : 1\n", 2, 5, "budget", "a key must be a text"},
        ErrorCase{"SectionIsText", "budget: cheap\n", 1, 9, "budget", "must be a map of keys"},
        ErrorCase{"TargetsIsMap", "targets:\n  name: a\n", 2, 3, "targets", "must be a list"},
        ErrorCase{"TargetIsText", "targets:\n  - redis\n", 2, 5, "targets[0]", "must be a map with the key `match`"},
        ErrorCase{"TargetIsEmpty", "targets:\n  -\n", 2, 3, "targets[0]", "must be a map with the key `match`"},
        ErrorCase{"Anchor", "web: &w {}\n", 1, 6, "", "anchors (&) and aliases (*) are not supported"},
        ErrorCase{"Tag", "budget:\n  cpu_ratio: !!str 0.1\n", 2, 14, "", "tags (!) are not supported"},
        ErrorCase{"SecondDocument", "web: {}\n---\nweb: {}\n", 2, 1, "", "a second YAML document"},
        ErrorCase{"NotUtf8", "web:\n  listen_address: \xFF\n", 2, 19, "", "not UTF-8 text"},
        ErrorCase{"OverlongUtf8", "\xC0\xAF: 1\n", 1, 1, "", "not UTF-8 text"},
        ErrorCase{"ControlCharacter", "web: {}\n# \x1b[2J\n", 2, 3, "", "a control character"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Budget, ConfigErrors,
    testing::Values(
        ErrorCase{"NoRecordingFile", "recording:\n  file: ''\n", 2, 9, "recording.file", "must not be empty"},
        ErrorCase{"TinyRecording", "recording:\n  max_bytes: 10\n", 2, 14, "recording.max_bytes", "1048576"},
        ErrorCase{"NoRecordingFiles", "recording:\n  files: 0\n", 2, 10, "recording.files", "1"},
        ErrorCase{"NotANumber", "budget:\n  cpu_ratio: 1%\n", 2, 14, "budget.cpu_ratio",
                  "must be a number above 0 and at most 0.5, not `1%`"},
        ErrorCase{"Quoted", "budget:\n  cpu_ratio: \"0.1\"\n", 2, 14, "budget.cpu_ratio", "without quotes"},
        ErrorCase{"NoValue", "budget:\n  cpu_ratio:\nweb: {}\n", 2, 3, "budget.cpu_ratio", "must be a number above 0"},
        ErrorCase{"ListAsNumber", "budget:\n  cpu_ratio: [0.1]\n", 2, 14, "budget.cpu_ratio", "must be a number"},
        ErrorCase{"CpuRatioZero", "budget:\n  cpu_ratio: 0\n", 2, 14, "budget.cpu_ratio",
                  "above 0 and at most 0.5, not 0"},
        ErrorCase{"CpuRatioHigh", "budget:\n  cpu_ratio: 0.51\n", 2, 14, "budget.cpu_ratio", "at most 0.5, not 0.51"},
        ErrorCase{"CpuRatioNan", "budget:\n  cpu_ratio: nan\n", 2, 14, "budget.cpu_ratio", "at most 0.5, not nan"},
        ErrorCase{"CpuRatioHuge", "budget:\n  cpu_ratio: 1e999\n", 2, 14, "budget.cpu_ratio", "must be a number"},
        ErrorCase{"SlowdownLow", "budget:\n  burst_slowdown: 1.04\n", 2, 19, "budget.burst_slowdown",
                  "from 1.05 to 10"},
        ErrorCase{"SlowdownHigh", "budget:\n  burst_slowdown: 10.1\n", 2, 19, "budget.burst_slowdown",
                  "from 1.05 to 10"},
        ErrorCase{"BurstLow", "budget:\n  burst_max_ms: 0.09\n", 2, 17, "budget.burst_max_ms", "from 0.1 to 50"},
        ErrorCase{"BurstHigh", "budget:\n  burst_max_ms: 51\n", 2, 17, "budget.burst_max_ms", "from 0.1 to 50"},
        ErrorCase{"FollowLow", "budget:\n  follow_max_ms: 0.5\n", 2, 18, "budget.follow_max_ms", "from 1 to 1000"},
        ErrorCase{"FollowHigh", "budget:\n  follow_max_ms: 1001\n", 2, 18, "budget.follow_max_ms", "from 1 to 1000"},
        ErrorCase{"SnapshotsZero", "history: {snapshots: 0}\n", 1, 22, "history.snapshots", "from 1 to 10000"},
        ErrorCase{"SnapshotsMany", "history: {snapshots: 10001}\n", 1, 22, "history.snapshots", "from 1 to 10000"},
        ErrorCase{"SnapshotsFraction", "history: {snapshots: 1.5}\n", 1, 22, "history.snapshots", "whole number"},
        ErrorCase{"RelativePath", "hosted_pools: {file: pools.yaml}\n", 1, 22, "hosted_pools.file", "absolute path"},
        ErrorCase{"ListenNoPort", "web: {listen_address: localhost}\n", 1, 23, "web.listen_address", "127.0.0.1:9777"},
        ErrorCase{"ListenPortOnly", "web: {listen_address: \":9777\"}\n", 1, 23, "web.listen_address", "0.0.0.0:9777"},
        ErrorCase{"ListenPortHigh", "web: {listen_address: \"a:65536\"}\n", 1, 23, "web.listen_address", "0 to 65535"},
        ErrorCase{"ListenIpv6", "web: {listen_address: \"[::1]:1\"}\n", 1, 23, "web.listen_address", "IPv6"},
        ErrorCase{"ListenUrl", "web: {listen_address: \"http://a:1\"}\n", 1, 23, "web.listen_address", "HOST:PORT"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Targets, ConfigErrors,
    testing::Values(
        ErrorCase{"NoMatch", "targets:\n  - name: a\n", 2, 5, "targets[0]", "needs `match`"},
        ErrorCase{"EmptyMatch", "targets:\n  - match: {}\n", 2, 12, "targets[0].match", "needs at least one of pid"},
        ErrorCase{"MatchIsNull", "targets:\n  - match:\n", 2, 5, "targets[0].match", "needs at least one of pid"},
        ErrorCase{"MatchIsText", "targets:\n  - match: redis\n", 2, 12, "targets[0].match",
                  "needs at least one of pid"},
        ErrorCase{"PidZero", "targets:\n  - match: {pid: 0}\n", 2, 18, "targets[0].match.pid", "from 1 to 4194304"},
        ErrorCase{"PidText", "targets:\n  - match: {pid: redis}\n", 2, 18, "targets[0].match.pid", "not `redis`"},
        ErrorCase{"PidOverflow", "targets:\n  - match: {pid: 99999999999999999999}\n", 2, 18, "targets[0].match.pid",
                  "must be a whole number"},
        ErrorCase{"ProcessNameEmpty", "targets:\n  - match: {process_name: \"\"}\n", 2, 27,
                  "targets[0].match.process_name", "must not be empty"},
        ErrorCase{"ProcessNameLong", "targets:\n  - match: {process_name: systemd-journald}\n", 2, 27,
                  "targets[0].match.process_name", "use `systemd-journal`"},
        ErrorCase{"GlobRelative", "targets:\n  - match: {executable: bin/redis}\n", 2, 25,
                  "targets[0].match.executable", "must begin with '/' or '*'"},
        ErrorCase{"BadRegex", "targets:\n  - match: {command_line: \"a(\"}\n", 2, 27, "targets[0].match.command_line",
                  "not a valid ECMAScript regular expression"},
        ErrorCase{"UnknownMatcher", "targets:\n  - match: {exe: a}\n", 2, 13, "targets[0].match.exe",
                  "the keys here are: pid, process_name, executable, command_line"},
        ErrorCase{"ChildrenYes", "targets:\n  - include_children: yes\n    match: {pid: 1}\n", 2, 23,
                  "targets[0].include_children", "must be true or false"},
        ErrorCase{"NameEmpty", "targets:\n  - name: ''\n    match: {pid: 1}\n", 2, 11, "targets[0].name",
                  "must not be empty"},
        ErrorCase{"NameIsNull", "targets:\n  - name:\n    match: {pid: 1}\n", 2, 5, "targets[0].name",
                  "must be a text"},
        ErrorCase{"SameName",
                  "targets:\n  - {name: a, match: {pid: 1}}\n  - {name: b, match: {pid: 2}}\n"
                  "  - {name: a, match: {pid: 3}}\n",
                  4, 12, "targets[2].name", "the target in line 2 has this name too"},
        ErrorCase{"LabelDash", "targets:\n  - match: {pid: 1}\n    labels: {a-b: c}\n", 3, 14, "targets[0].labels.a-b",
                  "not a Prometheus label name"},
        ErrorCase{"LabelDigit", "targets:\n  - match: {pid: 1}\n    labels: {1a: c}\n", 3, 14, "targets[0].labels.1a",
                  "not beginning with a digit"},
        ErrorCase{"LabelUnderscores", "targets:\n  - match: {pid: 1}\n    labels: {__a: c}\n", 3, 14,
                  "targets[0].labels.__a", "belong to Prometheus"},
        ErrorCase{"LabelIsMap", "targets:\n  - match: {pid: 1}\n    labels: {team: {a: b}}\n", 3, 20,
                  "targets[0].labels.team", "must be a text"},
        ErrorCase{"LabelTwice", "targets:\n  - match: {pid: 1}\n    labels: {a: b, a: c}\n", 3, 20,
                  "targets[0].labels.a", "first in line 3"}),
    case_name);

class ReservedLabels : public testing::TestWithParam<const char*> {};

TEST_P(ReservedLabels, AreRefused) {
  const auto errors = errors_of("targets:\n  - match: {pid: 1}\n    labels: {" + std::string(GetParam()) + ": x}\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].detail, HasSubstr("poolscope's own metrics use this label"));
}
INSTANTIATE_TEST_SUITE_P(OfOurMetrics, ReservedLabels,
                         testing::Values("target", "pool", "kind", "state", "reason", "collector", "percentile",
                                         "seconds", "runtime", "allocator", "outcome", "le"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ConfigErrorList, HoldsAllErrorsInTheOrderOfTheFile) {
  const auto errors = errors_of(
      "budgett: {}\n"
      "targets:\n"
      "  - name: a\n"
      "  - match: {pid: -1, process_name: [x]}\n"
      "budget:\n"
      "  cpu_ratio: 2\n"
      "  burst_slowdown: 0\n");
  std::vector<std::string> keys;
  keys.reserve(errors.size());
  for (const auto& error : errors) keys.push_back(error.key);
  EXPECT_THAT(keys, ElementsAre("budgett", "targets[0]", "targets[1].match.pid", "targets[1].match.process_name",
                                "budget.cpu_ratio", "budget.burst_slowdown"));
}

TEST(ConfigErrorList, IsBounded) {
  std::string yaml;
  for (int i = 0; i < 5000; ++i) yaml += "unknown" + std::to_string(i) + ": 1\n";
  const auto errors = errors_of(yaml);
  ASSERT_EQ(errors.size(), 100u);
  EXPECT_THAT(errors.back().detail, HasSubstr("further errors are not listed"));
}

TEST(ConfigErrorList, DescribesAnErrorAsEditorsUnderstandIt) {
  const auto errors = errors_of("web: {}\nbudget:\n  cpu_ratioo: 1\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(describe(errors[0]), "test.yaml:3:3: budget.cpu_ratioo: unknown key; did you mean `cpu_ratio`?");
}

TEST(ConfigErrorList, ShowsNoTerminalSequencesOfTheFile) {
  const auto errors = errors_of("\"\\e[2J\": 1\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].key, "?[2J");
}

TEST(ConfigBounds, RefuseTextAboveOneMebibyte) {
  const auto errors = errors_of("#" + std::string(1024 * 1024, 'x'));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(describe(errors[0]), "test.yaml: larger than 1024 KiB");
}

TEST(ConfigBounds, AcceptTextOfExactlyOneMebibyte) {
  EXPECT_TRUE(errors_of("#" + std::string(1024 * 1024 - 1, 'x')).empty());
}

TEST(ConfigBounds, RefuseDeepNesting) {
  for (const char* opening : {"[", "{", "- ", "? ", "{a: "}) {
    std::string yaml = "budget: ";
    for (int i = 0; i < 20'000; ++i) yaml += opening;
    EXPECT_EQ(errors_of(yaml).size(), 1u) << opening;
  }
}

TEST(ConfigBounds, RefuseMoreValuesThanAnyConfigurationHas) {
  std::string yaml = "targets: [";
  for (int i = 0; i < 60'000; ++i) yaml += "a,";
  const auto errors = errors_of(yaml + "]");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].detail, HasSubstr("more than 50000 values"));
}

TEST(ConfigBounds, RefuseAnAliasBombAtItsFirstAnchor) {
  const auto errors = errors_of("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].line, 1);
}

}  // namespace
}  // namespace poolscope::config

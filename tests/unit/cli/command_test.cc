// The built program, driven as a shell would: exit codes, messages, where output goes.

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/unit/cli/http_server.h"
#include "tests/unit/cli/program.h"

namespace poolscope::cli_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(Help, ListsEveryCommandOnOneScreen) {
  const Finished help = run_poolscope({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"run", "attach", "agent", "doctor", "top", "report", "check-config"}) {
    EXPECT_THAT(help.out, HasSubstr("\n  " + std::string(command) + " "));
  }
  EXPECT_LE(std::count(help.out.begin(), help.out.end(), '\n'), 40);
}

TEST(Help, FitsIntoAHundredColumns) {
  const Finished help = run_poolscope({"--help"});
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

class HelpOfCommand : public testing::TestWithParam<const char*> {};

TEST_P(HelpOfCommand, NamesTheCommandAndGoesToStdout) {
  const Finished help = run_poolscope({GetParam(), "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Usage: poolscope " + std::string(GetParam())));
  EXPECT_THAT(help.err, IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Commands, HelpOfCommand, testing::Values("report", "top", "check-config"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Version, IsPrinted) {
  const Finished version = run_poolscope({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, AllOf(StartsWith("poolscope "), EndsWith("\n")));
}

struct UsageCase {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;  // a part of it
};
class UsageErrors : public testing::TestWithParam<UsageCase> {};

TEST_P(UsageErrors, ExitWithTwoAndSayWhatIsWrong) {
  const Finished finished = run_poolscope(GetParam().arguments);
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Table, UsageErrors,
    testing::Values(UsageCase{"NoCommand", {}, "Usage: poolscope"},
                    UsageCase{"MistypedCommand", {"repot", "x"}, "unknown command `repot`; did you mean `report`?"},
                    UsageCase{"UnknownCommand", {"zzzzzz"}, "unknown command `zzzzzz`\nsee `poolscope --help`"},
                    UsageCase{"EscapeInCommand", {"a\x1b[2J"}, "unknown command `a?[2J`"},
                    UsageCase{"UnknownGlobalOption", {"--frobnicate"}, "--frobnicate"},
                    UsageCase{"UnknownOption", {"report", "x", "--frobnicate"}, "see `poolscope report --help`"},
                    UsageCase{"MissingSource", {"report"}, "report: "},
                    UsageCase{"TwoFormats", {"report", "x", "--json", "--markdown"}, "--json"},
                    UsageCase{"UnknownEnding", {"report", "x", "-o", "x.html"}, "use .json, .md or .txt"},
                    UsageCase{"BadInterval", {"top", "--interval", "5"}, "`5` is not a duration"},
                    UsageCase{"ShortInterval", {"top", "--interval", "1ms"}, "at least 100 ms"},
                    UsageCase{"TopWithoutTerminal", {"top"}, "use --once"}),
    [](const auto& info) { return info.param.name; });

class Report : public testing::Test {
 protected:
  Report() { directory_.write("in.json", sample_report()); }
  std::string input() const { return directory_.path("in.json"); }
  TemporaryDirectory directory_;
};

TEST_F(Report, PrintsTextForPeople) {
  const Finished report = run_poolscope({"report", input()});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("redis-server"));
  EXPECT_THAT(report.out, Not(HasSubstr("\x1b"))) << "colour without a terminal";
}

TEST_F(Report, PrintsJsonThatIsTheSameSnapshot) {
  const Finished report = run_poolscope({"report", input(), "--json"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(nlohmann::json::parse(report.out), nlohmann::json::parse(sample_report()));
}

TEST_F(Report, ReadsStdin) {
  const Finished report = run_poolscope({"report", "-"}, {.in = sample_report()});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("redis-server"));
}

TEST_F(Report, TakesTheFormatFromTheEnding) {
  EXPECT_EQ(run_poolscope({"report", input(), "-o", directory_.path("a.json")}).exit_code, 0);
  EXPECT_EQ(run_poolscope({"report", input(), "-o", directory_.path("a.md")}).exit_code, 0);
  EXPECT_EQ(run_poolscope({"report", input(), "-o", directory_.path("a.txt")}).exit_code, 0);
  EXPECT_TRUE(nlohmann::json::accept(read_file(directory_.path("a.json"))));
  EXPECT_EQ(read_file(directory_.path("a.md")), run_poolscope({"report", input(), "--markdown"}).out);
  EXPECT_EQ(read_file(directory_.path("a.txt")), run_poolscope({"report", input(), "--text"}).out);
  EXPECT_THAT(directory_.names(), ElementsAre("a.json", "a.md", "a.txt", "in.json"));
}

TEST_F(Report, WritesAnyFileNameWhenTheFormatIsGiven) {
  EXPECT_EQ(run_poolscope({"report", input(), "--json", "-o", directory_.path("report")}).exit_code, 0);
  EXPECT_TRUE(nlohmann::json::accept(read_file(directory_.path("report"))));
}

TEST_F(Report, FailsOnAMissingFile) {
  const Finished report = run_poolscope({"report", directory_.path("none.json")});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.err,
            "poolscope: report: cannot open " + directory_.path("none.json") + ": No such file or directory\n");
}

TEST_F(Report, FailsOnTextThatIsNoJson) {
  directory_.write("bad.json", "{ not json");
  const Finished report = run_poolscope({"report", directory_.path("bad.json")});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr(directory_.path("bad.json") + " is no poolscope report: "));
  EXPECT_THAT(report.out, IsEmpty());
}

TEST_F(Report, FailsOnOtherJson) {
  const Finished report = run_poolscope({"report", "-"}, {.in = "{\"a\": 1}"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("schema_version"));
}

TEST_F(Report, FailsWhenStdoutIsFull) {
  const Finished report = run_poolscope({"report", input()}, {.out_path = "/dev/full"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.err, "poolscope: cannot write to stdout: No space left on device\n");
}

TEST_F(Report, FailsWhenStdoutIsClosed) {
  const Finished report = run_poolscope({"report", input()}, {.out_path = "closed"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("cannot write to stdout: Bad file descriptor"));
}

TEST_F(Report, EndsQuietlyWhenItsReaderWentAway) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  const Finished report = run_poolscope({"report", input()}, {.out_fd = ends[1]});
  ::close(ends[1]);
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(report.err, IsEmpty());
}

TEST_F(Report, FailsWhenTheOutputFileCannotBeWritten) {
  const Finished report = run_poolscope({"report", input(), "-o", directory_.path("none/a.json")});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("cannot write " + directory_.path("none/a.json")));
}

TEST_F(Report, FailsWhenTheOutputDeviceIsFull) {
  const Finished report = run_poolscope({"report", input(), "--json", "-o", "/dev/full"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("No space left on device"));
}

TEST_F(Report, FetchesFromAnAgent) {
  const HttpServer agent(http_answer("200 OK", sample_report()));
  const Finished report = run_poolscope({"report", agent.url()});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("redis-server"));
}

TEST_F(Report, FailsWhenNoAgentListens) {
  const Finished report = run_poolscope({"report", "http://127.0.0.1:" + std::to_string(closed_port())});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("Connection refused; is `poolscope agent` running there?"));
}

TEST(TopOnce, PrintsOneScreenWithoutATerminal) {
  const HttpServer agent(http_answer("200 OK", sample_report()));
  const Finished top = run_poolscope({"top", agent.url(), "--once"});
  EXPECT_EQ(top.exit_code, 0) << top.err;
  EXPECT_THAT(top.out, AllOf(HasSubstr("redis-server"), Not(HasSubstr("\x1b"))));
}

TEST(TopOnce, SaysHowToWatchAProcess) {
  const Finished top = run_poolscope({"top", "4711"});
  EXPECT_EQ(top.exit_code, 2);
  EXPECT_THAT(
      top.err,
      HasSubstr("4711 is a pid, not the address of an agent: watch it with `poolscope agent --target pid:4711`"));
}

TEST(TopOnce, FailsWhenNoAgentListens) {
  const Finished top = run_poolscope({"top", "127.0.0.1:" + std::to_string(closed_port()), "--once"});
  EXPECT_EQ(top.exit_code, 1);
  EXPECT_THAT(top.err, HasSubstr("Connection refused"));
}

class CheckConfig : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(CheckConfig, SaysOk) {
  directory_.write("a.yaml", "targets:\n  - match: {process_name: redis-server}\n");
  const Finished check = run_poolscope({"check-config", directory_.path("a.yaml")});
  EXPECT_EQ(check.exit_code, 0);
  EXPECT_EQ(check.out, directory_.path("a.yaml") + ": OK\n");
}

TEST_F(CheckConfig, ShowsAllErrorsWithTheirPlaces) {
  directory_.write("a.yaml", "budgett: {}\nweb:\n  listen_address: x\n");
  const Finished check = run_poolscope({"check-config", directory_.path("a.yaml")});
  EXPECT_EQ(check.exit_code, 2);
  EXPECT_THAT(check.out, IsEmpty());
  EXPECT_THAT(check.err,
              AllOf(HasSubstr(directory_.path("a.yaml") + ":1:1: budgett: unknown key"),
                    HasSubstr(directory_.path("a.yaml") + ":3:19: web.listen_address: "), HasSubstr("2 errors")));
}

TEST_F(CheckConfig, ReadsStdin) {
  EXPECT_EQ(run_poolscope({"check-config", "-"}, {.in = "web: {}\n"}).out, "stdin: OK\n");
  const Finished check = run_poolscope({"check-config", "-"}, {.in = "web: 1\n"});
  EXPECT_EQ(check.exit_code, 2);
  EXPECT_THAT(check.err, HasSubstr("stdin:1:6: web: must be a map of keys"));
}

TEST_F(CheckConfig, TellsWhyAFileCannotBeRead) {
  const Finished check = run_poolscope({"check-config", directory_.path("none.yaml")});
  EXPECT_EQ(check.exit_code, 2);
  EXPECT_THAT(check.err, HasSubstr("none.yaml: cannot be opened: No such file or directory"));
}

#ifdef POOLSCOPE_PROGRAM_WITHOUT_BPF
class WithoutBpf : public testing::TestWithParam<const char*> {};

TEST_P(WithoutBpf, MeasuringCommandsSayHowToGetThem) {
  const Finished finished = run_poolscope({GetParam(), "--for", "3s", "x"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_EQ(finished.err, "poolscope: " + std::string(GetParam()) +
                              ": this poolscope was built without eBPF; rebuild with -DPOOLSCOPE_BPF=ON\n");
}
INSTANTIATE_TEST_SUITE_P(Commands, WithoutBpf, testing::Values("run", "attach", "agent", "doctor"),
                         [](const auto& info) { return info.param; });
#endif

}  // namespace
}  // namespace poolscope::cli_test

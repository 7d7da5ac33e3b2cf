// `poolscope report` on recordings.

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/program.h"
#include "tests/unit/recording/make_recording.h"

namespace poolscope::cli_test {
namespace {

using recording::Recorder;
using recording::testing::moment_at;
using testing::HasSubstr;
using testing::IsEmpty;

// A minute of a target named cache, one stratum a second.
class ReportOfARecording : public testing::Test {
 protected:
  ReportOfARecording() {
    auto recorder = Recorder::create(file_);
    recording::testing::record_seconds(**recorder, 1, 60);
  }
  [[nodiscard]] Finished report(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"report", file_, "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_poolscope(arguments);
  }
  static double observed_seconds(const Finished& report) {
    EXPECT_EQ(report.exit_code, 0) << report.err;
    return nlohmann::json::parse(report.out)["targets"][0]["cost"]["observed_seconds"];
  }
  static std::string unix_seconds(std::uint64_t second) {
    return std::to_string(moment_at(second).time_unix_ns / recording::testing::kSecond);
  }

  TemporaryDirectory directory_;
  std::string file_ = directory_.path("night.poolscope");
};

TEST_F(ReportOfARecording, IsOfAllOfIt) {
  const Finished all = report();
  EXPECT_EQ(observed_seconds(all), 60);
  EXPECT_THAT(all.err, IsEmpty());
  const auto json = nlohmann::json::parse(all.out);
  EXPECT_EQ(json["targets"][0]["name"], "cache");
  EXPECT_EQ(json["time_unix_ns"], moment_at(60).time_unix_ns);
}

TEST_F(ReportOfARecording, IsForPeopleByDefault) {
  EXPECT_THAT(run_poolscope({"report", file_}).out, HasSubstr("cache"));
}

TEST_F(ReportOfARecording, TakesTimesBeforeItsEnd) {
  EXPECT_EQ(observed_seconds(report({"--from", "-20s"})), 20);
  EXPECT_EQ(observed_seconds(report({"--from=-20s", "--to", "-5s"})), 15);
}

TEST_F(ReportOfARecording, TakesSecondsSinceTheEpoch) {
  EXPECT_EQ(observed_seconds(report({"--from", unix_seconds(10), "--to", unix_seconds(40)})), 30);
  EXPECT_EQ(observed_seconds(report({"--to", unix_seconds(1'000)})), 60) << "a time after the end is the end";
}

TEST_F(ReportOfARecording, ThatWasCutIsOfWhatIsThereAndSaysSo) {
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  const Finished cut = report();
  EXPECT_LT(observed_seconds(cut), 60);
  EXPECT_GT(observed_seconds(cut), 5);
  EXPECT_THAT(cut.err, testing::StartsWith("poolscope: " + file_ + ": the last "));
}

struct BadRange {
  const char* name;
  std::vector<std::string> options;
  const char* error;  // a part of it
};
class BadRangeOfARecording : public ReportOfARecording, public testing::WithParamInterface<BadRange> {};

TEST_P(BadRangeOfARecording, FailsAndSaysWhatTheFileHolds) {
  const Finished bad = report(GetParam().options);
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.out, IsEmpty());
  EXPECT_THAT(bad.err, HasSubstr(file_ + " holds 1700000001 to 1700000060"));
  EXPECT_THAT(bad.err, HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(Table, BadRangeOfARecording,
                         testing::Values(BadRange{"Before", {"--to", "1600000000"}, "nothing of the range"},
                                         BadRange{"After", {"--from", "1800000000"}, "nothing of the range"},
                                         BadRange{
                                             "Backwards", {"--from=-10s", "--to=-20s"}, "--from must lie before --to"}),
                         [](const auto& info) { return info.param.name; });

// Two files, of seconds 1 to 30 and 31 to 60.
class ReportOfSeveralRecordings : public testing::Test {
 protected:
  ReportOfSeveralRecordings() {
    record(earlier_, 1, 30);
    record(later_, 31, 60);
  }
  static void record(const std::string& path, std::uint64_t first, std::uint64_t last) {
    std::filesystem::remove(path);  // or it would become path.1
    auto recorder = Recorder::create(path);
    recording::testing::record_seconds(**recorder, first, last);
  }
  static Finished report(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"report", "--json"});
    return run_poolscope(arguments);
  }
  static double observed_seconds(const Finished& report) {
    EXPECT_EQ(report.exit_code, 0) << report.err;
    return nlohmann::json::parse(report.out)["targets"][0]["cost"]["observed_seconds"];
  }

  TemporaryDirectory directory_;
  std::string earlier_ = directory_.path("night.poolscope.1"), later_ = directory_.path("night.poolscope");
};

TEST_F(ReportOfSeveralRecordings, IsOfAllOfThemInWhateverOrder) {
  EXPECT_EQ(observed_seconds(report({earlier_, later_})), 60);
  EXPECT_EQ(observed_seconds(report({later_, earlier_})), 60);
}

TEST_F(ReportOfSeveralRecordings, TakesAFolder) {
  directory_.write("notes.txt", "no recording");
  EXPECT_EQ(observed_seconds(report({directory_.path(".")})), 60);
}

TEST_F(ReportOfSeveralRecordings, TakesARangeThatIsPartlyInEach) {
  EXPECT_EQ(observed_seconds(report({earlier_, later_, "--from=-40s", "--to=-10s"})), 30);
}

TEST_F(ReportOfSeveralRecordings, RefusesThoseOfTheSameTime) {
  record(later_, 20, 60);
  const Finished bad = report({earlier_, later_});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr(earlier_ + " and " + later_ + " are of the same time"));
}

TEST_F(ReportOfSeveralRecordings, RefusesThoseOfTwoStartsOfTheMachine) {
  std::filesystem::remove(later_);
  auto recorder = Recorder::create(later_).value();
  model::Moment moment = moment_at(40);
  moment.at_ns = recording::testing::kSecond;
  recorder->take(moment);
  recorder->close();
  const Finished bad = report({earlier_, later_});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("the machine was started anew between " + earlier_ + " and " + later_));
}

TEST_F(ReportOfSeveralRecordings, RefusesAFolderWithoutAny) {
  const TemporaryDirectory empty;
  const Finished bad = report({empty.path(".")});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("there is no recording in "));
}

TEST_F(ReportOfARecording, ThatHoldsNothingYetSaysSo) {
  std::filesystem::resize_file(file_, recording::kFileHeaderBytes);
  const Finished empty = report();
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_THAT(empty.err, HasSubstr("holds nothing yet"));
}

TEST(ReportOfAReport, HasNoRange) {
  const TemporaryDirectory directory;
  directory.write("in.json", sample_report());
  const Finished report = run_poolscope({"report", directory.path("in.json"), "--from", "-20s"});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.err, HasSubstr("is a report of one moment; --from and --to are for recordings and agents"));
}

TEST(ReportOfARange, RefusesWhatIsNoTime) {
  const Finished report = run_poolscope({"report", "x", "--from", "monday"});
  EXPECT_EQ(report.exit_code, 2);
  EXPECT_THAT(report.err, HasSubstr("seconds since the epoch"));
}

}  // namespace
}  // namespace poolscope::cli_test

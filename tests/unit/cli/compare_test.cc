// `poolscope compare`: where its two sides come from and what it says to the shell.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/program.h"
#include "tests/unit/recording/make_recording.h"

namespace poolscope::cli_test {
namespace {

using recording::Recorder;
using testing::HasSubstr;
using testing::IsEmpty;

std::string runs_of(const std::string& name, double ns, int count = 6) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "Benchmark" + name + " 100 " + std::to_string(ns + i) + " ns/op\n";
  return text;
}

class Compare : public testing::Test {
 protected:
  Compare() {
    directory_.write("old.txt", runs_of("Encode-8", 1000));
    directory_.write("new.txt", runs_of("Encode-8", 500));
  }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_.path(name); }
  [[nodiscard]] Finished compare(std::vector<std::string> options = {}, const std::string& fresh = "new.txt") const {
    options.insert(options.begin(), {"compare", file("old.txt"), file(fresh)});
    return run_poolscope(options);
  }
  TemporaryDirectory directory_;
};

TEST_F(Compare, PrintsATable) {
  const Finished done = compare();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("BASE      " + file("old.txt") + "\nNEW       " + file("new.txt")));
  EXPECT_THAT(done.out, testing::ContainsRegex("Encode-8 .* -49.9 % .* better"));
  EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(Compare, PrintsJson) {
  const auto json = nlohmann::json::parse(compare({"--json"}).out);
  EXPECT_EQ(json["rows"][0]["finding"], "better");
  EXPECT_EQ(json["new"], file("new.txt"));
}

TEST_F(Compare, WritesAFileInTheFormatOfItsEnding) {
  EXPECT_EQ(compare({"-o", file("out.md")}).exit_code, 0);
  EXPECT_THAT(read_file(file("out.md")), HasSubstr("| `Encode-8` |"));
}

TEST_F(Compare, ReadsOneSideFromStdin) {
  const Finished done = run_poolscope({"compare", "-", file("new.txt"), "--json"}, {.in = runs_of("Encode-8", 500)});
  EXPECT_EQ(nlohmann::json::parse(done.out)["rows"][0]["finding"], "none");
  EXPECT_EQ(run_poolscope({"compare", "-", "-"}).exit_code, 2);
}

struct Goal {
  const char* name;
  const char* ratio;
  int exit_code;
  const char* status;
};
class CompareWithCriteria : public Compare, public testing::WithParamInterface<Goal> {};
TEST_P(CompareWithCriteria, FailsWhenOneIsMissed) {
  directory_.write("goals.yaml", std::string("criteria: [{metric: sec/op, target_ratio: ") + GetParam().ratio + "}]\n");
  const Finished done = compare({"--criteria", file("goals.yaml")}, GetParam().exit_code == 0 ? "new.txt" : "old.txt");
  EXPECT_EQ(done.exit_code, GetParam().exit_code);
  EXPECT_THAT(done.out, HasSubstr(std::string("CRITERIA  1 ") + GetParam().status));
}
INSTANTIATE_TEST_SUITE_P(Table, CompareWithCriteria,
                         testing::Values(Goal{"Met", "0.6", 0, "met"}, Goal{"Partial", "0.4", 0, "partial"},
                                         Goal{"Missed", "0.6", 1, "missed"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(Compare, RefusesWrongCriteriaBeforeItReadsAnything) {
  directory_.write("goals.yaml", "criteria:\n  - metrik: sec/op\n");
  const Finished done = run_poolscope({"compare", "/nonexistent", "/nonexistent", "--criteria", file("goals.yaml")});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("goals.yaml:2:5: criteria[0].metrik: unknown key; did you mean `metric`?"));
}

TEST_F(Compare, ComparesPairsWithinAFile) {
  directory_.write("old.txt", runs_of("Baseline/n=1", 1000) + runs_of("Pool/n=1", 10));
  const Finished done = compare({"--pair", "Baseline/n=1==Pool/n=1"}, "old.txt");
  EXPECT_THAT(done.out, HasSubstr("Baseline/n=1 → Pool/n=1")) << done.err;
}

class BadPair : public Compare, public testing::WithParamInterface<const char*> {};
TEST_P(BadPair, IsAUsageError) {
  const Finished done = compare({"--pair", GetParam()});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("must be BASE_NAME=NEW_NAME"));
}
INSTANTIATE_TEST_SUITE_P(Table, BadPair, testing::Values("Encode", "=x", "x=", "a/n=1=b/n=1", "==x", "x=="));

struct BadInput {
  const char* name;
  std::string text;
  const char* error;
};
class CompareWithBadInput : public Compare, public testing::WithParamInterface<BadInput> {};
TEST_P(CompareWithBadInput, NamesFileAndCause) {
  directory_.write("bad", GetParam().text);
  const Finished done = compare({}, "bad");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, testing::StartsWith("poolscope: compare: " + file("bad")));
  EXPECT_THAT(done.err, HasSubstr(GetParam().error));
  EXPECT_THAT(done.out, IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Table, CompareWithBadInput,
                         testing::Values(BadInput{"Empty", "", "holds no result"},
                                         BadInput{"Line", "\nBenchmarkX 1 y ns/op\n", ":2: `y` is no number"},
                                         BadInput{"CutJson", " {\n\"benchmarks\": [", "parse error at line 2"},
                                         BadInput{"OtherJson", "{\"a\": 1}", "is no poolscope report"},
                                         BadInput{"Binary", std::string("\0\xff\x80", 3), "holds no result"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(Compare, ComparesReports) {
  auto report = nlohmann::json::parse(sample_report());
  report["targets"][0]["allocations"]["per_second"] = {{"value", 100}, {"low", 98}, {"high", 102}};
  directory_.write("old.txt", report.dump());
  report["targets"][0]["allocations"]["per_second"] = {{"value", 80}, {"low", 78}, {"high", 82}};
  directory_.write("new.txt", report.dump());
  const Finished done = compare();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("compare   reports"));
  EXPECT_THAT(done.out, testing::ContainsRegex("redis-server .* -20 % .* better"));
}

TEST_F(Compare, RefusesAReportBesideABenchmark) {
  directory_.write("new.txt", sample_report());
  const Finished done = compare();
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("like is compared with like"));
}

// A stratum a second, in which the target used half a processor.
class CompareRecordings : public testing::Test {
 protected:
  CompareRecordings() {
    auto recorder = Recorder::create(file_);
    recording::testing::record_seconds(**recorder, 1, 64);
  }
  TemporaryDirectory directory_;
  std::string file_ = directory_.path("night.poolscope");
};

TEST_F(CompareRecordings, MakesASampleOfEveryPieceOfTime) {
  const Finished done = run_poolscope({"compare", file_, file_, "--sample", "10s", "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto row = nlohmann::json::parse(done.out)["rows"][0];
  EXPECT_EQ(row["metric"], "cpu_seconds_per_second");
  EXPECT_EQ(row["base"]["samples"], 6);
  EXPECT_DOUBLE_EQ(row["base"]["value"], 0.5);
}

TEST_F(CompareRecordings, TakesAMinuteUnlessToldOtherwise) {
  const auto json = nlohmann::json::parse(run_poolscope({"compare", file_, file_, "--json"}).out);
  EXPECT_EQ(json["rows"][0]["base"]["samples"], 1);
}

TEST_F(CompareRecordings, NeedOneWholeSample) {
  const Finished done = run_poolscope({"compare", file_, file_, "--sample", "2m"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(
      done.err,
      HasSubstr("is shorter than one sample (2 min); record for longer, or ask for shorter samples with --sample"));
}

// The same minute and a bit, rotated after 30 s.
class CompareRotatedRecordings : public testing::Test {
 protected:
  CompareRotatedRecordings() {
    record(earlier_, 1, 30);
    record(later_, 31, 64);
    std::filesystem::create_directory(folder_);
    record(folder_ + "/whole.poolscope", 1, 64);
  }
  static void record(const std::string& path, std::uint64_t first, std::uint64_t last) {
    auto recorder = recording::Recorder::create(path);
    recording::testing::record_seconds(**recorder, first, last);
  }
  static nlohmann::json row_of(const Finished& done) {
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return nlohmann::json::parse(done.out)["rows"][0];
  }

  TemporaryDirectory directory_;
  std::string earlier_ = directory_.path("night.poolscope.1"), later_ = directory_.path("night.poolscope"),
              folder_ = directory_.path("folder");
};

TEST_F(CompareRotatedRecordings, TakesTheFilesOfOneSideWithCommasInWhateverOrder) {
  const auto row =
      row_of(run_poolscope({"compare", earlier_ + "," + later_, later_ + "," + earlier_, "--sample", "10s", "--json"}));
  EXPECT_EQ(row["base"]["samples"], 6) << "one of them reaches over both files";
  EXPECT_EQ(row["new"]["samples"], 6);
  EXPECT_DOUBLE_EQ(row["base"]["value"], 0.5);
}

TEST_F(CompareRotatedRecordings, TakesAFolderOfThem) {
  const auto row = row_of(run_poolscope({"compare", folder_, earlier_ + "," + later_, "--sample", "10s", "--json"}));
  EXPECT_EQ(row["base"]["samples"], 6);
}

TEST_F(CompareRotatedRecordings, TakesANameWithACommaAsItIs) {
  const std::string file = directory_.path("a,b.poolscope");
  record(file, 1, 64);
  EXPECT_EQ(row_of(run_poolscope({"compare", file, file, "--sample", "10s", "--json"}))["base"]["samples"], 6);
}

TEST_F(CompareRotatedRecordings, RefusesFilesOfTheSameTime) {
  const Finished done = run_poolscope({"compare", earlier_ + "," + folder_ + "/whole.poolscope", later_});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("are of the same time"));
}

TEST_F(CompareRotatedRecordings, NamesWhatItCannotRead) {
  const Finished done = run_poolscope({"compare", earlier_ + ",/nonexistent", later_});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr(earlier_ + ",/nonexistent"));
}

TEST_F(CompareRotatedRecordings, SaysWhenAFolderHoldsNone) {
  std::filesystem::remove(folder_ + "/whole.poolscope");
  const Finished done = run_poolscope({"compare", folder_, later_});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("there is no recording in " + folder_));
}

}  // namespace
}  // namespace poolscope::cli_test

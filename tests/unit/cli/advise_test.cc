// `poolscope advise`: what it reads and where its answer goes. What it says is tested in tests/unit/advice.

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "tests/unit/cli/program.h"
#include "tests/unit/recording/make_recording.h"

namespace poolscope::cli_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A report whose only target has one advice on each of two pools.
class Advise : public testing::Test {
 protected:
  Advise() {
    model::Snapshot snapshot;
    model::TargetSnapshot target;
    target.name = "shop";
    for (const char* pool : {"frames", "orders"}) {
      model::Advice advice;
      advice.subject = pool;
      advice.kind = "max_idle_buffers";
      advice.verdict = model::Verdict::kChange;
      advice.unit = "buffers";
      advice.current = 4;
      advice.recommended = 24;
      advice.why = "too few are kept.";
      advice.alternatives = {"fewer threads"};
      target.advice.push_back(advice);
    }
    snapshot.targets = {target};
    directory_.write("report.json", model::to_json(snapshot));
  }
  [[nodiscard]] Finished advise(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"advise", directory_.path("report.json")});
    return run_poolscope(options);
  }
  [[nodiscard]] std::string written(const std::string& name) const { return read_file(directory_.path(name)); }

  TemporaryDirectory directory_;
};

TEST_F(Advise, GoesToStdout) {
  EXPECT_THAT(advise().out, AllOf(HasSubstr("frames   max_idle_buffers 4 buffers"), HasSubstr("orders")));
}

struct AdviceFile {
  const char* name;
  const char* file;
  std::vector<std::string> options;
  const char* begins_with;
};
class AdviceInAFile : public Advise, public testing::WithParamInterface<AdviceFile> {};

TEST_P(AdviceInAFile, IsInTheFormatOfItsEndingOrOfTheOption) {
  std::vector<std::string> options = {"-o", directory_.path(GetParam().file)};
  options.insert(options.end(), GetParam().options.begin(), GetParam().options.end());
  const Finished done = advise(options);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, IsEmpty());
  EXPECT_THAT(written(GetParam().file), StartsWith(GetParam().begins_with));
}
INSTANTIATE_TEST_SUITE_P(Table, AdviceInAFile,
                         testing::Values(AdviceFile{"Markdown", "advice.md", {}, "# Advice"},
                                         AdviceFile{"Json", "advice.json", {}, "["},
                                         AdviceFile{"Text", "advice.txt", {}, "shop\n"},
                                         AdviceFile{"Option", "advice", {"--markdown"}, "# Advice"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(Advise, InMarkdownTellsAllOfIt) {
  EXPECT_THAT(
      advise({"--markdown"}).out,
      AllOf(HasSubstr("## shop"), HasSubstr(R"(**max\_idle\_buffers 4 buffers → 24 buffers**: too few are kept.)"),
            HasSubstr("  - instead: fewer threads")));
}

TEST_F(Advise, OfOnePoolIsInTheFileAlone) {
  EXPECT_EQ(advise({"--pool", "orders", "-o", directory_.path("advice.md")}).exit_code, 0);
  EXPECT_THAT(written("advice.md"), AllOf(HasSubstr("orders"), Not(HasSubstr("frames"))));
}

TEST_F(Advise, RefusesAFileWhoseEndingNamesNoFormat) {
  const Finished done = advise({"-o", directory_.path("advice.pdf")});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(directory_.path("advice.pdf")));
}

// Two files, of seconds 1 to 30 and 31 to 60.
class AdviseOfSeveralRecordings : public testing::Test {
 protected:
  AdviseOfSeveralRecordings() {
    for (const auto& [path, first, last] :
         {std::tuple<const std::string&, int, int>{earlier_, 1, 30}, {later_, 31, 60}}) {
      auto recorder = recording::Recorder::create(path);
      recording::testing::record_seconds(**recorder, static_cast<std::uint64_t>(first),
                                         static_cast<std::uint64_t>(last));
    }
  }
  TemporaryDirectory directory_;
  std::string earlier_ = directory_.path("night.poolscope.1"), later_ = directory_.path("night.poolscope");
};

TEST_F(AdviseOfSeveralRecordings, ReadsThemAsOne) {
  const Finished done = run_poolscope({"advise", earlier_, later_, "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["target"], "cache");
}

TEST_F(AdviseOfSeveralRecordings, RefusesTwoOfTheSameTime) {
  const Finished done = run_poolscope({"advise", earlier_, earlier_});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("are of the same time"));
}

}  // namespace
}  // namespace poolscope::cli_test

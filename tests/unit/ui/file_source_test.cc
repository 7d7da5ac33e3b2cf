// Recordings and reports as sources.
#include "ui/source/file_source.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/model/json.h"
#include "tests/unit/recording/make_recording.h"
#include "tests/unit/ui/make_source.h"
#include "tests/unit/ui/make_state.h"
#include "tests/unit/ui/temporary_folder.h"

namespace poolscope::viewer {
namespace {

using recording::testing::kBootUnixNs;
using recording::testing::kSecond;
using testing::HasSubstr;
using viewer_test::Bell;
using viewer_test::take_until;

class FileSourceTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void record(const std::string& name, std::uint64_t first, std::uint64_t last) const {
    auto recorder = recording::Recorder::create(path(name));
    recording::testing::record_seconds(**recorder, first, last);
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  void open(const std::string& name) {
    state_.begin(path(name), false);
    source_.emplace(SourceOptions{path(name), ""}, [this] { bell_.ring(); });
  }
  bool until(const std::function<bool()>& is_right) { return take_until(*source_, bell_, state_, is_right); }
  bool until_read() {
    return until([this] { return state_.connection().state == ConnectionState::kRead; });
  }
  [[nodiscard]] double observed_seconds() const { return state_.shown()->targets.at(0).cost.observed_seconds; }

  Bell bell_;
  ViewerState state_;
  std::optional<FileSource> source_;
  viewer_test::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(FileSourceTest, ShowsAllOfARecordingAtFirst) {
  record("night.poolscope", 1, 60);
  open("night.poolscope");
  ASSERT_TRUE(until_read());
  EXPECT_EQ(observed_seconds(), 60);
  EXPECT_EQ(state_.time().shown().to_ns, kBootUnixNs + 60 * kSecond);
}

TEST_F(FileSourceTest, HasATimeLine) {
  record("night.poolscope", 1, 60);
  open("night.poolscope");
  ASSERT_TRUE(until_read());
  EXPECT_GE(state_.history().steps().size(), 25u) << "one every two seconds";
  EXPECT_EQ(state_.history().steps().back().snapshot->targets.at(0).cost.observed_seconds, 25);
}

TEST_F(FileSourceTest, EstimatesTheRangeThatIsAskedFor) {
  record("night.poolscope", 1, 60);
  open("night.poolscope");
  ASSERT_TRUE(until_read());
  state_.move_time([](TimeAxis& time) { time.show(kBootUnixNs + 20 * kSecond, kBootUnixNs + 40 * kSecond); });
  ASSERT_TRUE(until([this] { return state_.shown_note().starts_with("estimated from"); }));
  EXPECT_EQ(observed_seconds(), 20);
}

TEST_F(FileSourceTest, ReadsAFolderAsOne) {
  record("a.poolscope", 1, 30);
  record("b.poolscope", 31, 60);
  open("");
  ASSERT_TRUE(until_read());
  EXPECT_EQ(observed_seconds(), 60);
}

TEST_F(FileSourceTest, SaysWhatIsMissingOfACutRecording) {
  record("night.poolscope", 1, 60);
  std::filesystem::resize_file(path("night.poolscope"), std::filesystem::file_size(path("night.poolscope")) / 2);
  open("night.poolscope");
  ASSERT_TRUE(until_read());
  EXPECT_THAT(state_.connection().remark, HasSubstr("night.poolscope: the last "));
}

TEST_F(FileSourceTest, ShowsAReport) {
  write("today.json", model::to_json(viewer_test::small_snapshot(42)));
  open("today.json");
  ASSERT_TRUE(until_read());
  EXPECT_EQ(state_.shown()->targets[0].name, "shop");
}

struct BadFile {
  const char* name;
  const char* file;
  const char* problem;
};
class BadFiles : public FileSourceTest, public testing::WithParamInterface<BadFile> {};

TEST_P(BadFiles, AreTold) {
  write("garbage", "what is this");
  std::filesystem::create_directory(path("empty"));
  open(GetParam().file);
  ASSERT_TRUE(until([this] { return state_.connection().state == ConnectionState::kLost; }));
  EXPECT_THAT(state_.connection().problem, HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(Table, BadFiles,
                         testing::Values(BadFile{"Missing", "nowhere", "cannot be opened"},
                                         BadFile{"Garbage", "garbage", "is neither a recording nor a report"},
                                         BadFile{"EmptyFolder", "empty", "there is no recording in"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(FileSourceTest, CannotChangeAPool) {
  write("today.json", model::to_json(viewer_test::small_snapshot(42)));
  open("today.json");
  ASSERT_TRUE(until_read());
  source_->resize_pool("frames", 3);
  ASSERT_TRUE(until([this] { return state_.last_change().has_value(); }));
  EXPECT_FALSE(state_.last_change()->is_done);
}

TEST_F(FileSourceTest, EndsInTheMiddleOfReading) {
  record("night.poolscope", 1, 2000);
  const auto begin = std::chrono::steady_clock::now();
  open("night.poolscope");
  source_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace poolscope::viewer

// A recorder on agents that do not behave; one that does is recorded in tests/integration/test_viewer.py.
#include "ui/source/recorder.h"

#include <chrono>
#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/recording/chunk.h"
#include "tests/unit/cli/http_server.h"
#include "tests/unit/ui/make_source.h"
#include "tests/unit/ui/temporary_folder.h"

namespace poolscope::viewer {
namespace {

using cli_test::http_answer;
using cli_test::HttpServer;
using testing::HasSubstr;
using viewer_test::Bell;

class RecorderTest : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return folder_.path() / "a.poolscope"; }
  // Its status when it is over.
  RecordStatus until_over(const std::string& address, const std::string& file) {
    Recorder recorder(address, file, [this] { bell_.ring(); });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!recorder.status().is_over && std::chrono::steady_clock::now() < end)
      bell_.wait(std::chrono::milliseconds(100));
    return recorder.status();
  }
  viewer_test::TemporaryFolder folder_;
  Bell bell_;
};

TEST_F(RecorderTest, SaysThatNobodyAnswers) {
  const RecordStatus status = until_over("127.0.0.1:1", file());
  EXPECT_TRUE(status.is_over);
  EXPECT_THAT(status.problem, HasSubstr("Connection refused"));
  EXPECT_EQ(status.length_ns, 0u);
}

TEST_F(RecorderTest, SaysThatTheAnswerIsNoRecording) {
  const HttpServer server(http_answer("200 OK", "<html>no</html>"));
  EXPECT_THAT(until_over(server.url(), file()).problem, HasSubstr("no recording"));
}

TEST_F(RecorderTest, SaysThatTheFileCannotBeWritten) {
  EXPECT_THAT(until_over("127.0.0.1:1", "/nowhere/a.poolscope").problem, HasSubstr("/nowhere/a.poolscope"));
}

TEST_F(RecorderTest, StopsAlthoughTheAgentHasMeasuredNothing) {
  const HttpServer server(http_answer("200 OK", recording::file_header()));
  Recorder recorder(server.url(), file(), [this] { bell_.ring(); });
  recorder.stop();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!recorder.status().is_over && std::chrono::steady_clock::now() < end)
    bell_.wait(std::chrono::milliseconds(100));
  EXPECT_TRUE(recorder.status().is_over);
  EXPECT_EQ(recorder.status().problem, "");
  EXPECT_EQ(recorder.status().length_ns, 0u);
}

TEST_F(RecorderTest, EndsAtOnceAlthoughNobodyAnswers) {
  const HttpServer server("");
  auto recorder = std::make_unique<Recorder>(server.url(), file(), nullptr);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server.requests() == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  ASSERT_EQ(server.requests(), 1u) << "a transfer is under way";
  const auto begin = std::chrono::steady_clock::now();
  recorder.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "a transfer may take thirty";
}

}  // namespace
}  // namespace poolscope::viewer

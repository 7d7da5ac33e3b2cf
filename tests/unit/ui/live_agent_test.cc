// An agent over HTTP, played by a server with one answer.
#include "ui/source/live_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/model/json.h"
#include "tests/unit/cli/http_server.h"
#include "tests/unit/ui/make_source.h"
#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using cli_test::http_answer;
using cli_test::HttpServer;
using testing::HasSubstr;
using viewer_test::Bell;
using viewer_test::small_snapshot;
using viewer_test::take_until;

constexpr std::chrono::milliseconds kQuick(20);

struct Watched {
  explicit Watched(const std::string& address, std::string token = "")
      : agent(
            {address, std::move(token)}, [this] { bell.ring(); }, kQuick) {
    state.begin(address, true);
  }
  bool until(const std::function<bool()>& is_right) { return take_until(agent, bell, state, is_right); }
  bool until_state(ConnectionState wanted) {
    return until([&] { return state.connection().state == wanted; });
  }
  Bell bell;
  ViewerState state;
  LiveAgent agent;
};

TEST(LiveAgent, BringsTheSnapshotOfTheAgent) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Watched watched(server.url());
  ASSERT_TRUE(watched.until([&] { return watched.state.shown() != nullptr; }));
  EXPECT_EQ(watched.state.connection().state, ConnectionState::kLive);
  EXPECT_EQ(watched.state.shown()->targets[0].name, "shop");
  EXPECT_FALSE(watched.state.history().steps().empty());
}

TEST(LiveAgent, FillsTheFiveMinutesBeforeItCame) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Watched watched(server.url());
  EXPECT_TRUE(watched.until([&] { return watched.state.history().steps().size() >= 28; }));
  EXPECT_GE(watched.state.history().whole()->length_ns(), 270 * viewer_test::kSecond);
}

TEST(LiveAgent, AnswersForARange) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Watched watched(server.url());
  ASSERT_TRUE(watched.until([&] { return watched.state.history().steps().size() >= 28; }));
  watched.state.move_time([](TimeAxis& time) { time.pan(-0.2); });
  EXPECT_TRUE(watched.until([&] { return watched.state.shown_note().starts_with("estimated from"); }))
      << watched.state.shown_note();
}

TEST(LiveAgent, AsksNothingMoreUntilItIsTaken) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Bell bell;
  LiveAgent agent(
      {server.url(), ""}, [&] { bell.ring(); }, kQuick);
  bell.wait(std::chrono::seconds(10));
  // An agent that goes on asking is never seen at rest.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  unsigned asked = 0;
  do {
    asked = server.requests();
    std::this_thread::sleep_for(20 * kQuick);
  } while (server.requests() != asked && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(server.requests(), asked);
}

struct Trouble {
  const char* name;
  const char* answer;
  const char* problem;  // a part of what is told
};
class LiveAgentTrouble : public testing::TestWithParam<Trouble> {};

TEST_P(LiveAgentTrouble, IsToldPlainly) {
  const HttpServer server(GetParam().answer);
  Watched watched(server.url());
  ASSERT_TRUE(watched.until_state(ConnectionState::kLost));
  EXPECT_THAT(watched.state.connection().problem, HasSubstr(GetParam().problem));
  EXPECT_EQ(watched.state.shown(), nullptr);
}
INSTANTIATE_TEST_SUITE_P(
    Table, LiveAgentTrouble,
    testing::Values(
        Trouble{"Garbage", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\xff\xfe{{",
                "is no agent that this viewer understands"},
        Trouble{"OtherVersion",
                "HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{\"schema_version\": 99}",
                "schema_version"},
        Trouble{"HalfClosed", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{\"schema",
                "bytes remaining"},
        Trouble{"TooLarge", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n{",
                "remaining"},
        Trouble{"NoHttp", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP"},
        Trouble{"NotReady",
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot ready",
                "HTTP 503 (not ready)"}),
    [](const auto& info) { return info.param.name; });

TEST(LiveAgent, SaysThatNobodyListens) {
  std::string address;
  {
    const HttpServer server(http_answer("200 OK", "{}"));
    address = server.url();
  }
  Watched watched(address);
  ASSERT_TRUE(watched.until_state(ConnectionState::kLost));
  EXPECT_THAT(watched.state.connection().problem, HasSubstr("Connection refused; is `poolscope agent` running there?"));
}

TEST(LiveAgent, EndsWhileAServerDoesNotAnswer) {
  const HttpServer server("");
  const auto begin = std::chrono::steady_clock::now();
  {
    Bell bell;
    LiveAgent agent(
        {server.url(), ""}, [&] { bell.ring(); }, kQuick);
    while (server.requests() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(LiveAgent, ChangesNoPoolWithoutAToken) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Watched watched(server.url());
  watched.agent.resize_pool("frames", 128);
  ASSERT_TRUE(watched.until([&] { return watched.state.last_change().has_value(); }));
  EXPECT_FALSE(watched.state.last_change()->is_done);
  EXPECT_THAT(watched.state.last_change()->text, HasSubstr("--token-file"));
}

TEST(LiveAgent, TellsThatAPoolWasChanged) {
  const HttpServer server(http_answer("200 OK", model::to_json(small_snapshot(42))));
  Watched watched(server.url(), "0123456789abcdef");
  watched.agent.resize_pool("frames", 128);
  ASSERT_TRUE(watched.until([&] { return watched.state.last_change().has_value(); }));
  EXPECT_TRUE(watched.state.last_change()->is_done);
  EXPECT_EQ(watched.state.last_change()->text, "frames: limit 128 buffers: done");
}

TEST(IsAgentAddress, TellsAgentsFromFiles) {
  EXPECT_TRUE(is_agent_address("http://127.0.0.1:9777"));
  EXPECT_TRUE(is_agent_address("127.0.0.1:9777"));
  EXPECT_TRUE(is_agent_address("host:80"));
  EXPECT_FALSE(is_agent_address("night.poolscope"));
  EXPECT_FALSE(is_agent_address("/tmp/a:1"));
  EXPECT_FALSE(is_agent_address("host:"));
  EXPECT_FALSE(is_agent_address("/"));
}

}  // namespace
}  // namespace poolscope::viewer

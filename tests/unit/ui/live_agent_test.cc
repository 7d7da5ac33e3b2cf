// An agent over HTTP, played by a server with one answer.
#include "ui/source/live_agent.h"

#include <atomic>
#include <mutex>
#include <string>

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

// An agent that answers as one does that was not asked for an hour.
class AgentWithHistory {
 public:
  std::string answer(const std::string& page) {
    const std::lock_guard lock(mutex_);
    if (page.starts_with("/api/v1/history")) return http_answer("200 OK", history(page));
    // Of a time that it has no records of it says so.
    if (page.find("from=") != std::string::npos) return http_answer("404 Not Found", "{}");
    return http_answer("200 OK", model::to_json(at_minute(minutes_)));
  }
  void let_pass(std::uint64_t minutes) {
    const std::lock_guard lock(mutex_);
    minutes_ += minutes;
  }
  [[nodiscard]] static model::Snapshot at_minute(std::uint64_t minute) {
    model::Snapshot snapshot =
        small_snapshot(static_cast<double>(100 + minute), viewer_test::kStart + minute * 60 * viewer_test::kSecond);
    snapshot.agent.sequence = 1 + minute;
    snapshot.targets[0].cost.observed_seconds = 60;
    return snapshot;
  }

 private:
  // "?after=N&limit=N": a snapshot of every minute behind `after`.
  [[nodiscard]] std::string history(const std::string& page) const {
    const auto number = [&](const std::string& name) {
      return std::stoull(page.substr(page.find(name) + name.size()));
    };
    const std::uint64_t after = number("after="), limit = number("limit=");
    std::string snapshots;
    for (std::uint64_t minute = after; minute <= minutes_ && minute < after + limit; ++minute)
      snapshots += (snapshots.empty() ? "" : ",") + model::to_json(at_minute(minute));
    return "{\"snapshots\": [" + snapshots + "]}";
  }

  std::mutex mutex_;
  std::uint64_t minutes_ = 0;
};

TEST(LiveAgent, FillsAnHourThatItMissedFromTheHistoryOfTheAgent) {
  AgentWithHistory played;
  const HttpServer server([&](const std::string& page) { return played.answer(page); });
  Watched watched(server.url());
  const auto& steps = watched.state.history().steps();
  ASSERT_TRUE(watched.until([&] { return steps.size() == 1; }));
  played.let_pass(60);
  // All minutes but the last five, of which the agent has records, and the newest.
  EXPECT_TRUE(watched.until([&] { return steps.size() >= 57; })) << steps.size();
  const auto minute = [](const Step& step) {
    return (step.snapshot->time_unix_ns - viewer_test::kStart) / (60 * viewer_test::kSecond);
  };
  for (std::size_t i = 1; i < steps.size(); ++i) EXPECT_LT(minute(steps[i - 1]), minute(steps[i]));
  for (const Step& step : steps) {
    EXPECT_EQ(step.snapshot->targets[0].allocations.per_second->value, static_cast<double>(100 + minute(step)));
    EXPECT_TRUE(minute(step) < 56 || minute(step) == 60) << minute(step);
  }
}

TEST(LiveAgent, LeavesAHoleWhereAnotherAgentBegan) {
  AgentWithHistory played;
  std::atomic<bool> is_another = false;
  const HttpServer server([&](const std::string& page) {
    std::string answer = played.answer(page);
    const std::size_t boot_id = answer.find("\"boot\"");
    if (is_another && boot_id != std::string::npos) answer.replace(boot_id, 6, "\"BOOT\"");
    return answer;
  });
  Watched watched(server.url());
  const auto& steps = watched.state.history().steps();
  ASSERT_TRUE(watched.until([&] { return steps.size() == 1; }));
  is_another = true;
  played.let_pass(60);
  ASSERT_TRUE(watched.until([&] { return steps.size() == 2; }));
  played.let_pass(1);
  EXPECT_TRUE(watched.until([&] { return steps.size() == 3; })) << steps.size();
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

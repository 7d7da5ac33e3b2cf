// Many clients, stuck clients, and the end of the server among them.

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/api/server.h"
#include "exporters/model/json.h"
#include "tests/unit/api/fake_source.h"
#include "tests/unit/api/http_client.h"

namespace poolscope::api {
namespace {

using testing::FakeSource;
using testing::fetch;
using testing::IdleConnection;
using testing::redis_snapshot;
using testing::Reply;

constexpr int kWorkers = 4;

class ServerLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    source_.publish(redis_snapshot(1));
    auto server = Server::start("127.0.0.1:0", source_);
    ASSERT_TRUE(server) << describe(server.error());
    server_ = std::move(server).value();
  }
  int port() const { return std::stoi(server_->url().substr(server_->url().rfind(':') + 1)); }

  FakeSource source_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerLoad, AnswersBesideStuckClientsWhileOneWorkerIsFree) {
  std::vector<IdleConnection> stuck;
  stuck.reserve(kWorkers);
  for (int i = 0; i < kWorkers - 1; ++i) stuck.emplace_back(port(), "GET /metrics HT");
  const Reply reply = fetch(server_->url() + "/metrics");
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_LT(reply.seconds, 2.0);
}

TEST_F(ServerLoad, AnswersWithinThePrometheusTimeoutAlthoughEveryWorkerWasTaken) {
  std::vector<IdleConnection> idle;
  idle.reserve(kWorkers + 2);
  for (int i = 0; i < kWorkers + 2; ++i) idle.emplace_back(port());
  const Reply reply = fetch(server_->url() + "/metrics");
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_LT(reply.seconds, 10.0) << "the default scrape timeout of Prometheus";
}

TEST_F(ServerLoad, AnswersTwoHundredScrapesAtOnce) {
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> clients;
    clients.reserve(200);
    for (int i = 0; i < 200; ++i) {
      clients.emplace_back([&] {
        const Reply reply = fetch(server_->url() + "/metrics", {"GET", {"Accept-Encoding: gzip"}, ""});
        good += reply.status == 200 && reply.header("content-encoding") == "gzip";
      });
    }
  }
  EXPECT_EQ(good, 200);
}

TEST_F(ServerLoad, StopsWhileRequestsAreUnderWayAndLeavesNoClientWaiting) {
  std::atomic<int> answered = 0;
  std::atomic<bool> stop = false;
  const std::string url = server_->url() + "/api/v1/history";
  std::vector<std::jthread> clients;
  clients.reserve(8);
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      while (!stop) answered += fetch(url).status == 200;
    });
  }
  while (answered < 50) std::this_thread::yield();
  const IdleConnection idle(port());
  const auto started = std::chrono::steady_clock::now();
  server_.reset();
  stop = true;
  clients.clear();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

TEST_F(ServerLoad, ServesEveryClientTheSnapshotThatIsPublishedMeanwhile) {
  std::atomic<bool> stop = false;
  std::jthread publisher([&] {
    for (std::uint64_t i = 2; !stop && i < 5000; ++i) source_.publish(redis_snapshot(i));
  });
  std::atomic<int> torn = 0;
  {
    std::vector<std::jthread> clients;
    clients.reserve(8);
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int j = 0; j < 20; ++j) {
          torn += !model::snapshot_from_json(fetch(server_->url() + "/api/v1/snapshot").body);
        }
      });
    }
  }
  stop = true;
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace poolscope::api

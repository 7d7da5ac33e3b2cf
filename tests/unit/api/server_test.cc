#include "agent/api/server.h"

#include <cerrno>
#include <cstdio>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/model/json.h"
#include "tests/unit/api/fake_source.h"
#include "tests/unit/api/gunzip.h"
#include "tests/unit/api/http_client.h"

namespace poolscope::api {
namespace {

using ::testing::AllOf;
using testing::Call;
using testing::exchange_raw;
using testing::FakeSource;
using testing::fetch;
using testing::gunzip;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::redis_snapshot;
using testing::Reply;
using ::testing::StartsWith;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::start("127.0.0.1:0", source_);
    ASSERT_TRUE(server) << describe(server.error());
    server_ = std::move(server).value();
  }
  Reply get(const std::string& path, const Call& call = {}) { return fetch(server_->url() + path, call); }
  int port() const { return std::stoi(server_->url().substr(server_->url().rfind(':') + 1)); }

  FakeSource source_;
  std::unique_ptr<Server> server_;
};

struct PathCase {
  const char* name;
  const char* path;
  const char* content_type;
};
class EveryPath : public ServerTest, public ::testing::WithParamInterface<PathCase> {};

TEST_P(EveryPath, IsServedWithItsTypeAndTheSecurityHeaders) {
  source_.publish(redis_snapshot(1));
  const Reply reply = get(GetParam().path);
  EXPECT_EQ(reply.status, 200) << reply.error << reply.body;
  EXPECT_EQ(reply.header("content-type"), GetParam().content_type);
  EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(reply.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  EXPECT_EQ(reply.header("cache-control"), "no-store");
  EXPECT_EQ(reply.header("content-length"), std::to_string(reply.body.size()));
  EXPECT_EQ(reply.header("access-control-allow-origin"), "");
}

TEST_P(EveryPath, AnswersHeadWithoutABody) {
  source_.publish(redis_snapshot(1));
  const Reply reply = get(GetParam().path, {"HEAD", {}, ""});
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_EQ(reply.header("content-type"), GetParam().content_type);
  EXPECT_GT(std::stoul("0" + reply.header("content-length")), 0u);
  EXPECT_EQ(reply.body, "");
}

TEST_P(EveryPath, IsForbiddenToAReboundName) {
  EXPECT_EQ(get(GetParam().path, {"GET", {"Host: evil.example:9777"}, ""}).status, 403);
}

TEST_P(EveryPath, IsForbiddenToAnotherSite) {
  EXPECT_EQ(get(GetParam().path, {"GET", {"Origin: http://evil.example"}, ""}).status, 403);
}

TEST_P(EveryPath, MatchesExactly) {
  const std::string path = GetParam().path;
  EXPECT_EQ(get(path + "/foo").status, 404);
  EXPECT_EQ(get("/x/.." + path).status, 404);
}

TEST_P(EveryPath, RefusesOtherMethods) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"}) {
    const Reply reply = get(GetParam().path, {method, {}, ""});
    EXPECT_EQ(reply.status, 405) << method << reply.error;
    EXPECT_EQ(reply.header("allow"), "GET, HEAD") << method;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryPath,
                         ::testing::Values(PathCase{"Landing", "/", "text/html; charset=utf-8"},
                                           PathCase{"Metrics", "/metrics", "text/plain; version=0.0.4; charset=utf-8"},
                                           PathCase{"Healthy", "/-/healthy", "text/plain; charset=utf-8"},
                                           PathCase{"Ready", "/-/ready", "text/plain; charset=utf-8"},
                                           PathCase{"Snapshot", "/api/v1/snapshot", "application/json"},
                                           PathCase{"History", "/api/v1/history", "application/json"}),
                         [](const auto& c) { return c.param.name; });

TEST_F(ServerTest, TellsThePortItReallyHas) {
  EXPECT_THAT(server_->url(), StartsWith("http://127.0.0.1:"));
  EXPECT_GT(port(), 0);
}

TEST_F(ServerTest, SaysThatThePortIsInUse) {
  const std::string address = "127.0.0.1:" + std::to_string(port());
  const auto second = Server::start(address, source_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sys_errno, EADDRINUSE);
  EXPECT_THAT(describe(second.error()), HasSubstr(address + " is in use"));
}

TEST_F(ServerTest, FreesItsPortWhenItStops) {
  const std::string address = "127.0.0.1:" + std::to_string(port());
  ASSERT_EQ(get("/-/healthy").status, 200);
  server_.reset();
  const auto again = Server::start(address, source_);
  EXPECT_TRUE(again) << describe(again.error());
}

TEST_F(ServerTest, ServesUnderTheNameItListensOn) {
  const auto named = Server::start("localhost:0", source_);
  ASSERT_TRUE(named) << describe(named.error());
  EXPECT_THAT((*named)->url(), StartsWith("http://localhost:"));
  EXPECT_EQ(fetch((*named)->url() + "/-/healthy").status, 200);
}

TEST(Server, RefusesTlsBeforeItListens) {
  const FakeSource source;
  const auto server = Server::start("127.0.0.1:0s", source);
  ASSERT_FALSE(server);
  EXPECT_THAT(describe(server.error()), HasSubstr("asks for TLS"));
}

TEST_F(ServerTest, SaysUnavailableBeforeTheFirstSnapshot) {
  EXPECT_EQ(get("/api/v1/snapshot").status, 503);
  EXPECT_EQ(get("/-/ready").status, 503);
  EXPECT_EQ(get("/metrics").status, 200);
  EXPECT_EQ(get("/").status, 200);
}

TEST_F(ServerTest, HandsOutTheSnapshotCompressed) {
  source_.publish(redis_snapshot(3));
  const Reply reply = get("/api/v1/snapshot", {"GET", {"Accept-Encoding: gzip"}, ""});
  EXPECT_EQ(reply.header("content-encoding"), "gzip");
  const auto snapshot = model::snapshot_from_json(gunzip(reply.body));
  ASSERT_TRUE(snapshot) << describe(snapshot.error());
  EXPECT_EQ(*snapshot, redis_snapshot(3));
}

TEST_F(ServerTest, ReadsTheQueryOfHistory) {
  for (std::uint64_t i = 1; i <= 3; ++i) source_.publish(redis_snapshot(i));
  EXPECT_THAT(get("/api/v1/history?after=2&limit=5").body, HasSubstr("\"last_sequence\":3"));
  const Reply bad = get("/api/v1/history?after=two");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("parameter after"));
}

TEST_F(ServerTest, PreflightGetsNoPermission) {
  const std::string own = "Origin: " + server_->url();
  for (const std::string& origin : {own, std::string("Origin: http://evil.example")}) {
    const Reply reply =
        get("/api/v1/snapshot",
            {"OPTIONS", {origin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x"}, ""});
    EXPECT_EQ(reply.status, origin == own ? 405 : 403);
    for (const auto& [name, value] : reply.headers) EXPECT_THAT(name, Not(StartsWith("access-control"))) << value;
  }
}

TEST_F(ServerTest, IgnoresABodyAndClosesTheConnection) {
  const Reply reply = get("/metrics", {"POST", {}, std::string(100000, 'x')});
  EXPECT_EQ(reply.status, 405) << reply.error;
  EXPECT_EQ(reply.header("connection"), "close");
}

TEST_F(ServerTest, RefusesTwoHostHeaders) {
  EXPECT_THAT(exchange_raw(port(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, AnswersOldClientsWithoutHost) {
  EXPECT_THAT(exchange_raw(port(), "GET /-/healthy HTTP/1.0\r\n\r\n"), AllOf(HasSubstr(" 200 OK"), HasSubstr("ok\n")));
}

class BrokenRequest : public ServerTest, public ::testing::WithParamInterface<const char*> {};
TEST_P(BrokenRequest, IsRefusedAndTheServerGoesOn) {
  EXPECT_THAT(exchange_raw(port(), GetParam()), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(get("/-/healthy").status, 200);
}
INSTANTIATE_TEST_SUITE_P(
    Table, BrokenRequest,
    ::testing::Values("\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/9.9\r\n\r\n",
                      "GET http://evil.example/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",

                      "GET /metrics%2ffoo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
                      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                      "GET /metrics HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n"));

TEST_F(ServerTest, RefusesALongHeader) {
  const Reply reply = get("/metrics", {"GET", {"X-Long: " + std::string(40000, 'x')}, ""});
  EXPECT_NE(reply.status, 200);
  EXPECT_EQ(get("/-/healthy").status, 200);
}

TEST_F(ServerTest, KeepsAConnectionForSixteenRequestsOnly) {
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  const std::string answers = exchange_raw(port(), requests);
  std::size_t count = 0;
  for (std::size_t at = answers.find("HTTP/1.1 200"); at != answers.npos; at = answers.find("HTTP/1.1 200", at + 1))
    ++count;
  EXPECT_EQ(count, 16u);
}

// What `promtool check metrics` says to `text`, and whether it accepts it.
std::pair<int, std::string> promtool_check(const std::string& text) {
  char path[] = "/tmp/poolscope-metrics-XXXXXX";
  const int fd = ::mkstemp(path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  std::string said;
  FILE* promtool = ::popen((std::string("promtool check metrics 2>&1 < ") + path).c_str(), "r");
  for (int c = 0; (c = std::fgetc(promtool)) != EOF;) said += static_cast<char>(c);
  const int status = ::pclose(promtool);
  ::unlink(path);
  return {written && WIFEXITED(status) ? WEXITSTATUS(status) : -1, said};
}

TEST_F(ServerTest, GivesMetricsThatPrometheusAccepts) {
  if (promtool_check("").first == 127) FAIL() << "promtool is not installed (package prometheus)";
  model::Snapshot snapshot = redis_snapshot(1);
  snapshot.targets[0].name = "quote\" back\\slash\nnewline";
  source_.publish(snapshot);
  const std::string text = get("/metrics").body;
  const auto [status, said] = promtool_check(text);
  EXPECT_EQ(status, 0) << said << text;
  EXPECT_NE(promtool_check(text + "not a metric").first, 0) << "promtool accepts anything";
}

}  // namespace
}  // namespace poolscope::api

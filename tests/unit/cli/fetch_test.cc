// HTTP GET: addresses, limits, and errors that say what to do.

#include "agent/client/fetch.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/http_server.h"
#include "tests/unit/cli/program.h"

namespace poolscope::cli {
namespace {

using namespace client;

using cli_test::http_answer;
using cli_test::HttpServer;
using testing::HasSubstr;

struct AddressCase {
  const char* name;
  const char* address;
  const char* url;
};
class SnapshotUrl : public testing::TestWithParam<AddressCase> {};

TEST_P(SnapshotUrl, IsTheOneBehindTheAddress) {
  EXPECT_EQ(snapshot_url(GetParam().address), GetParam().url);
}
INSTANTIATE_TEST_SUITE_P(
    Table, SnapshotUrl,
    testing::Values(AddressCase{"NoScheme", "127.0.0.1:9777", "http://127.0.0.1:9777/api/v1/snapshot"},
                    AddressCase{"NoPath", "http://host:9777", "http://host:9777/api/v1/snapshot"},
                    AddressCase{"Root", "http://host:9777/", "http://host:9777/api/v1/snapshot"},
                    AddressCase{"Prefix", "https://proxy/poolscope/", "https://proxy/poolscope/api/v1/snapshot"},
                    AddressCase{"WholePath", "http://host/api/v1/snapshot", "http://host/api/v1/snapshot"},
                    AddressCase{"OtherFile", "https://host/today.json", "https://host/today.json"}),
    [](const auto& info) { return info.param.name; });

TEST(FetchUrl, GivesTheBody) {
  const HttpServer server(http_answer("200 OK", "hello"));
  const auto body = fetch_url(server.url(), nullptr);
  ASSERT_TRUE(body.has_value()) << body.error();
  EXPECT_EQ(*body, "hello");
}

TEST(FetchUrl, TakesABodyOfExactlyTheLimit) {
  const HttpServer server(http_answer("200 OK", std::string(1 << 20, 'x')));
  EXPECT_TRUE(fetch_url(server.url(), nullptr, {.max_bytes = 1 << 20}).has_value());
}

TEST(FetchUrl, RefusesALargerBody) {
  const HttpServer server(http_answer("200 OK", std::string((1 << 20) + 1, 'x')));
  const auto body = fetch_url(server.url(), nullptr, {.max_bytes = 1 << 20});
  ASSERT_FALSE(body.has_value());
  EXPECT_THAT(body.error(), HasSubstr(server.url() + ": the answer is larger than 1 MiB"));
}

TEST(FetchUrl, GivesUpOnAServerThatNeverAnswers) {
  const HttpServer server("");
  FetchLimits limits;
  limits.total_timeout = std::chrono::milliseconds(50);
  const auto body = fetch_url(server.url(), nullptr, limits);
  ASSERT_FALSE(body.has_value());
  EXPECT_THAT(body.error(), HasSubstr("timed out"));
}

TEST(FetchUrl, TellsTheStatusAndWhatTheServerSaid) {
  const HttpServer server(http_answer("503 Service Unavailable", "no measurement \x1b[2Jyet\nmore\n"));
  const auto body = fetch_url(server.url(), nullptr);
  ASSERT_FALSE(body.has_value());
  EXPECT_THAT(body.error(), HasSubstr("the server answered HTTP 503 (no measurement \uFFFD[2Jyet)"));
}

TEST(FetchUrl, DoesNotFollowARedirect) {
  const HttpServer other(http_answer("200 OK", "other"));
  const HttpServer server("HTTP/1.1 302 Found\r\nLocation: " + other.url() + "\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(fetch_url(server.url(), nullptr).has_value());
  EXPECT_EQ(other.requests(), 0u);
}

TEST(FetchUrl, AsksWhetherTheAgentRunsWhenNobodyListens) {
  const std::string url = "http://127.0.0.1:" + std::to_string(cli_test::closed_port());
  const auto body = fetch_url(url, nullptr);
  ASSERT_FALSE(body.has_value());
  EXPECT_EQ(body.error(), "cannot fetch " + url + ": Connection refused; is `poolscope agent` running there?");
}

TEST(FetchUrl, RefusesOtherProtocols) {
  const auto body = fetch_url("file:///etc/hostname", nullptr);
  ASSERT_FALSE(body.has_value());
  EXPECT_THAT(body.error(), HasSubstr("file"));
}

TEST(FetchUrl, UsesNoProxyForLoopback) {
  ::setenv("http_proxy", ("http://127.0.0.1:" + std::to_string(cli_test::closed_port())).c_str(), 1);
  const HttpServer server(http_answer("200 OK", "direct"));
  const auto body = fetch_url(server.url(), nullptr);
  ::unsetenv("http_proxy");
  EXPECT_TRUE(body.has_value());
}

}  // namespace
}  // namespace poolscope::cli

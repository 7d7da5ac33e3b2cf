#include "agent/api/request_guard.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

RequestGuard guard() {
  return RequestGuard({"Node-1.example", ""}, {"/", "/metrics"});
}

Request get(const std::string& path) {
  return {"GET", path, "", "1.1", {"127.0.0.1:9777"}, {}, ""};
}

Request with_host(const std::string& host) {
  Request request = get("/metrics");
  request.hosts = {host};
  return request;
}

int status_of(const Request& request) {
  const auto refusal = guard().refuse(request);
  return refusal ? refusal->status : 200;
}

TEST(RequestGuard, LetsAPlainGetThrough) {
  EXPECT_EQ(status_of(get("/metrics")), 200);
}

TEST(RequestGuard, LetsHeadThrough) {
  Request request = get("/metrics");
  request.method = "HEAD";
  EXPECT_EQ(status_of(request), 200);
}

class OwnHost : public ::testing::TestWithParam<const char*> {};
TEST_P(OwnHost, IsAnswered) {
  EXPECT_EQ(status_of(with_host(GetParam())), 200);
}
INSTANTIATE_TEST_SUITE_P(Table, OwnHost,
                         ::testing::Values("127.0.0.1", "127.0.0.1:9777", "10.1.2.3:80", "localhost", "LocalHost:9777",
                                           "localhost.", "[::1]:9777", "[::1]", "node-1.example:9777",
                                           "NODE-1.EXAMPLE"));

class ForeignHost : public ::testing::TestWithParam<const char*> {};
TEST_P(ForeignHost, IsForbidden) {
  EXPECT_EQ(status_of(with_host(GetParam())), 403);
}
INSTANTIATE_TEST_SUITE_P(Table, ForeignHost,
                         ::testing::Values("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9777", "",
                                           "evil@127.0.0.1", "127.0.0.1:9777:80", "127.0.0.1:x", "::1", "[::1",
                                           "[evil]:80", "0x7f000001", "127.1", "node-1.example.evil.example", ".",
                                           ":9777"));

TEST(RequestGuard, NamesTheForeignHostAndTheWayOut) {
  const auto refusal = guard().refuse(with_host("evil.example"));
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->detail, AllOf(HasSubstr("\"evil.example\""), HasSubstr("--web.listen-address")));
}

TEST(RequestGuard, RefusesTwoHosts) {
  Request request = get("/metrics");
  request.hosts = {"127.0.0.1", "127.0.0.1"};
  EXPECT_EQ(status_of(request), 400);
}

TEST(RequestGuard, WantsAHostFromHttp11On) {
  Request request = get("/metrics");
  request.hosts.clear();
  EXPECT_EQ(status_of(request), 400);
  request.http_version = "1.0";
  EXPECT_EQ(status_of(request), 200);
}

struct OriginCase {
  const char* name;
  const char* origin;
  int status;
};
class Origin : public ::testing::TestWithParam<OriginCase> {};
TEST_P(Origin, IsOursOrForbidden) {
  Request request = get("/metrics");
  request.origin = GetParam().origin;
  EXPECT_EQ(status_of(request), GetParam().status);
}
INSTANTIATE_TEST_SUITE_P(Table, Origin,
                         ::testing::Values(OriginCase{"Ours", "http://127.0.0.1:9777", 200},
                                           OriginCase{"OtherPort", "http://127.0.0.1:9778", 403},
                                           OriginCase{"OtherScheme", "https://127.0.0.1:9777", 403},
                                           OriginCase{"OtherSite", "http://evil.example", 403},
                                           OriginCase{"Sandboxed", "null", 403}, OriginCase{"Empty", "", 403}),
                         [](const auto& c) { return c.param.name; });

class OtherPath : public ::testing::TestWithParam<const char*> {};
TEST_P(OtherPath, IsNotFound) {
  EXPECT_EQ(status_of(get(GetParam())), 404);
}
INSTANTIATE_TEST_SUITE_P(Table, OtherPath,
                         ::testing::Values("/metrics/", "/metrics/foo", "/Metrics", "//metrics", "/a/../metrics",
                                           "/favicon.ico", "", "*", "http://127.0.0.1/metrics"));

TEST(RequestGuard, NamesThePagesThereAre) {
  const auto refusal = guard().refuse(get("/nothing"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->detail, "no page \"/nothing\"; there are: / /metrics");
}

class OtherMethod : public ::testing::TestWithParam<const char*> {};
TEST_P(OtherMethod, IsNotAllowed) {
  Request request = get("/metrics");
  request.method = GetParam();
  EXPECT_EQ(status_of(request), 405);
}
INSTANTIATE_TEST_SUITE_P(Table, OtherMethod,
                         ::testing::Values("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get",
                                           ""));

TEST(RequestGuard, LooksAtTheHostBeforeItTellsWhatThereIs) {
  Request request = with_host("evil.example");
  request.path = "/nothing";
  EXPECT_EQ(status_of(request), 403);
}

TEST(QuoteForeign, CutsAndCleansForeignText) {
  EXPECT_EQ(quote_foreign("a\r\nb\"c\x80"), "\"a??b?c?\"");
  const std::string cut = quote_foreign(std::string(1000, 'x'));
  EXPECT_LT(cut.size(), 100u);
  EXPECT_THAT(cut, HasSubstr("..."));
  EXPECT_THAT(quote_foreign(std::string(80, 'x')), Not(HasSubstr("...")));
}

}  // namespace
}  // namespace poolscope::api

#include "agent/api/pool_admin.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/api/pages.h"
#include "tests/unit/api/fake_source.h"
#include "tests/unit/api/http_client.h"

namespace poolscope::api {
namespace {

using ::testing::Contains;
using testing::FakeSource;
using testing::fetch;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr const char* kToken = "0123456789abcdef";
constexpr const char* kTwelve = R"({"limit_buffers": 12})";

// Knows one pool, "rx frames" of at most 16 buffers, and what was asked of it.
class PoolAdminTest : public ::testing::Test {
 protected:
  PoolAdmin admin() {
    return {kToken, [this](const std::string& name, std::uint32_t buffers) { return resize(name, buffers); }};
  }
  Result<ResizedPool, PoolAdminError> resize(const std::string& name, std::uint32_t buffers) {
    asked_.emplace_back(name, buffers);
    if (name != "rx frames") return Failure{PoolAdminError{404, "the host has no pool of this name"}};
    if (buffers > 16) return Failure{PoolAdminError{400, "at most 16 buffers"}};
    return ResizedPool{buffers, 16, 3, 9, 4};
  }
  static Request post(const std::string& name, const std::string& body, const std::string& authorization) {
    Request request{"POST", kPoolsPath + name, "", "1.1", {"127.0.0.1"}, {}, ""};
    request.body = body;
    request.authorization = authorization;
    return request;
  }
  Response answer(const std::string& name, const std::string& body,
                  const std::string& authorization = std::string("Bearer ") + kToken) {
    return Pages(source_, {}, admin()).answer(post(name, body, authorization));
  }

  FakeSource source_;
  std::vector<std::pair<std::string, std::uint32_t>> asked_;
};

TEST_F(PoolAdminTest, ResizesForWhoHasTheToken) {
  const Response response = answer("rx%20frames", kTwelve);
  EXPECT_EQ(response.status, 200) << response.body;
  const nlohmann::json expected = {{"name", "rx frames"}, {"limit_buffers", 12}, {"max_buffers", 16},
                                   {"borrowed", 3},       {"idle", 9},           {"retired", 4}};
  EXPECT_EQ(nlohmann::json::parse(response.body), expected);
  EXPECT_THAT(asked_, ::testing::ElementsAre(Pair("rx frames", 12u)));
}

TEST_F(PoolAdminTest, IsSwitchedOffByDefault) {
  const Response response = Pages(source_, {}).answer(post("rx%20frames", kTwelve, std::string("Bearer ") + kToken));
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("--web.enable-admin-api"));
}

TEST_F(PoolAdminTest, RefusesOtherTokens) {
  for (const char* authorization : {"", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
                                    "Bearer 0123456789abcdef0", "Bearer 0123456789abcdef0123456789abcdef",
                                    "0123456789abcdef", "bearer 0123456789abcdef", "Basic MDEyMzQ1Njc4OWFiY2RlZg=="}) {
    const Response response = answer("rx%20frames", kTwelve, authorization);
    EXPECT_EQ(response.status, 401) << authorization;
    EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
  }
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(PoolAdminTest, RefusesATokenOfNothing) {
  Pages pages(source_, {}, PoolAdmin{"", admin().resize});
  EXPECT_EQ(pages.answer(post("rx%20frames", kTwelve, "Bearer ")).status, 401);
}

TEST_F(PoolAdminTest, SaysWhatTheHostSays) {
  EXPECT_EQ(answer("frames", kTwelve).status, 404);
  const Response too_many = answer("rx%20frames", R"({"limit_buffers": 17})");
  EXPECT_EQ(too_many.status, 400);
  EXPECT_EQ(nlohmann::json::parse(too_many.body)["error"], "at most 16 buffers");
}

TEST_F(PoolAdminTest, WantsAPool) {
  for (const char* name : {"", "%", "%2", "%zz", "%00"}) EXPECT_EQ(answer(name, kTwelve).status, 404) << name;
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(PoolAdminTest, WantsOneLimitAndNothingElse) {
  for (const char* body : {"", "12", "[]", "{}", R"({"limit_buffers": -1})", R"({"limit_buffers": 1.5})",
                           R"({"limit_buffers": "12"})", R"({"limit_buffers": 4294967296})", R"({"limit": 12})",
                           R"({"limit_buffers": 12, "buffer_bytes": 1})", R"({"limit_buffers": 12)"}) {
    const Response response = answer("rx%20frames", body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr("limit_buffers")) << body;
  }
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(PoolAdminTest, TakesNoOtherMethod) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    Request request = post("rx%20frames", kTwelve, std::string("Bearer ") + kToken);
    request.method = method;
    const Response response = Pages(source_, {}, admin()).answer(request);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.headers, Contains(Pair("Allow", "POST")));
  }
}

TEST_F(PoolAdminTest, IsForbiddenToAnotherSiteThatHasTheToken) {
  Request request = post("rx%20frames", kTwelve, std::string("Bearer ") + kToken);
  request.origin = "http://evil.example";
  EXPECT_EQ(Pages(source_, {}, admin()).answer(request).status, 403);
}

// ---- over a socket --------------------------------------------------------------------------------------------------

TEST_F(PoolAdminTest, ReadsTheBodyOfARequest) {
  const auto server = Server::start("127.0.0.1:0", source_, admin());
  ASSERT_TRUE(server) << describe(server.error());
  const std::string url = (*server)->url() + kPoolsPath + "rx%20frames";
  const std::vector<std::string> headers = {std::string("Authorization: Bearer ") + kToken};
  const auto done = fetch(url, {"POST", headers, kTwelve});
  EXPECT_EQ(done.status, 200) << done.error << done.body;
  EXPECT_EQ(fetch(url, {"POST", {}, kTwelve}).status, 401);
  EXPECT_EQ(fetch(url, {"POST", headers, std::string(kMaxBodyBytes, ' ') + kTwelve}).status, 400);
  EXPECT_EQ(asked_.size(), 1u);
}

}  // namespace
}  // namespace poolscope::api

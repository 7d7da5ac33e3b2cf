#include "agent/api/pages.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "tests/unit/api/fake_source.h"
#include "tests/unit/api/gunzip.h"

namespace poolscope::api {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using testing::FakeSource;
using testing::gunzip;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using testing::redis_snapshot;

class PagesTest : public ::testing::Test {
 protected:
  Response get(const std::string& path, const std::string& query = "", const std::string& accept_encoding = "") {
    return pages_.answer({"GET", path, query, "1.1", {"127.0.0.1"}, {}, accept_encoding});
  }
  nlohmann::json history(const std::string& query) { return nlohmann::json::parse(get("/api/v1/history", query).body); }

  FakeSource source_;
  Pages pages_{source_, {}};
};

TEST_F(PagesTest, RecordsAreThoseAfterATime) {
  const Response response = get("/api/v1/records", "after=1700000000.5", "gzip");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/zstd");
  EXPECT_EQ(response.content_encoding, "") << "it is compressed already";
  EXPECT_THAT(response.body, HasSubstr("records after 1700000000500000000"));
  EXPECT_EQ(get("/api/v1/records", "after=soon").status, 400);
}

TEST_F(PagesTest, HealthyAnswersBeforeAnythingWasMeasured) {
  const Response response = get("/-/healthy");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok\n");
}

TEST_F(PagesTest, ReadyNamesTheTargetsItWaitsFor) {
  const Response response = get("/-/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("waiting until every configured target was looked for"));
}

TEST_F(PagesTest, ReadyNamesTheMeasurementItWaitsFor) {
  source_.set_ready(true);
  const Response response = get("/-/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("waiting for the first measurement"));
}

TEST_F(PagesTest, ReadyTurnsTo200WithTheFirstSnapshot) {
  source_.publish(redis_snapshot(1));
  EXPECT_EQ(get("/-/ready").status, 200);
}

TEST_F(PagesTest, MetricsAreThereBeforeTheFirstSnapshot) {
  const Response response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, AllOf(HasSubstr("poolscope_build_info{"), HasSubstr("poolscope_scrape_duration_seconds "),
                                   Not(HasSubstr("target="))));
}

TEST_F(PagesTest, MetricsNameTheTargetsOfTheSnapshot) {
  source_.publish(redis_snapshot(1));
  EXPECT_THAT(get("/metrics").body, HasSubstr("target=\"redis-server\""));
}

TEST_F(PagesTest, MetricsAreCompressedWhenAskedFor) {
  source_.publish(redis_snapshot(1));
  const Response response = get("/metrics", "", "gzip");
  EXPECT_EQ(response.content_encoding, "gzip");
  EXPECT_THAT(response.headers, Contains(Pair("Vary", "Accept-Encoding")));
  EXPECT_THAT(gunzip(response.body), HasSubstr("poolscope_build_info{"));
}

TEST_F(PagesTest, SnapshotIsUnavailableBeforeTheFirstWithTheReason) {
  const Response response = get("/api/v1/snapshot");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_THAT(nlohmann::json::parse(response.body).at("error"), HasSubstr("no snapshot yet: waiting"));
}

TEST_F(PagesTest, SnapshotIsTheLatestAsTheCodecWritesIt) {
  source_.publish(redis_snapshot(1));
  source_.publish(redis_snapshot(2));
  const Response response = get("/api/v1/snapshot");
  EXPECT_EQ(response.content_type, "application/json");
  const auto snapshot = model::snapshot_from_json(response.body);
  ASSERT_TRUE(snapshot) << describe(snapshot.error());
  EXPECT_EQ(*snapshot, redis_snapshot(2));
}

TEST_F(PagesTest, SnapshotIsTheSameCompressed) {
  source_.publish(redis_snapshot(1));
  const Response plain = get("/api/v1/snapshot");
  const Response packed = get("/api/v1/snapshot", "", "gzip");
  EXPECT_EQ(packed.content_encoding, "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size());
  EXPECT_EQ(gunzip(packed.body), plain.body);
}

TEST_F(PagesTest, HistoryIsEmptyBeforeTheFirstSnapshot) {
  EXPECT_EQ(history(""), nlohmann::json::parse(R"({"snapshots": [], "last_sequence": 0})"));
}

TEST_F(PagesTest, HistoryGivesWhatIsNewerOldestFirst) {
  for (std::uint64_t i = 1; i <= 5; ++i) source_.publish(redis_snapshot(i));
  const nlohmann::json page = history("after=3");
  ASSERT_EQ(page.at("snapshots").size(), 2u);
  EXPECT_EQ(page["snapshots"][0]["agent"]["sequence"], 4);
  EXPECT_EQ(page["snapshots"][1]["agent"]["sequence"], 5);
  EXPECT_EQ(page["last_sequence"], 5);
}

TEST_F(PagesTest, HistoryCutAtTheLimitContinuesWhereItEnded) {
  for (std::uint64_t i = 1; i <= 5; ++i) source_.publish(redis_snapshot(i));
  const nlohmann::json page = history("after=0&limit=2");
  EXPECT_EQ(page["snapshots"].size(), 2u);
  EXPECT_EQ(page["last_sequence"], 2);
}

TEST_F(PagesTest, HistoryLeadsAClientOfAnEarlierAgentBack) {
  source_.publish(redis_snapshot(3));
  EXPECT_EQ(history("after=500"), nlohmann::json::parse(R"({"snapshots": [], "last_sequence": 3})"));
}

TEST_F(PagesTest, HistoryNeverGivesMoreThanAHundred) {
  for (std::uint64_t i = 1; i <= 120; ++i) source_.publish(redis_snapshot(i));
  EXPECT_EQ(history("")["snapshots"].size(), 100u);
}

class BadHistory : public PagesTest, public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};
TEST_P(BadHistory, NamesTheParameter) {
  const Response response = get("/api/v1/history", GetParam().first);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(nlohmann::json::parse(response.body).at("error"), HasSubstr(GetParam().second));
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadHistory,
    ::testing::Values(std::pair("after=x", "parameter after"), std::pair("after=-1", "parameter after"),
                      std::pair("limit=0", "parameter limit"), std::pair("limit=101", "parameter limit"),
                      std::pair("after=1&limit=", "parameter limit"), std::pair("after=1&after=2", "parameter after")));

TEST_F(PagesTest, ErrorsOutsideTheApiArePlainText) {
  const Response response = get("/nothing");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("/api/v1/history"));
}

TEST_F(PagesTest, ErrorsOfTheApiAreJson) {
  const Response response = get("/api/v1/nothing");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_THAT(nlohmann::json::parse(response.body).at("error"), HasSubstr("no page \"/api/v1/nothing\""));
}

TEST_F(PagesTest, OtherMethodsLearnWhatIsAllowed) {
  const Response response = pages_.answer({"POST", "/metrics", "", "1.1", {"127.0.0.1"}, {}, ""});
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, Contains(Pair("Allow", "GET, HEAD")));
}

TEST_F(PagesTest, LandingPageSaysWhatIsWaitedFor) {
  const Response response = get("/");
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("Not ready: waiting until every configured target was looked for"));
}

TEST(SnapshotText, IsMadeOncePerSnapshot) {
  SnapshotText text;
  const model::Snapshot first = redis_snapshot(1);
  EXPECT_EQ(text.json(first), text.json(first));
  EXPECT_EQ(text.gzipped_json(first), text.gzipped_json(first));
}

TEST(SnapshotText, IsMadeAnewForTheNextSnapshotAndForAnotherRun) {
  SnapshotText text;
  const auto first = text.json(redis_snapshot(1));
  EXPECT_NE(*text.json(redis_snapshot(2)), *first);
  model::Snapshot other_run = redis_snapshot(2);
  other_run.agent.boot_id = "another";
  EXPECT_THAT(*text.json(other_run), HasSubstr("another"));
  EXPECT_THAT(gunzip(*text.gzipped_json(other_run)), HasSubstr("another"));
}

TEST_F(PagesTest, SnapshotOfARangeAsksForThatRange) {
  source_.publish(redis_snapshot(1));
  source_.set_snapshot_of_ranges(redis_snapshot(77));
  const Response response = get("/api/v1/snapshot", "from=1700000000.5&to=1700000060");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(nlohmann::json::parse(response.body)["agent"]["sequence"], 77);
  ASSERT_TRUE(source_.asked_range());
  EXPECT_EQ(source_.asked_range()->from_ns, 1'700'000'000'500'000'000u);
  EXPECT_EQ(source_.asked_range()->to_ns, 1'700'000'060'000'000'000u);
}

TEST_F(PagesTest, SnapshotOfARangeTakesTimesBeforeNow) {
  source_.set_snapshot_of_ranges(redis_snapshot(77));
  EXPECT_EQ(get("/api/v1/snapshot", "from=-2m&to=-60s").status, 200);
  EXPECT_EQ(source_.asked_range()->to_ns - source_.asked_range()->from_ns, 60'000'000'000u);
}

TEST_F(PagesTest, SnapshotOfARangeWithoutAnEndReachesUntilNow) {
  source_.set_snapshot_of_ranges(redis_snapshot(77));
  EXPECT_EQ(get("/api/v1/snapshot", "from=0").status, 200);
  EXPECT_EQ(source_.asked_range()->from_ns, 0u);
  EXPECT_EQ(source_.asked_range()->to_ns, ~std::uint64_t{0});
}

TEST_F(PagesTest, RangeOfWhichNothingIsKnownIsNotFound) {
  source_.publish(redis_snapshot(1));
  const Response response = get("/api/v1/snapshot", "to=1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(nlohmann::json::parse(response.body)["error"], "nothing is known of that time");
}

struct BadRange {
  const char* name;
  const char* query;
  const char* error;  // a part of it
};
class BadRanges : public PagesTest, public ::testing::WithParamInterface<BadRange> {};

TEST_P(BadRanges, AreRefusedWithTheParameter) {
  source_.publish(redis_snapshot(1));
  const Response response = get("/api/v1/snapshot", GetParam().query);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(std::string(nlohmann::json::parse(response.body)["error"]), HasSubstr(GetParam().error));
  EXPECT_FALSE(source_.asked_range());
}
INSTANTIATE_TEST_SUITE_P(Table, BadRanges,
                         ::testing::Values(BadRange{"NoTime", "from=yesterday", "parameter from is \"yesterday\""},
                                           BadRange{"Empty", "to=", "parameter to is \"\""},
                                           BadRange{"NoUnit", "from=-60", "-90s"},
                                           BadRange{"Twice", "from=1&from=2", "given more than once"},
                                           BadRange{"Backwards", "from=-1s&to=-2s", "from must lie before"},
                                           BadRange{"Huge", "from=99999999999999999999", "parameter from"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace poolscope::api

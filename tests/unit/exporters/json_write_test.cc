#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using nlohmann::json;
using poolscope::model::Estimate;
using poolscope::model::LifetimeSummary;
using poolscope::model::SizeSummary;
using poolscope::model::Snapshot;
using poolscope::model::snapshot_from_json;
using poolscope::model::TargetSnapshot;
using poolscope::model::to_json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

json written(const Snapshot& snapshot) {
  return json::parse(to_json(snapshot));
}

json written(const TargetSnapshot& target) {
  Snapshot snapshot;
  snapshot.targets = {target};
  return written(snapshot)["targets"][0];
}

TEST(JsonWrite, StartsWithTheSchemaVersion) {
  EXPECT_EQ(to_json(Snapshot{}).find(R"({"schema_version":1,)"), 0u);
}

TEST(JsonWrite, IsOneLineUnlessIndented) {
  EXPECT_EQ(to_json(poolscope::test::full_snapshot()).find('\n'), std::string::npos);
  EXPECT_NE(to_json(Snapshot{}, 2).find("\n  \"schema_version\": 1"), std::string::npos);
}

TEST(JsonWrite, HasNoMemberForWhatWasNotMeasured) {
  TargetSnapshot target;
  target.name = "idle";
  EXPECT_EQ(written(target), json::parse(R"({"name": "idle", "processes": [], "collectors": [], "exact": false,
    "cost": {"probe_hits": 0, "charged_cpu_seconds": 0.0, "observed_seconds": 0.0,
             "window_seconds": 0.0, "clamped_windows": 0}})"));
}

TEST(JsonWrite, GivesAnEstimateWithoutIntervalAsItsValueAlone) {
  TargetSnapshot target;
  target.allocations.per_second = Estimate{688.5, {}, {}};
  target.allocations.churn_ratio = Estimate{0.5, 0.25, 0.75};
  EXPECT_EQ(
      written(target)["allocations"],
      json::parse(R"({"per_second": {"value": 688.5}, "churn_ratio": {"value": 0.5, "low": 0.25, "high": 0.75}})"));
}

TEST(JsonWrite, WritesAgesAsTheyAreSaid) {
  TargetSnapshot target;
  auto& lifetime = target.allocations.lifetime.emplace();
  lifetime.below = {{0.001, Estimate{0.25, {}, {}}}, {0.01, Estimate{0.5, {}, {}}}};
  lifetime.identified_below_seconds = 0.05;
  EXPECT_EQ(written(target)["allocations"]["lifetime_seconds"],
            json::parse(R"({"below": {"0.001": {"value": 0.25}, "0.01": {"value": 0.5}}, "identified_below": 0.05})"));
}

TEST(JsonWrite, NeverWritesANumberThatIsNotFinite) {
  Snapshot snapshot;
  snapshot.agent.budget_cpu_ratio = kNan;
  snapshot.agent.cpu_seconds = kInfinity;
  auto& target = snapshot.targets.emplace_back();
  target.cpu_seconds_per_second = kNan;
  target.allocations.per_second = Estimate{kNan, 1.0, 2.0};
  target.allocations.bytes_per_second = Estimate{5, kNan, kInfinity};
  target.allocations.size_bytes = SizeSummary{1, 2, 3, {{64, kNan}, {128, 1.0}}};
  target.allocations.lifetime =
      LifetimeSummary{kNan, -kInfinity, {{kNan, Estimate{1, {}, {}}}}, 0.05, {{kInfinity, 1.0}}};
  target.cost.charged_cpu_ratio = kNan;
  target.call_sites.emplace_back().share_ratio = kNan;

  const std::string text = to_json(snapshot);
  EXPECT_EQ(text.find("null"), std::string::npos) << text;
  EXPECT_TRUE(snapshot_from_json(text));
  const json allocations = json::parse(text)["targets"][0]["allocations"];
  EXPECT_FALSE(allocations.contains("per_second"));
  EXPECT_EQ(allocations["bytes_per_second"], json::parse(R"({"value": 5.0})"));
  EXPECT_EQ(allocations["size_bytes"]["buckets"], json::parse("[[128, 1.0]]"));
}

TEST(JsonWrite, LeavesOutALifetimeOfUnknownReach) {
  TargetSnapshot target;
  target.allocations.lifetime = LifetimeSummary{0.1, 0.2, {}, kNan, {}};
  EXPECT_FALSE(written(target).contains("allocations"));
}

TEST(JsonWrite, HasNoCountsForAPoolThatNoBurstSaw) {
  TargetSnapshot target;
  auto& pool = target.pools.emplace_back();
  pool.name = "main.buffers";
  pool.kind = "go_sync_pool";
  EXPECT_EQ(written(target)["pools"], json::parse(R"([{"name": "main.buffers", "kind": "go_sync_pool"}])"));
  pool.counted.watched_misses = 0;
  EXPECT_EQ(written(target)["pools"][0]["counted"], json::parse(R"({"watched_misses": 0})"));
}

TEST(JsonWrite, KeepsTheZerosOfAPoolThatWasWatchedInBursts) {
  TargetSnapshot target;
  auto& pool = target.pools.emplace_back();
  pool.gets_per_second = Estimate{0, {}, {}};
  pool.counted.gets = pool.counted.puts = pool.counted.misses = pool.counted.regrowths = 0;
  EXPECT_EQ(written(target)["pools"][0]["counted"],
            json::parse(R"({"gets": 0, "puts": 0, "misses": 0, "regrowths": 0})"));
}

TEST(JsonWrite, HasOfAPublishedPoolWhatItKeeps) {
  TargetSnapshot target;
  auto& pool = target.pools.emplace_back();
  pool.name = "frames";
  pool.kind = "published";
  pool.counted.gets = 7;
  pool.published.emplace().misses = {{"empty", 2}};
  pool.published->max_idle_buffers = 8;
  EXPECT_EQ(written(target)["pools"][0], json::parse(R"({"name": "frames", "kind": "published", "counted": {"gets": 7},
                            "published": {"misses_by_reason": {"empty": 2}, "limits": {"max_idle_buffers": 8}}})"));
}

TEST(JsonWrite, HasNoCountOfAllocationsWhenOnlyPoolsWereTraced) {
  TargetSnapshot target;
  target.runtime = "go";
  target.exact = true;
  target.cost.window_seconds = 2;
  EXPECT_FALSE(written(target).contains("allocations"));
  target.collectors = {{"alloc_bursts", "L2", poolscope::model::CollectorState::kUnavailable, "no_allocator", ""}};
  EXPECT_FALSE(written(target).contains("allocations"));
  target.collectors[0].state = poolscope::model::CollectorState::kCollecting;
  EXPECT_EQ(written(target)["allocations"]["counted"]["allocations"], 0);
}

TEST(JsonWrite, LeavesOutPartsOfPoolsAndGcThatAreNotFinite) {
  Snapshot snapshot;
  auto& target = snapshot.targets.emplace_back();
  auto& pool = target.pools.emplace_back();
  pool.hit_ratio = Estimate{kNan, 0, 1};
  pool.thrown_away_per_gc = kInfinity;
  pool.use.emplace().hold_seconds_p50 = kNan;
  pool.miss_curve = {{1, kNan}, {2, 0.5}};
  auto& gc = target.gc.emplace();
  gc.pause_seconds = gc.cpu_ratio.emplace() = kNan;
  const std::string text = to_json(snapshot);
  EXPECT_TRUE(snapshot_from_json(text));
  const json target_json = json::parse(text)["targets"][0];
  EXPECT_EQ(target_json["pools"], json::parse(R"([{"name": "", "kind": "",
    "use": {"put_twice": 0}, "miss_curve": [[2, 0.5]]}])"));
  EXPECT_EQ(target_json["gc"], json::parse(R"({"cycles": 0})"));
}

TEST(JsonWrite, ReplacesBytesThatAreNotUtf8) {
  TargetSnapshot target;
  target.name = "caf\xe9";
  target.labels = {{"k\xff", "v\xc3"}};
  target.call_sites.emplace_back().symbol = "\x80main";
  const json json = written(target);
  EXPECT_EQ(json["name"], "caf\uFFFD");
  EXPECT_EQ(json["labels"]["k\uFFFD"], "v\uFFFD");
  EXPECT_EQ(json["call_sites"][0]["symbol"], "\uFFFDmain");
}

}  // namespace

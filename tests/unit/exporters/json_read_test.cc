#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "exporters/model/json_limits.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using nlohmann::json;
using poolscope::model::JsonError;
using poolscope::model::Snapshot;
using poolscope::model::snapshot_from_json;
using testing::HasSubstr;

json full() {
  return json::parse(poolscope::model::to_json(poolscope::test::full_snapshot()));
}

JsonError error_of(const std::string& text) {
  const auto read = snapshot_from_json(text);
  return read ? JsonError{"", "was accepted"} : read.error();
}

struct ValueCase {
  const char* name;
  const char* pointer;
  json value;
  const char* path;
  const char* detail;
};
class JsonRead : public testing::TestWithParam<ValueCase> {};
TEST_P(JsonRead, NamesTheMemberThatCannotBe) {
  json changed = full();
  changed[json::json_pointer(GetParam().pointer)] = GetParam().value;
  const JsonError error = error_of(changed.dump());
  EXPECT_EQ(error.path, GetParam().path);
  EXPECT_THAT(error.detail, HasSubstr(GetParam().detail));
}
INSTANTIATE_TEST_SUITE_P(
    Table, JsonRead,
    testing::Values(ValueCase{"OtherVersion", "/schema_version", 2, "/schema_version", "is not 1"},
                    ValueCase{"VersionOfAnotherType", "/schema_version", "1", "/schema_version", "is not 1"},
                    ValueCase{"NegativeTime", "/time_unix_ns", -1, "/time_unix_ns", "is a negative number"},
                    ValueCase{"FractionalTime", "/time_unix_ns", 1.5, "/time_unix_ns", "must be a whole number"},
                    ValueCase{"AgentIsNoObject", "/agent", json::array(), "/agent", "is array, must be an object"},
                    ValueCase{"TargetsIsNoArray", "/targets", 7, "/targets", "must be an array"},
                    ValueCase{"PidBeyondThePidType", "/targets/1/processes/0/pid", 3000000000u,
                              "/targets/1/processes/0/pid", "is too large"},
                    ValueCase{"NameIsNull", "/targets/0/name", nullptr, "/targets/0/name", "is null, must be a string"},
                    ValueCase{"UnknownState", "/targets/0/collectors/1/state", "sleeping",
                              "/targets/0/collectors/1/state", "must be collecting, idle or unavailable"},
                    ValueCase{"RateIsANumber", "/targets/0/allocations/per_second", 688.5,
                              "/targets/0/allocations/per_second", "must be an object"},
                    ValueCase{"BoundIsText", "/targets/0/allocations/per_second/low", "1",
                              "/targets/0/allocations/per_second/low", "must be a number"},
                    ValueCase{"BucketWithoutWeight", "/targets/0/allocations/size_bytes/buckets/0", json::array({64}),
                              "/targets/0/allocations/size_bytes/buckets/0", "must be an array of 2"},
                    ValueCase{"BucketBoundIsNegative", "/targets/0/allocations/size_bytes/buckets/0/0", -64,
                              "/targets/0/allocations/size_bytes/buckets/0/0", "must be a whole number"},
                    ValueCase{"AgeIsNoNumber", "/targets/0/allocations/lifetime_seconds/below/soon", json{{"value", 1}},
                              "/targets/0/allocations/lifetime_seconds/below/soon", "has a name that is not a number"},
                    ValueCase{"AgeIsNotFinite", "/targets/0/allocations/lifetime_seconds/below/inf", json{{"value", 1}},
                              "/targets/0/allocations/lifetime_seconds/below/inf", "has a name that is not a number"},
                    ValueCase{"PoolsIsAnObject", "/targets/0/pools", json::object(), "/targets/0/pools",
                              "must be an array"},
                    ValueCase{"HitRatioIsANumber", "/targets/0/pools/1/hit_ratio", 0.7, "/targets/0/pools/1/hit_ratio",
                              "must be an object"},
                    ValueCase{"NegativeGets", "/targets/0/pools/0/counted/gets", -3, "/targets/0/pools/0/counted/gets",
                              "is a negative number"},
                    ValueCase{"HoldTimesAreAnArray", "/targets/0/pools/0/use/hold_seconds", json::array(),
                              "/targets/0/pools/0/use/hold_seconds", "must be an object"},
                    ValueCase{"MissCurveOfOneNumber", "/targets/0/pools/0/miss_curve/0", json::array({16}),
                              "/targets/0/pools/0/miss_curve/0", "must be an array of 2"},
                    ValueCase{"IdleIsAFraction", "/targets/0/pools/0/idle", 1.5, "/targets/0/pools/0/idle",
                              "must be a whole number"},
                    ValueCase{"GcIsText", "/targets/0/gc", "off", "/targets/0/gc", "must be an object"},
                    ValueCase{"ObjectsOfASizeClassAreAFraction", "/targets/0/gc/allocated_by_size_class/0/1", 0.5,
                              "/targets/0/gc/allocated_by_size_class/0/1", "must be a whole number"},
                    ValueCase{"ExactIsANumber", "/targets/0/exact", 1, "/targets/0/exact", "must be true or false"},
                    ValueCase{"NameWithSlashAndTilde", "/targets/0/labels/a~1b~0c", 1, "/targets/0/labels/a~1b~0c",
                              "must be a string"},
                    ValueCase{"NameWithControlCharacters", "/targets/0/labels/\x1b[2J", 1, "/targets/0/labels/?[2J",
                              "must be a string"}),
    [](const auto& c) { return c.param.name; });

class JsonReadWithout : public testing::TestWithParam<const char*> {};
TEST_P(JsonReadWithout, NamesTheMissingMember) {
  const json::json_pointer pointer(GetParam());
  json changed = full();
  changed[pointer.parent_pointer()].erase(pointer.back());
  const JsonError error = error_of(changed.dump());
  EXPECT_EQ(error.path, GetParam());
  EXPECT_THAT(error.detail, HasSubstr("is missing"));
}
INSTANTIATE_TEST_SUITE_P(Required, JsonReadWithout,
                         testing::Values("/schema_version", "/time_unix_ns", "/agent", "/agent/boot_id", "/targets",
                                         "/targets/0/name", "/targets/1/cost", "/targets/0/processes/0/pid",
                                         "/targets/0/collectors/0/state", "/targets/0/allocations/per_second/value",
                                         "/targets/0/allocations/counted/frees",
                                         "/targets/0/call_sites/1/callers/0/offset",
                                         "/targets/0/growth_chains/0/final_bytes/p95", "/targets/0/pools/0/name",
                                         "/targets/0/pools/1/kind", "/targets/0/pools/0/needed_bytes/p95",
                                         "/targets/0/pools/0/use/put_twice", "/targets/0/gc/cycles"));

TEST(JsonReadTolerance, IgnoresMembersOfNewerMinorVersions) {
  json changed = full();
  changed["targets"][0]["a_part_of_a_later_version"] = json::array({json{{"name", "allocator"}}});
  changed["targets"][0]["pools"][0]["growth_factor"] = 2;
  changed["advice"] = "later";
  const auto read = snapshot_from_json(changed.dump());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, poolscope::test::full_snapshot());
}

TEST(JsonReadTolerance, TakesWholeNumbersWhereFractionsMayBe) {
  json changed = full();
  changed["targets"][0]["allocations"]["per_second"] = json{{"value", 5}};
  const auto read = snapshot_from_json(changed.dump());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->targets[0].allocations.per_second->value, 5.0);
}

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

struct TextCase {
  const char* name;
  std::string text;
  std::string path;
  const char* detail;
};
class JsonReadOfText : public testing::TestWithParam<TextCase> {};
TEST_P(JsonReadOfText, SaysWhatIsWrong) {
  const JsonError error = error_of(GetParam().text);
  EXPECT_EQ(error.path, GetParam().path);
  EXPECT_THAT(error.detail, HasSubstr(GetParam().detail));
}
INSTANTIATE_TEST_SUITE_P(
    Table, JsonReadOfText,
    testing::Values(TextCase{"Empty", "", "", "line 1, column 1"},
                    TextCase{"Cut", R"({"a":[1,{"b":)", "/a/1/b", "unexpected end"},
                    TextCase{"Trailing", "{} {}", "", "expected end of input"},
                    TextCase{"BadUtf8", "{\"a\":\"\xff\"}", "/a", "ill-formed UTF-8"},
                    TextCase{"TooLargeANumber", R"({"a":1e999})", "/a", "number overflow"},
                    TextCase{"NotANumber", R"({"a":NaN})", "/a", "invalid literal"},
                    TextCase{"NotAnObject", "[]", "", "is array, must be an object"},
                    TextCase{"NotASnapshot", "{}", "/schema_version", "not a snapshot of poolscope"},
                    TextCase{"DeepObjects", repeated(R"({"a":)", 100'000), repeated("/a", 32), "nested deeper than 32"},
                    TextCase{"DeepArrays", repeated("[", 1'000'000), repeated("/0", 32), "nested deeper than 32"}),
    [](const auto& c) { return c.param.name; });

TEST(JsonReadLimits, RefuseAnArrayThatIsTooLong) {
  const JsonError error = error_of("{\"targets\":[" + repeated("0,", poolscope::model::kMaxJsonElements) + "0]}");
  EXPECT_EQ(error.path, "/targets/" + std::to_string(poolscope::model::kMaxJsonElements));
  EXPECT_THAT(error.detail, HasSubstr("more than 100000 elements"));
}

TEST(JsonReadLimits, RefuseTooManyValuesInAll) {
  const std::string row = "[" + repeated("0,", 99'998) + "0],";
  EXPECT_THAT(error_of("[" + repeated(row, 21) + "0]").detail, HasSubstr("more than 2000000 values"));
}

TEST(JsonReadLimits, RefuseATextThatIsTooLong) {
  const std::string text(poolscope::model::kMaxJsonBytes + 1, ' ');
  EXPECT_THAT(error_of(text).detail, HasSubstr("at most 67108864 are read"));
}

TEST(JsonReadLimits, CutALongNameInThePath) {
  const JsonError error = error_of("{\"" + std::string(1'000'000, 'a') + "\":nul}");
  EXPECT_EQ(error.path.size(), 201u);
}

TEST(JsonErrorText, NamesPathAndCause) {
  EXPECT_EQ(describe(JsonError{"/targets/0/name", "is missing"}), "not a snapshot: /targets/0/name is missing");
}

}  // namespace

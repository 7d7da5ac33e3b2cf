// Records as lines of text, and back.
#include "exporters/recording/record_text.h"

#include <limits>
#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/recording/fill.h"

namespace poolscope::recording {
namespace {

using testing::filled;
using ::testing::HasSubstr;
using ::testing::Not;

model::TargetRecord read_back(const model::TargetRecord& record) {
  const auto line = from_line(to_line(7, record));
  if (!line) {
    ADD_FAILURE() << line.error();
    return {};
  }
  const auto& [target, result] = std::get<LineOfTarget>(*line);
  EXPECT_EQ(target, 7u);
  return result;
}

template <typename Record>
class EveryRecord : public ::testing::Test {};

template <typename Variant>
struct Alternatives;
template <typename... T>
struct Alternatives<std::variant<T...>> {
  using Types = ::testing::Types<T...>;
};
TYPED_TEST_SUITE(EveryRecord, Alternatives<model::TargetRecord>::Types);

TYPED_TEST(EveryRecord, ComesBackWithEveryMember) {
  const auto record = filled<TypeParam>();
  EXPECT_EQ(read_back(record), model::TargetRecord(record)) << to_line(7, record);
}

TYPED_TEST(EveryRecord, ComesBackWithNothingInIt) {
  EXPECT_EQ(read_back(TypeParam{}), model::TargetRecord(TypeParam{}));
}

TYPED_TEST(EveryRecord, IsOneLine) {
  EXPECT_THAT(to_line(7, filled<TypeParam>()), Not(HasSubstr("\n")));
}

TEST(MomentLine, ComesBackWithEveryMember) {
  const auto moment = filled<model::Moment>();
  const auto line = from_line(to_line(moment));
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(std::get<model::Moment>(*line), moment);
}

TEST(RecordLine, KeepsTheLargestNumbers) {
  model::StratumRecord stratum;
  stratum.start_ns = std::numeric_limits<std::uint64_t>::max();
  stratum.target_cpu_ns = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(read_back(stratum), model::TargetRecord(stratum));
}

TEST(RecordLine, KeepsAWeightToItsLastBit) {
  model::BurstRecord burst;
  burst.size_bytes.add_bucket(3, 0.1 + 0.2);
  EXPECT_EQ(read_back(burst), model::TargetRecord(burst));
}

TEST(RecordLine, TellsAbsentFromZero) {
  model::StratumRecord stratum;
  stratum.work.io_calls = 0;
  EXPECT_EQ(read_back(stratum), model::TargetRecord(stratum));
}

TEST(RecordLine, ReplacesBytesThatAreNoText) {
  model::StratumRecord stratum;
  stratum.missing = "a\xff";
  EXPECT_EQ(std::get<model::StratumRecord>(read_back(stratum)).missing, "a\xEF\xBF\xBD");
}

TEST(RecordLine, IgnoresMembersOfALaterVersion) {
  const auto line =
      from_line(R"({"kind":"stratum","target":1,"later":[1],"record":{"start_ns":5,"length_ns":6,"later":{}}})");
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(std::get<model::StratumRecord>(std::get<LineOfTarget>(*line).record).length_ns, 6u);
}

struct BadLine {
  const char* name;
  const char* text;
  const char* error;  // a part of it
};
class BadLines : public ::testing::TestWithParam<BadLine> {};

TEST_P(BadLines, AreRefusedWithTheirPlace) {
  const auto line = from_line(GetParam().text);
  ASSERT_FALSE(line);
  EXPECT_THAT(line.error(), HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadLines,
    ::testing::Values(
        BadLine{"Empty", "", ""}, BadLine{"NoObject", "[1]", "no object"}, BadLine{"NoJson", "{", ""},
        BadLine{"NoKind", R"({"target":1,"record":{}})", "/kind is missing"},
        BadLine{"LaterKind", R"({"kind":"dream","target":1,"record":{}})", "kind `dream`"},
        BadLine{"NoTarget", R"({"kind":"gc","record":{}})", "/target is missing"},
        BadLine{"NoRecord", R"({"kind":"gc","target":1})", "/record is missing"},
        BadLine{"NoTime", R"({"kind":"stratum","target":1,"record":{"length_ns":1}})", "/record/start_ns"},
        BadLine{"NegativeNumber", R"({"kind":"stratum","target":1,"record":{"start_ns":-1,"length_ns":1}})",
                "/record/start_ns is a negative number"},
        BadLine{"BucketBeyondTheLast",
                R"({"kind":"burst","target":1,"record":{"process":{"pid":1,"start_time_ticks":1},"kind":"rate",)"
                R"("allocation_window":{"start_ns":1,"length_ns":1},"free_window":{"start_ns":1,"length_ns":1},)"
                R"("counts":{},"size_bytes":[[100000,1.0]]}})",
                "/record/size_bytes has a bucket beyond the last one"}),
    [](const auto& info) { return info.param.name; });

TEST(RecordLine, ThatIsTooLongIsRefused) {
  EXPECT_FALSE(from_line(std::string(kMaxLineBytes + 1, ' ')));
}

}  // namespace
}  // namespace poolscope::recording

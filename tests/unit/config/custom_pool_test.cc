// `custom_pools:` of a configuration, and the presets that poolscope brings along.

#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/config.h"

namespace poolscope::config {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kEveryKey = R"(
custom_pools:
  - name: frames
    match: {executable: /opt/*/player, object: libframes.so*}
    get:
      - {function: frames_get, pool: 1, size: 2, object: 3, optional: true}
    put: [{function: frames_put, pool: 6, object: 1}]
    miss: [{function: frames_new, pool: 1}]
    grow: [{function: frames_grow, pool: 1}]
  - name: small
    match: {executable: player}
    get: [small_get, small_try_get]
)";

std::vector<CustomPool> pools_of(std::string_view yaml) {
  auto config = parse_config(yaml, "test.yaml");
  if (config) return config->custom_pools;
  for (const auto& error : config.error()) ADD_FAILURE() << describe(error);
  return {};
}

TEST(CustomPools, TakeEveryKey) {
  const auto pools = pools_of(kEveryKey);
  ASSERT_EQ(pools.size(), 2u);
  const CustomPool& frames = pools[0];
  EXPECT_EQ(frames.name, "frames");
  EXPECT_EQ(frames.executable_glob, "/opt/*/player");
  EXPECT_EQ(frames.object_glob, "libframes.so*");
  EXPECT_THAT(frames.get, ElementsAre(PoolFunction{"frames_get", 2, 3, 1, true}));
  EXPECT_THAT(frames.put, ElementsAre(PoolFunction{"frames_put", 0, 1, 6, false}));
  EXPECT_THAT(frames.miss, ElementsAre(PoolFunction{"frames_new", 0, 0, 1, false}));
  EXPECT_THAT(frames.grow, ElementsAre(PoolFunction{"frames_grow", 0, 0, 1, false}));
}

TEST(CustomPools, TakeTheNameAloneForAFunctionWithoutArguments) {
  const auto pools = pools_of(kEveryKey);
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_THAT(pools[1].get, ElementsAre(PoolFunction{"small_get"}, PoolFunction{"small_try_get"}));
  EXPECT_THAT(pools[1].put, IsEmpty());
}

TEST(CustomPools, MayBeAbsent) {
  EXPECT_THAT(pools_of("targets: []\n"), IsEmpty());
  EXPECT_THAT(pools_of("custom_pools:\n"), IsEmpty());
  EXPECT_THAT(pools_of("custom_pools: []\n"), IsEmpty());
}

struct ErrorCase {
  const char* name;
  const char* yaml;
  int line;
  int column;
  const char* key;
  const char* detail;  // a part of it
};
class CustomPoolErrors : public testing::TestWithParam<ErrorCase> {};

TEST_P(CustomPoolErrors, NameThePlaceTheKeyAndTheWayOut) {
  const auto config = parse_config(GetParam().yaml, "test.yaml");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1u) << describe(config.error()[1]);
  const ConfigError& error = config.error()[0];
  EXPECT_EQ(std::tuple(error.line, error.column), std::tuple(GetParam().line, GetParam().column));
  EXPECT_EQ(error.key, GetParam().key);
  EXPECT_THAT(error.detail, HasSubstr(GetParam().detail));
}

std::string case_name(const testing::TestParamInfo<ErrorCase>& info) {
  return info.param.name;
}

// A pool with a name and a match; what follows is indented by 4.
#define POOL "custom_pools:\n  - name: a\n    match: {executable: b}\n    "

INSTANTIATE_TEST_SUITE_P(
    Structure, CustomPoolErrors,
    testing::Values(
        ErrorCase{"Map", "custom_pools: {name: a}\n", 1, 15, "custom_pools", "begin each pool with `- `"},
        ErrorCase{"Text", "custom_pools: [a]\n", 1, 16, "custom_pools[0]", "or with `preset`"},
        ErrorCase{"UnknownKey", POOL "get: [f]\n    mis: [g]\n", 5, 5, "custom_pools[0].mis", "did you mean `miss`?"},
        ErrorCase{"NoName", "custom_pools:\n  - match: {object: b}\n    get: [f]\n", 2, 5, "custom_pools[0]",
                  "needs a `name`, or `preset`"},
        ErrorCase{"NoMatch", "custom_pools:\n  - name: a\n    get: [f]\n", 2, 5, "custom_pools[0]",
                  "needs `match` with executable, object or both"},
        ErrorCase{"NoGet", POOL "put: [f]\n", 2, 5, "custom_pools[0]", "needs `get`"},
        ErrorCase{"EmptyMatch", "custom_pools:\n  - name: a\n    match: {}\n    get: [f]\n", 3, 12,
                  "custom_pools[0].match", "needs executable, object or both"},
        ErrorCase{"RelativeObject", "custom_pools:\n  - name: a\n    match: {object: lib/b.so}\n    get: [f]\n", 3, 21,
                  "custom_pools[0].match.object", "must begin with '/' or '*'"},
        ErrorCase{"EmptyName", "custom_pools:\n  - {name: '', match: {object: b}, get: [f]}\n", 2, 12,
                  "custom_pools[0].name", "must not be empty"},
        ErrorCase{"SameName",
                  "custom_pools:\n  - {name: a, match: {object: b}, get: [f]}\n"
                  "  - {name: a, match: {object: c}, get: [f]}\n",
                  3, 12, "custom_pools[1].name", "the pool in line 2 is called `a` too"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Functions, CustomPoolErrors,
    testing::Values(
        ErrorCase{"Text", POOL "get: f\n", 4, 10, "custom_pools[0].get", "must be a list of functions"},
        ErrorCase{"EmptyList", POOL "get: []\n", 4, 10, "custom_pools[0].get", "must be a list of functions"},
        ErrorCase{"List", POOL "get: [[f]]\n", 4, 11, "custom_pools[0].get[0]", "a map with the key `function`"},
        ErrorCase{"NoFunction", POOL "get: [{size: 1}]\n", 4, 11, "custom_pools[0].get[0]", "the key `function`"},
        ErrorCase{"UnknownKey", POOL "get: [{function: f, bytes: 1}]\n", 4, 25, "custom_pools[0].get[0].bytes",
                  "the keys here are: function, size, object, pool, optional"},
        ErrorCase{"SeventeenFunctions", POOL "get: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]\n", 4, 10, "custom_pools[0].get",
                  "at most 16 functions, not 17"},
        ErrorCase{"DemangledName", POOL "get: ['Pool::get(int)']\n", 4, 11, "custom_pools[0].get[0]",
                  "for C++ the mangled one"},
        ErrorCase{"EmptyFunction", POOL "get: ['']\n", 4, 11, "custom_pools[0].get[0]", "must not be empty"},
        ErrorCase{"ArgumentZero", POOL "get: [{function: f, size: 0}]\n", 4, 31, "custom_pools[0].get[0].size",
                  "from 1 to 6"},
        ErrorCase{"ArgumentSeven", POOL "get: [{function: f, pool: 7}]\n", 4, 31, "custom_pools[0].get[0].pool",
                  "from 1 to 6, not 7"},
        ErrorCase{"ReturnedObject", POOL "get: [{function: f, object: return}]\n", 4, 33,
                  "custom_pools[0].get[0].object", "what a function returns is not read"},
        ErrorCase{"ReturnedSize", POOL "get: [{function: f, size: return}]\n", 4, 31, "custom_pools[0].get[0].size",
                  "must be a whole number from 1 to 6"},
        ErrorCase{"SizeAtPut", POOL "get: [f]\n    put: [{function: g, size: 2}]\n", 5, 31,
                  "custom_pools[0].put[0].size", "read at a get only"},
        ErrorCase{"ObjectAtMiss", POOL "get: [f]\n    miss: [{function: g, object: 2}]\n", 5, 34,
                  "custom_pools[0].miss[0].object", "read at a get and a put only"},
        ErrorCase{"SizeIsThePool", POOL "get: [{function: f, size: 1, pool: 1}]\n", 4, 31,
                  "custom_pools[0].get[0].size", "argument 1 cannot be an address and a size"},
        ErrorCase{"SameFunctionTwice", POOL "get: [f, f]\n", 4, 14, "custom_pools[0].get[1]", "is there twice"},
        ErrorCase{"GetIsMiss", POOL "get: [f]\n    miss: [f]\n", 5, 12, "custom_pools[0].miss[0]", "is there twice"},
        ErrorCase{"PoolMissing", POOL "get: [{function: f, pool: 1}]\n    put: [g]\n", 5, 11, "custom_pools[0].put[0]",
                  "`pool` is missing here"},
        ErrorCase{"PoolOnlyHere", POOL "get: [f]\n    put: [{function: g, pool: 1}]\n", 5, 11, "custom_pools[0].put[0]",
                  "`pool` is given here, not at the first get"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(PresetEntries, CustomPoolErrors,
                         testing::Values(ErrorCase{"Mistyped", "custom_pools: [{preset: postgres}]\n", 1, 25,
                                                   "custom_pools[0].preset",
                                                   "no preset `postgres`; did you mean `postgresql`?"},
                                         ErrorCase{"Unknown", "custom_pools: [{preset: zzzzzz}]\n", 1, 25,
                                                   "custom_pools[0].preset", "the presets are: nginx, postgresql"},
                                         ErrorCase{"List", "custom_pools: [{preset: [nginx]}]\n", 1, 25,
                                                   "custom_pools[0].preset", "must be the name of a preset"},
                                         ErrorCase{"WithOtherKeys", "custom_pools: [{preset: nginx, name: a}]\n", 1, 25,
                                                   "custom_pools[0].preset", "a preset stands alone"}),
                         case_name);

TEST(CustomPoolBounds, RefuseMoreThanThirtyTwoPools) {
  std::string yaml = "custom_pools:\n";
  const auto add = [&yaml](int number) {
    yaml += "  - {name: p" + std::to_string(number) + ", match: {object: b}, get: [f]}\n";
  };
  for (int i = 0; i < 32; ++i) add(i);
  EXPECT_EQ(pools_of(yaml).size(), 32u);
  add(32);
  const auto config = parse_config(yaml, "test.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(describe(config.error()[0]),
            "test.yaml:34:5: custom_pools[32]: at most 32 pools, those of presets included");
}

class Preset : public testing::TestWithParam<std::string_view> {};

TEST_P(Preset, DescribesPoolsOfAProgram) {
  const auto pools = preset_pools(GetParam());
  ASSERT_TRUE(pools) << pools.error();
  EXPECT_THAT(*pools, Not(IsEmpty()));
  EXPECT_THAT(*pools, Each(Field(&CustomPool::executable_glob, Not(IsEmpty()))));
}

TEST_P(Preset, IsTheSameInAConfiguration) {
  const auto pools = preset_pools(GetParam());
  ASSERT_TRUE(pools) << pools.error();
  EXPECT_EQ(pools_of("custom_pools: [{preset: " + std::string(GetParam()) + "}]"), *pools);
}
INSTANTIATE_TEST_SUITE_P(Embedded, Preset, testing::ValuesIn(preset_names()),
                         [](const auto& info) { return std::string(info.param); });

TEST(Presets, AreThoseOfTheReference) {
  EXPECT_THAT(preset_names(), ElementsAre("nginx", "postgresql"));
}

TEST(Presets, CannotBeTakenTwice) {
  const auto config = parse_config("custom_pools:\n  - preset: nginx\n  - preset: nginx\n", "test.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error()[0].line, 3);
  EXPECT_THAT(config.error()[0].detail, HasSubstr("the pool in line 2 is called `nginx pools` too"));
}

TEST(Presets, StandBesidePoolsOfTheFile) {
  const auto pools = pools_of("custom_pools:\n  - {name: a, match: {object: b}, get: [f]}\n  - preset: nginx\n");
  ASSERT_EQ(pools.size(), 3u);
  EXPECT_EQ(pools[0].name, "a");
  EXPECT_EQ(pools[1].name, "nginx pools");
}

}  // namespace
}  // namespace poolscope::config

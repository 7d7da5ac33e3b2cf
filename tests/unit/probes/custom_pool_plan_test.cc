#include "probes/collectors/custom_pool_plan.h"

#include <algorithm>
#include <memory>
#include <string>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/collectors/near_names.h"
#include "tests/unit/probes/own_process.h"

namespace {

using namespace poolscope;
using namespace poolscope::probes;
using elf::CostClass;
using elf::Register;
using poolscope::probes::test::image_of_this_process;
using Reason = CustomPoolProblem::Reason;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The sample library in this very process.
class CustomPools : public testing::Test {
 protected:
  static CustomPoolSpec spec(std::vector<PoolFunctionSpec> get, std::vector<PoolFunctionSpec> put = {}) {
    CustomPoolSpec spec;
    spec.name = "sample";
    spec.object_glob = "libsample_pools.so";
    spec.of(PoolRole::kGet) = std::move(get);
    spec.of(PoolRole::kPut) = std::move(put);
    return spec;
  }

  [[nodiscard]] CustomPoolPlan plan(const std::vector<CustomPoolSpec>& specs) const {
    return plan_custom_pools(image_, specs);
  }
  // Of a plan that has to consist of one point.
  [[nodiscard]] PlannedPoolPoint only_point(const CustomPoolSpec& spec) const {
    const CustomPoolPlan made = plan({spec});
    EXPECT_THAT(made.problems, IsEmpty());
    if (made.pools.size() != 1 || made.pools[0].points.size() != 1) {
      ADD_FAILURE() << made.pools.size() << " pools";
      return {};
    }
    return made.pools[0].points[0];
  }
  // Of a plan that has to have one problem.
  [[nodiscard]] CustomPoolProblem only_problem(const CustomPoolPlan& made) const {
    EXPECT_EQ(made.problems.size(), 1u);
    return made.problems.empty() ? CustomPoolProblem{Reason::kOtherProgram, 99, "", ""} : made.problems[0];
  }

  std::unique_ptr<void, int (*)(void*)> library_{dlopen(SAMPLE_POOLS, RTLD_NOW | RTLD_LOCAL), dlclose};
  ProcessImage image_ = image_of_this_process();
};

TEST_F(CustomPools, ArePlannedAtTheFunctionOfTheMappedFile) {
  const auto point = only_point(spec({{"sample_get", 2}}));
  const auto* object = image_.object_at(reinterpret_cast<std::uint64_t>(dlsym(library_.get(), "sample_get")));
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(point.point.function_address + object->bias,
            reinterpret_cast<std::uint64_t>(dlsym(library_.get(), "sample_get")));
  EXPECT_EQ(point.open_path, object->open_path);
  EXPECT_EQ(point.object_name, "libsample_pools.so");
  EXPECT_EQ(object->file->address_of_file_offset(point.point.file_offset), point.point.address);
}

TEST_F(CustomPools, FollowArgumentsToTheCheapestInstruction) {
  const auto point = only_point(spec({{.name = "sample_moved", .size_argument = 2, .pool_argument = 1}}));
  EXPECT_EQ(point.point.instruction, "push rbp");
  EXPECT_EQ(point.point.cost, CostClass::kEmulated);
  EXPECT_EQ(point.size, Register::kRax);
  EXPECT_EQ(point.pool, Register::kRdi);
  EXPECT_EQ(point.object, std::nullopt);
}

TEST_F(CustomPools, TellHowFarTheStackMoved) {
  const auto point = only_point(spec({{"sample_deep", 6}}));
  EXPECT_EQ(point.point.instruction, "push rbp");
  EXPECT_EQ(point.point.stack_bytes, 24u);
  EXPECT_EQ(point.size, Register::kR9);
}

TEST_F(CustomPools, StayAtTheEntryWhereAnArgumentIsLost) {
  const auto lost = only_point(spec({{"sample_lost", 2}}));
  EXPECT_EQ(lost.point.address, lost.point.function_address);
  EXPECT_EQ(lost.point.cost, CostClass::kSingleStep);
  EXPECT_EQ(lost.size, Register::kRsi);
  EXPECT_EQ(only_point(spec({{"sample_lost", 1}})).point.cost, CostClass::kEmulated);
}

TEST_F(CustomPools, NeedNoArguments) {
  const auto point = only_point(spec({{"sample_lost"}}));
  EXPECT_EQ(point.point.cost, CostClass::kEmulated);
  EXPECT_EQ(point.size, std::nullopt);
}

TEST_F(CustomPools, FindLocalFunctionsOfFilesWithSymbols) {
  CustomPoolSpec with_miss = spec({{"sample_get"}});
  with_miss.of(PoolRole::kMiss) = {{"sample_hidden_miss"}};
  const auto made = plan({with_miss});
  EXPECT_THAT(made.problems, IsEmpty());
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_TRUE(made.pools[0].measures(PoolRole::kMiss));
  EXPECT_FALSE(made.pools[0].measures(PoolRole::kGrow)) << "nothing is said of it";
}

TEST_F(CustomPools, ProbeAliasesOnce) {
  const auto made = plan({spec({{"sample_get"}}, {{"sample_put"}, {"sample_give_back"}})});
  EXPECT_THAT(made.problems, IsEmpty());
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_EQ(made.pools[0].points.size(), 2u);
  EXPECT_TRUE(made.pools[0].measures(PoolRole::kPut));
}

TEST_F(CustomPools, RefuseTheSameCodeUnderTwoMeanings) {
  const auto made = plan({spec({{"sample_put"}}, {{"sample_give_back"}})});
  const auto problem = only_problem(made);
  EXPECT_EQ(problem.reason, Reason::kSameCode);
  EXPECT_THAT(problem.detail, HasSubstr("the same code as `sample_put`"));
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_FALSE(made.pools[0].measures(PoolRole::kPut));
}

TEST_F(CustomPools, DoNotMeasureAFunctionThatHasAClone) {
  const auto made = plan({spec({{"sample_cloned"}})});
  EXPECT_EQ(only_problem(made).reason, Reason::kCloned);
  EXPECT_THAT(only_problem(made).detail, HasSubstr("`sample_cloned.constprop.0`"));
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_FALSE(made.pools[0].measures(PoolRole::kGet));
}

TEST_F(CustomPools, NameFunctionsThatAreMissingAndNearOnes) {
  const auto made = plan({spec({{"sample_gett"}})});
  const auto problem = only_problem(made);
  EXPECT_EQ(problem.reason, Reason::kFunctionNotFound);
  EXPECT_EQ(problem.function, "sample_gett");
  EXPECT_EQ(problem.detail, "no function `sample_gett` in libsample_pools.so; near: sample_get");
  EXPECT_THAT(made.pools, IsEmpty());
}

struct NearCase {
  const char* name;
  std::vector<std::string> near;
};

TEST_F(CustomPools, AreGuessedByTypingErrorsClonesAndPartsOfNames) {
  const NearCase cases[] = {{"sample_moevd", {"sample_moved"}},
                            {"sample_clone", {"sample_cloned", "sample_cloned.constprop.0"}},
                            {"sample_replaced", {"sample_replaced.isra.0"}},
                            {"borrow", {"_ZN6Sample6borrowEm (Sample::borrow(unsigned long))"}},
                            {"put", {}}};
  const auto* object = image_.object_at(reinterpret_cast<std::uint64_t>(dlsym(library_.get(), "sample_get")));
  ASSERT_NE(object, nullptr);
  for (const auto& [name, near] : cases) EXPECT_EQ(near_names(*object->file, name, kMaxNearNames), near) << name;
}

TEST_F(CustomPools, AreNotMeasuredInPart) {
  const auto made = plan({spec({{"sample_get"}}, {{"sample_put"}, {"zzz"}})});
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_TRUE(made.pools[0].measures(PoolRole::kGet));
  EXPECT_FALSE(made.pools[0].measures(PoolRole::kPut)) << "puts by zzz would be missing";
  EXPECT_EQ(only_problem(made).detail, "no function `zzz` in libsample_pools.so");
}

TEST_F(CustomPools, AreMeasuredWithoutOptionalFunctions) {
  const auto made = plan({spec({{"sample_get"}, {.name = "zzz", .optional = true}})});
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_TRUE(made.pools[0].measures(PoolRole::kGet));
  EXPECT_EQ(only_problem(made).function, "zzz") << "still told";
}

TEST_F(CustomPools, FollowObjectsOnlyWhereEveryGetAndPutSaysWhich) {
  const PoolFunctionSpec get{.name = "sample_get", .object_argument = 1}, blind_get{.name = "sample_moved"};
  const PoolFunctionSpec put{.name = "sample_put", .object_argument = 2};
  const auto follows = [&](const CustomPoolSpec& spec) { return plan({spec}).pools.at(0).follows_objects; };
  EXPECT_TRUE(follows(spec({get}, {put})));
  EXPECT_FALSE(follows(spec({get, blind_get}, {put})));
  EXPECT_FALSE(follows(spec({blind_get}, {put})));
  EXPECT_FALSE(follows(spec({get})));
  const auto blind = plan({spec({blind_get}, {put})});
  ASSERT_EQ(blind.pools.at(0).points.size(), 2u);
  for (const auto& point : blind.pools[0].points) EXPECT_FALSE(point.object) << point.function;
}

TEST_F(CustomPools, KeepTheirNumberAmongTheSpecifications) {
  CustomPoolSpec elsewhere = spec({{"sample_get"}});
  elsewhere.executable_glob = "no-such-program";
  const auto made = plan({elsewhere, spec({{"sample_get"}})});
  ASSERT_EQ(made.pools.size(), 1u);
  EXPECT_EQ(made.pools[0].number, 1u);
  EXPECT_EQ(made.pools[0].points.at(0).pool_number, 1u);
  EXPECT_EQ(only_problem(made).pool_number, 0u);
}

TEST_F(CustomPools, AreBounded) {
  const auto made = plan(std::vector<CustomPoolSpec>(kMaxPoolPoints + 1, spec({{"sample_get"}})));
  EXPECT_EQ(made.pools.size(), kMaxPoolPoints);
  EXPECT_EQ(only_problem(made).reason, Reason::kTooManyPoints);
}

struct MatchCase {
  const char* name;
  const char* executable;
  const char* object;
  std::optional<Reason> reason;  // nothing: it is found
};

TEST_F(CustomPools, AreLookedForWhereTheMatchSays) {
  const MatchCase cases[] = {
      {"last part", "", "libsample_*.so", std::nullopt},
      {"path", "", "/*/*/*/libsample_pools.so", Reason::kObjectNotMapped},
      {"own path", "", SAMPLE_POOLS, std::nullopt},
      {"soname", "", "libsample.so.1", std::nullopt},
      {"executable and object", "collectors_test", "libsample_pools.so", std::nullopt},
      {"another executable", "redis-server", "libsample_pools.so", Reason::kOtherProgram},
      {"a file that is not mapped", "", "libnothing.so", Reason::kObjectNotMapped},
      {"the executable, which has no such function", "collectors_test", "", Reason::kFunctionNotFound}};
  for (const auto& [name, executable, object, reason] : cases) {
    CustomPoolSpec described = spec({{"sample_get"}});
    described.executable_glob = executable;
    described.object_glob = object;
    const auto made = plan({described});
    EXPECT_EQ(made.pools.size(), reason ? 0u : 1u) << name;
    if (reason) {
      EXPECT_EQ(only_problem(made).reason, *reason) << name;
    }
  }
}

TEST_F(CustomPools, AreProbedWhereTheirCountsAreWhole) {
  CustomPoolSpec whole = spec({{"sample_get"}}, {{"sample_put"}, {"zzz"}});
  CustomPoolSpec without_gets = spec({{"sample_get"}, {"zzz"}}, {{"sample_put"}});
  const auto points = points_to_probe(plan({whole, without_gets}));
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].role, PoolRole::kGet);
  EXPECT_EQ(points[0].pool_number, 0u);
}

TEST(CustomPoolsOfAProcessThatIsGone, AreInNoProgram) {
  CustomPoolSpec spec;
  spec.executable_glob = "nginx";
  spec.of(PoolRole::kGet) = {{"ngx_palloc"}};
  const auto made = plan_custom_pools(ProcessImage{}, std::vector{spec});
  EXPECT_THAT(made.pools, IsEmpty());
  ASSERT_EQ(made.problems.size(), 1u);
  EXPECT_EQ(made.problems[0].reason, Reason::kOtherProgram);
  EXPECT_THAT(made.problems[0].detail, Not(IsEmpty()));
}

}  // namespace

// poolscope pools against a host in this process, which is also a client of it.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/unit/cli/program.h"
#include "tests/unit/hosted/running_host.h"

namespace poolscope::cli_test {
namespace {

using host::PoolConfig;
using host::test::RunningHost;
using testing::HasSubstr;
using testing::IsEmpty;

class PoolsCommand : public testing::Test {
 protected:
  void SetUp() override {
    host_.start_thread();
    auto opened = host_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    pool_ = std::move(*opened);
    for (int i = 0; i < 2; ++i) held_.push_back(pool_->acquire());
  }
  void TearDown() override { held_.clear(); }

  Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "pools");
    arguments.insert(arguments.end(), {"--socket", host_.socket()});
    return run_poolscope(arguments);
  }

  RunningHost host_{PoolConfig{"frames", 4096, 8, 16, {}}, {{"idle", 64, 4, 4, {}}}};
  std::unique_ptr<HostedPool> pool_;
  std::vector<HostedBuffer> held_;
};

TEST_F(PoolsCommand, ListShowsThePoolsAndWhoHoldsHowMuch) {
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  std::string pid = std::to_string(::getpid());
  pid.insert(0, 13 - pid.size(), ' ');
  EXPECT_EQ(list.out,
            "POOL                     BUFFER_BYTES        LIMIT          MAX     BORROWED         IDLE      RETIRED    "
            "  CLIENTS\n"
            "frames                           4096            8           16            2            6            8    "
            "        1\n"
            "idle                               64            4            4            0            4            0    "
            "        0\n"
            "\n"
            "POOL                              PID     BORROWED  COMMAND\n"
            "frames                  " +
                pid + "            2  cli_test\n");
}

TEST_F(PoolsCommand, ListIsAlsoJson) {
  const Finished list = run({"list", "--json"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  const auto pools = nlohmann::json::parse(list.out)["pools"];
  const nlohmann::json client = {
      {"pid", ::getpid()}, {"uid", ::getuid()}, {"command", "cli_test"}, {"borrowed", 2}, {"is_connected", true}};
  const nlohmann::json frames = {{"name", "frames"},  {"buffer_bytes", 4096}, {"limit_buffers", 8},
                                 {"max_buffers", 16}, {"borrowed", 2},        {"idle", 6},
                                 {"retired", 8},      {"clients", {client}}};
  EXPECT_EQ(pools[0], frames);
  EXPECT_EQ(pools[1]["name"], "idle");
  EXPECT_THAT(pools[1]["clients"], IsEmpty());
}

TEST_F(PoolsCommand, ResizeChangesThePoolThatIsInUse) {
  const Finished resized = run({"resize", "frames", "12"});
  EXPECT_EQ(resized.exit_code, 0) << resized.err;
  EXPECT_THAT(resized.out, HasSubstr("\nframes                           4096           12           16            2"));
  EXPECT_EQ(pool_->limit_buffers(), 12u);
}

struct FailureCase {
  const char* name;
  std::vector<std::string> arguments;
  int exit_code;
  const char* says;
};
class PoolsFailure : public PoolsCommand, public testing::WithParamInterface<FailureCase> {};
TEST_P(PoolsFailure, SaysWhatIsWrong) {
  const Finished finished = run(GetParam().arguments);
  EXPECT_EQ(finished.exit_code, GetParam().exit_code);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Table, PoolsFailure,
    testing::Values(
        FailureCase{"UnknownPool", {"resize", "frame", "3"}, 1, "frame: the host has no pool of this name"},
        FailureCase{"TooMany", {"resize", "frames", "17"}, 1, "at most 16 buffers"},
        FailureCase{"NoNumber", {"resize", "frames", "many"}, 2, "many"},
        FailureCase{"NoBuffers", {"resize", "frames"}, 2, "BUFFERS"},
        FailureCase{"NothingAtAll", {"resize"}, 2, "--advised"},
        FailureCase{"DryRunOfANumber", {"resize", "frames", "3", "--dry-run"}, 2, "--advised"},
        FailureCase{"AdvisedWithoutAnAgent", {"resize", "--advised", "--agent", "/nonexistent"}, 1, "/nonexistent"},
        FailureCase{"Negative", {"resize", "frames", "-1"}, 2, "-1"}, FailureCase{"NoFile", {"serve"}, 2, "FILE"},
        FailureCase{"FileThatIsNotThere", {"serve", "/nonexistent/pools.yaml"}, 2, "/nonexistent/pools.yaml"},
        FailureCase{"Nothing", {}, 2, "subcommand"}),
    [](const auto& failure) { return failure.param.name; });

TEST_F(PoolsCommand, ServeListsTheErrorsOfItsFile) {
  const TemporaryDirectory directory;
  directory.write("pools.yaml", "pools:\n  - {name: a, buffer_bytes: 0, buffers: 1}\n  - {name: b, buffers: 1}\n");
  const Finished served = run({"serve", directory.path("pools.yaml")});
  EXPECT_EQ(served.exit_code, 2);
  EXPECT_THAT(served.err, HasSubstr("pools.yaml:2:"));
  EXPECT_THAT(served.err, HasSubstr("needs the key `buffer_bytes`"));
}

TEST_F(PoolsCommand, ServeLeavesASocketToTheHostThatServesThere) {
  const TemporaryDirectory directory;
  directory.write("pools.yaml", "pools:\n  - {name: a, buffer_bytes: 64, buffers: 1}\n");
  const Finished served = run({"serve", directory.path("pools.yaml")});
  EXPECT_EQ(served.exit_code, 1);
  EXPECT_THAT(served.err, HasSubstr("another host serves at " + host_.socket()));
}

TEST_F(PoolsCommand, WithoutAHostSaysHowToStartOne) {
  host_.stop();
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"list"}, {"resize", "frames", "3"}}) {
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr("no host at " + host_.socket()));
    EXPECT_THAT(finished.err, HasSubstr("poolscope pools serve FILE"));
  }
}

}  // namespace
}  // namespace poolscope::cli_test

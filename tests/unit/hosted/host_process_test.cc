// The host that an agent starts; here a shell script stands for it.
#include "agent/host/host_process.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/process/child.h"

namespace poolscope::host::test {
namespace {

using process::test::eventually;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class HostProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/hosted-test-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    std::filesystem::permissions(folder_, std::filesystem::perms(0777));
    // Says what it was called with and as whom, then waits for its end.
    std::ofstream(path("host")) << "#!/bin/sh\necho \"$* uid $(id -u) $(grep NoNewPrivs /proc/self/status)\" >"
                                << path("said") << ".new\nmv " << path("said") << ".new " << path("said")
                                << "\nread nothing\nexec sleep 1000\n";
    std::filesystem::permissions(path("host"), std::filesystem::perms(0755));
    options_ = {path("host"), path("pools.yaml"), path("sockets/pools.sock"), user()};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string said() const {
    std::ifstream file(path("said"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string user() { return ::geteuid() == 0 ? "nobody" : ""; }
  static uid_t uid() { return ::geteuid() == 0 ? ::getpwnam("nobody")->pw_uid : ::geteuid(); }

  std::string folder_;
  HostProcessOptions options_;
};

TEST_F(HostProcessTest, RunsAsTheUserWithoutAWayToMoreRights) {
  const auto host = HostProcess::start(options_, Clock::now());
  ASSERT_TRUE(host.has_value()) << host.error();
  ASSERT_TRUE(eventually([&] { return !said().empty(); }));
  EXPECT_THAT(said(), HasSubstr("pools serve " + path("pools.yaml") + " --socket " + path("sockets/pools.sock")));
  EXPECT_THAT(said(), HasSubstr("uid " + std::to_string(uid()) + " "));
  EXPECT_THAT(said(), HasSubstr("NoNewPrivs:\t1"));
  struct stat status {};
  ASSERT_EQ(::stat(path("sockets").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, uid());
}

TEST_F(HostProcessTest, EndsWithItsOwner) {
  pid_t pid = -1;
  {
    const auto host = HostProcess::start(options_, Clock::now());
    ASSERT_TRUE(host.has_value()) << host.error();
    pid = host->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(HostProcessTest, IsStartedAgainButNotMoreOftenThanEveryFiveSeconds) {
  auto now = Clock::now();
  auto host = HostProcess::start(options_, now);
  ASSERT_TRUE(host.has_value()) << host.error();
  EXPECT_EQ(host->tend(now), std::nullopt);
  ASSERT_EQ(::kill(host->pid(), SIGKILL), 0);
  std::optional<std::string> line;
  ASSERT_TRUE(eventually([&] { return (line = host->tend(now)).has_value(); }));
  EXPECT_THAT(*line, HasSubstr("signal 9"));
  EXPECT_EQ(host->tend(now + std::chrono::seconds(4)), std::nullopt);
  EXPECT_LT(host->pid(), 0);
  EXPECT_THAT(host->tend(now + std::chrono::seconds(6)), testing::Optional(HasSubstr("started again")));
  EXPECT_GT(host->pid(), 0);
}

TEST_F(HostProcessTest, DoesNotRunAsRoot) {
  options_.user = "root";
  const auto host = HostProcess::start(options_, Clock::now());
  ASSERT_FALSE(host.has_value());
  EXPECT_THAT(host.error(), HasSubstr("hosted_pools.user"));
}

TEST_F(HostProcessTest, NeedsAUserThatExists) {
  options_.user = "nobody-of-this-name";
  const auto host = HostProcess::start(options_, Clock::now());
  ASSERT_FALSE(host.has_value());
  EXPECT_THAT(host.error(), HasSubstr("there is no user nobody-of-this-name"));
}

}  // namespace
}  // namespace poolscope::host::test

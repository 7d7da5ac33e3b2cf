#include "ui/source/local_agents.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/temporary_folder.h"

namespace poolscope::viewer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A /proc of processes that are not there.
class LocalAgents : public testing::Test {
 protected:
  void add(const std::string& name, std::initializer_list<const char*> words) {
    std::filesystem::create_directory(folder_ / name);
    std::ofstream file(folder_ / name / "cmdline", std::ios::binary);
    for (const char* word : words) file << word << '\0';
  }
  [[nodiscard]] std::vector<std::string> found() const { return local_agents(folder_); }
  viewer_test::TemporaryFolder temporary_;
  const std::filesystem::path& folder_ = temporary_.path();
};

TEST_F(LocalAgents, AreFoundByTheirCommandLines) {
  add("1", {"/sbin/init"});
  add("20", {"/usr/bin/poolscope", "agent", "--target", "redis-server"});
  add("21", {"poolscope", "agent", "--web.listen-address", "10.0.0.1:9000", "--target", "x"});
  add("22", {"poolscope", "agent", "--web.listen-address=:9001"});
  add("23", {"poolscope", "agent", "--web.listen-address=0.0.0.0:9002", "--config.file=b.yml"});
  EXPECT_THAT(found(), ElementsAre("10.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9777"));
}

TEST_F(LocalAgents, AreNoOtherProcesses) {
  add("30", {"poolscope", "top"});
  add("31", {"/usr/bin/vim", "agent"});
  add("32", {"poolscope"});
  add("33", {});
  add("35", {"poolscope", "agent", "--web.listen-address", "127.0.0.1:0"});  // it listens somewhere
  add("self", {"poolscope", "agent"});
  add("36", {"poolscope", "agent", "--config.file", "a.yml"});  // its address may stand there
  std::filesystem::create_directory(folder_ / "34");            // it has just ended
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(LocalAgents, AreListedOnce) {
  add("40", {"poolscope", "agent"});
  add("41", {"poolscope", "agent", "--web.listen-address"});
  EXPECT_THAT(found(), ElementsAre("127.0.0.1:9777"));
}

TEST(LocalAgentsWithoutProc, AreNone) {
  EXPECT_THAT(local_agents("/nowhere"), IsEmpty());
}

}  // namespace
}  // namespace poolscope::viewer

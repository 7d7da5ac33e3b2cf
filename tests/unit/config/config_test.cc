// What a valid file gives, and how files are loaded.

#include "agent/config/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poolscope::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kEveryKey = R"(
targets:
  - name: cache
    match:
      pid: 4194304
      process_name: redis-server
      executable: /usr/bin/redis-*
      command_line: '--port 63\d\d'
    include_children: false
    labels:
      team: storage
      tier: 1
  - match: {pid: 1}
budget:
  cpu_ratio: 0.5
  burst_slowdown: 1.05
  burst_max_ms: 50
  follow_max_ms: 1
web:
  listen_address: 0.0.0.0:0
  enable_admin_api: true
  admin_token_file: /etc/poolscope/token
hosted_pools:
  socket: /run/poolscope/pools.sock
  file: /etc/poolscope/pools.yaml
  user: poolscope
history:
  snapshots: 10000
)";

Config parsed(std::string_view yaml) {
  auto config = parse_config(yaml, "test.yaml");
  if (config) return *config;
  for (const auto& error : config.error()) ADD_FAILURE() << describe(error);
  return {};
}

TEST(Config, TakesEveryKeyOfATarget) {
  const Config config = parsed(kEveryKey);
  ASSERT_EQ(config.targets.size(), 2u);
  const TargetConfig& target = config.targets[0];
  EXPECT_EQ(target.name, "cache");
  EXPECT_EQ(target.match.pid, 4194304);
  EXPECT_EQ(target.match.process_name, "redis-server");
  EXPECT_EQ(target.match.executable_glob, "/usr/bin/redis-*");
  EXPECT_EQ(target.match.command_line_regex, R"(--port 63\d\d)");
  EXPECT_FALSE(target.include_children);
  EXPECT_THAT(target.labels, ElementsAre(Pair("team", "storage"), Pair("tier", "1")));
}

TEST(Config, TakesEveryKeyOutsideTargets) {
  const Config config = parsed(kEveryKey);
  EXPECT_DOUBLE_EQ(config.budget.cpu_ratio, 0.5);
  EXPECT_DOUBLE_EQ(config.budget.burst_slowdown, 1.05);
  EXPECT_DOUBLE_EQ(config.budget.burst_max_ms, 50);
  EXPECT_DOUBLE_EQ(config.budget.follow_max_ms, 1);
  EXPECT_EQ(config.web.listen_address, "0.0.0.0:0");
  EXPECT_TRUE(config.web.enable_admin_api);
  EXPECT_EQ(config.web.admin_token_file, "/etc/poolscope/token");
  EXPECT_EQ(config.hosted_pools.socket, "/run/poolscope/pools.sock");
  EXPECT_EQ(config.hosted_pools.file, "/etc/poolscope/pools.yaml");
  EXPECT_EQ(config.hosted_pools.user, "poolscope");
  EXPECT_EQ(config.history_snapshots, 10'000u);
}

struct EmptyCase {
  const char* name;
  const char* yaml;
};
class EmptyConfig : public testing::TestWithParam<EmptyCase> {};

TEST_P(EmptyConfig, HasTheDefaults) {
  const Config config = parsed(GetParam().yaml);
  const Config defaults;
  EXPECT_TRUE(config.targets.empty());
  EXPECT_DOUBLE_EQ(config.budget.cpu_ratio, defaults.budget.cpu_ratio);
  EXPECT_EQ(config.web.listen_address, defaults.web.listen_address);
  EXPECT_FALSE(config.web.enable_admin_api);
  EXPECT_EQ(config.history_snapshots, defaults.history_snapshots);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, EmptyConfig,
    testing::Values(EmptyCase{"NoText", ""}, EmptyCase{"OnlyComment", "# nothing\n"}, EmptyCase{"EmptyMap", "{}"},
                    EmptyCase{"EmptyDocument", "---\n...\n"},
                    EmptyCase{"EmptySections", "targets:\nbudget:\nweb:\nhosted_pools:\nhistory:\n"},
                    EmptyCase{"EmptyList", "targets: []\n"}, EmptyCase{"ByteOrderMark", "\xEF\xBB\xBFtargets: []\n"}),
    [](const auto& info) { return info.param.name; });

TEST(Config, TakesWindowsLineEnds) {
  EXPECT_DOUBLE_EQ(parsed("budget:\r\n  cpu_ratio: 0.02\r\n").budget.cpu_ratio, 0.02);
}

TEST(Config, ParsesTheSameTextTwiceToTheSameResult) {
  EXPECT_FALSE(parse_config("budget: {cpu_ratio: 9}", "a.yaml").has_value());
  EXPECT_EQ(parsed(kEveryKey).targets.size(), parsed(kEveryKey).targets.size());
}

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = testing::TempDir() + "poolscope_config_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }

  std::string path(const char* name) const { return directory_ / name; }
  std::string only_error(const std::string& file) const {
    const auto config = load_config(file);
    if (config || config.error().size() != 1) return "not one error";
    return describe(config.error()[0]);
  }

 private:
  std::filesystem::path directory_;
};

TEST_F(ConfigFile, IsLoadedByPath) {
  std::ofstream(path("a.yaml")) << kEveryKey;
  const auto config = load_config(path("a.yaml"));
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->targets.size(), 2u);
}

TEST_F(ConfigFile, IsNamedInItsErrors) {
  std::ofstream(path("a.yaml")) << "webb: {}\n";
  EXPECT_EQ(only_error(path("a.yaml")), path("a.yaml") + ":1:1: webb: unknown key; did you mean `web`?");
}

TEST_F(ConfigFile, ThatIsMissingGivesTheCause) {
  EXPECT_EQ(only_error(path("none.yaml")), path("none.yaml") + ": cannot be opened: No such file or directory");
}

TEST_F(ConfigFile, ThatIsADirectoryIsRefused) {
  EXPECT_EQ(only_error(path(".")), path(".") + ": not a regular file");
}

TEST_F(ConfigFile, ThatIsAFifoDoesNotBlock) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(only_error(path("fifo")), path("fifo") + ": not a regular file");
}

TEST_F(ConfigFile, ThatIsTooLargeIsRefused) {
  std::ofstream(path("big.yaml")) << "#" << std::string(2'000'000, 'x');
  EXPECT_EQ(only_error(path("big.yaml")), path("big.yaml") + ": larger than 1024 KiB");
}

std::string documentation() {
  std::ifstream file(POOLSCOPE_SOURCE_DIR "/docs/reference/config.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// An unknown key unlike any other makes the parser list the keys it knows in that place.
std::vector<std::string> known_keys(const std::string& yaml) {
  const auto config = parse_config(yaml, "test.yaml");
  if (config) return {};
  const std::string& detail = config.error()[0].detail;
  const std::string lead = "the keys here are: ";
  const std::size_t start = detail.find(lead);
  if (start == std::string::npos) return {};
  std::vector<std::string> keys;
  std::istringstream list(detail.substr(start + lead.size()));
  for (std::string key; std::getline(list >> std::ws, key, ',');) keys.push_back(key);
  return keys;
}

struct Section {
  const char* name;
  const char* prefix;
  const char* yaml;
};
class ConfigDocumentation : public testing::TestWithParam<Section> {};

TEST_P(ConfigDocumentation, HasEveryKey) {
  const std::string text = documentation();
  const auto keys = known_keys(GetParam().yaml);
  ASSERT_FALSE(keys.empty());
  for (const auto& key : keys) EXPECT_THAT(text, HasSubstr("`" + (GetParam().prefix + key) + "`"));
}
INSTANTIATE_TEST_SUITE_P(
    Sections, ConfigDocumentation,
    testing::Values(Section{"Root", "", "zzzzzzzzzz: 1"}, Section{"Budget", "budget.", "budget: {zzzzzzzzzz: 1}"},
                    Section{"Web", "web.", "web: {zzzzzzzzzz: 1}"},
                    Section{"HostedPools", "hosted_pools.", "hosted_pools: {zzzzzzzzzz: 1}"},
                    Section{"History", "history.", "history: {zzzzzzzzzz: 1}"},
                    Section{"Target", "targets[].", "targets: [{zzzzzzzzzz: 1, match: {pid: 1}}]"},
                    Section{"Match", "targets[].match.", "targets: [{match: {zzzzzzzzzz: 1}}]"},
                    Section{"Pool", "custom_pools[].", "custom_pools: [{zzzzzzzzzz: 1}]"},
                    Section{"PoolMatch", "custom_pools[].match.", "custom_pools: [{match: {zzzzzzzzzz: 1}}]"},
                    Section{"PoolFunction", "custom_pools[].get[].",
                            "custom_pools: [{get: [{function: f, zzzzzzzzzz: 1}]}]"}),
    [](const auto& info) { return info.param.name; });

TEST(ConfigDocumentationExample, IsAValidFile) {
  const std::string text = documentation();
  const std::size_t start = text.find("```yaml\n");
  const std::size_t end = text.find("```\n", start + 8);
  ASSERT_NE(end, std::string::npos);
  EXPECT_FALSE(parsed(text.substr(start + 8, end - start - 8)).targets.empty());
}

}  // namespace
}  // namespace poolscope::config

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "exporters/prometheus/metrics.h"
#include "exporters/prometheus/process_metrics.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using poolscope::model::Snapshot;
using poolscope::prometheus_text::MetricsPage;
using poolscope::prometheus_text::parse_proc_stat;
using testing::HasSubstr;
using testing::Not;

std::uint64_t now_unix_ns() {
  return static_cast<std::uint64_t>(std::time(nullptr)) * 1'000'000'000;
}

// Everything that can be on the page is on it.
std::string full_page() {
  Snapshot snapshot = poolscope::test::full_snapshot();
  snapshot.time_unix_ns = now_unix_ns();
  return MetricsPage().build(&snapshot, {true, 1'795'170'000, "0.1.0"});
}

std::optional<double> value_of(const std::string& page, const std::string& name) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
  }
  return std::nullopt;
}

// Runs `promtool check metrics` on `page`; what it says, empty when it has nothing to say.
std::string promtool_complaints(const std::string& page) {
  std::string path = testing::TempDir() + "/metrics-XXXXXX";
  const int fd = mkstemp(path.data());
  if (fd < 0) return "cannot make a file in " + testing::TempDir();
  close(fd);
  std::ofstream(path, std::ios::binary) << page;
  std::FILE* pipe = popen(("/usr/bin/promtool check metrics < '" + path + "' 2>&1").c_str(), "r");
  if (pipe == nullptr) return "cannot start promtool";
  std::string said;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) said.append(buffer.data(), got);
  const int status = pclose(pipe);
  std::filesystem::remove(path);
  return status == 0 ? said : said + "\nexit status " + std::to_string(status);
}

class Promtool : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access("/usr/bin/promtool", X_OK), 0) << "promtool is missing: apt-get install prometheus";
  }
};

TEST_F(Promtool, HasNothingToSayAboutARealisticPage) {
  Snapshot snapshot = poolscope::test::realistic_snapshot();
  snapshot.time_unix_ns = now_unix_ns();
  EXPECT_EQ(promtool_complaints(MetricsPage().build(&snapshot, {true, 1'795'170'000, "0.1.0"})), "");
}

TEST_F(Promtool, HasNothingToSayAboutAPageWithEverything) {
  EXPECT_EQ(promtool_complaints(full_page()), "");
}

TEST_F(Promtool, HasNothingToSayAboutRandomSnapshots) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 5; ++i) {
    Snapshot snapshot = poolscope::test::random_snapshot(random);
    for (auto& target : snapshot.targets) target.labels.clear();  // promtool dislikes capitals, which users may choose
    EXPECT_EQ(promtool_complaints(MetricsPage().build(&snapshot, {})), "") << "round " << i;
  }
}

TEST_F(Promtool, HasNothingToSayAboutNamesThatAreNoText) {
  Snapshot snapshot;
  snapshot.time_unix_ns = now_unix_ns();
  auto& target = snapshot.targets.emplace_back();
  target.name = "quote \" newline \n backslash \\ bytes \xff\xc3";
  target.cost.dropped = {{"\xff", 1}, {"\xfe", 2}};  // the same text once replaced
  EXPECT_EQ(promtool_complaints(MetricsPage().build(&snapshot, {})), "");
}

TEST_F(Promtool, HasNothingToSayBeforeTheFirstMeasurement) {
  const std::string page = MetricsPage().build(nullptr, {true, 0, "0.1.0"});
  EXPECT_EQ(promtool_complaints(page), "");
  EXPECT_THAT(page, Not(HasSubstr("poolscope_budget_ratio")));
}

TEST_F(Promtool, ComplainsAboutABadPage) {
  EXPECT_NE(promtool_complaints("# HELP x a\n# HELP x b\nx 1\n"), "");
}

TEST(MetricsPageTest, CountsDroppedSeriesOverAllPages) {
  Snapshot snapshot;
  snapshot.targets.resize(1);
  MetricsPage page({/*max_series=*/2});
  EXPECT_EQ(value_of(page.build(&snapshot, {}), "poolscope_series_dropped_total"), 3);
  EXPECT_EQ(value_of(page.build(&snapshot, {}), "poolscope_series_dropped_total"), 6);
}

TEST(MetricsPageTest, SaysHowLongItTook) {
  const auto seconds = value_of(full_page(), "poolscope_scrape_duration_seconds");
  ASSERT_TRUE(seconds);
  EXPECT_GT(*seconds, 0);
  EXPECT_LT(*seconds, 60);
}

TEST(MetricsPageTest, LooksAtTheAgeOfTheSnapshot) {
  Snapshot snapshot;
  snapshot.targets.emplace_back().allocations.per_second.emplace();
  snapshot.time_unix_ns = now_unix_ns();
  EXPECT_THAT(MetricsPage().build(&snapshot, {}), HasSubstr("poolscope_allocations_per_second"));
  snapshot.time_unix_ns -= 600'000'000'000;
  EXPECT_THAT(MetricsPage().build(&snapshot, {}), Not(HasSubstr("poolscope_allocations_per_second")));
}

TEST(ProcessMetrics, DescribeThisProcess) {
  const std::string page = full_page();
  EXPECT_GE(value_of(page, "process_cpu_seconds_total").value_or(-1), 0);
  EXPECT_GT(value_of(page, "process_resident_memory_bytes").value_or(0), 100'000);
  EXPECT_GE(value_of(page, "process_virtual_memory_bytes").value_or(0),
            value_of(page, "process_resident_memory_bytes").value_or(0));
  EXPECT_GE(value_of(page, "process_open_fds").value_or(0), 3);
  using Threads = std::filesystem::directory_iterator;
  EXPECT_EQ(value_of(page, "process_threads"), std::distance(Threads("/proc/self/task"), Threads()));
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(value_of(page, "process_start_time_seconds").value_or(0), now, 3600);
}

TEST(ProcessMetrics, CountOpenFilesExactly) {
  const auto open_fds = [] { return value_of(MetricsPage().build(nullptr, {}), "process_open_fds").value_or(-1); };
  const double before = open_fds();
  const std::ifstream file("/proc/self/stat");
  EXPECT_EQ(open_fds(), before + 1);
}

TEST(ProcStat, ReadsPastANameWithBlanksAndParentheses) {
  const auto stat = parse_proc_stat(
      "42 (a) b ( c)) S 1 42 42 0 -1 4194560 100 0 0 0 70 30 0 0 20 0 5 0 12345 8192000 512 18446744073709551615 1\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->cpu_ticks, 100u);
  EXPECT_EQ(stat->threads, 5u);
  EXPECT_EQ(stat->start_time_ticks, 12345u);
  EXPECT_EQ(stat->virtual_bytes, 8192000u);
  EXPECT_EQ(stat->resident_pages, 512u);
}

TEST(ProcStat, RefusesTextThatIsCut) {
  EXPECT_FALSE(parse_proc_stat(""));
  EXPECT_FALSE(parse_proc_stat("42 (x"));
  EXPECT_FALSE(parse_proc_stat("42 (x) S 1 42 42 0 -1 4194560 100 0 0 0 70 30"));
  EXPECT_FALSE(parse_proc_stat("42 (x) S 1 42 42 0 -1 4194560 100 0 0 0 70 many 0 0 20 0 5 0 1 2 3\n"));
}

TEST(MetricsReference, ExplainsEveryFamily) {
  std::ifstream file(POOLSCOPE_SOURCE_DIR "/docs/reference/metrics.md");
  ASSERT_TRUE(file) << "docs/reference/metrics.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string> names;
  std::istringstream lines(full_page());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) names.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  ASSERT_GT(names.size(), 40u);
  for (const std::string& name : names) {
    EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name << " is not explained";
  }
}

}  // namespace

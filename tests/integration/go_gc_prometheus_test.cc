// Debian's prometheus is a stripped Go 1.19 program, linked by gcc: its garbage collections are read without any symbol, and equal
// what its own /metrics says. Needs root and BPF as go_gc_test.cc does.

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/estimate/gc.h"
#include "poolscope/unique_fd.h"
#include "probes/collectors/go_runtime.h"
#include "tests/integration/go_gc_observed.h"

namespace {

using namespace poolscope;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(60);

int free_port() {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), generic, bytes) != 0 || getsockname(listener.get(), generic, &bytes) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::array<char, 4096> part{};
  for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), got);
  pclose(pipe);
  return text;
}

// A Prometheus that watches nothing, in a folder of its own.
class Prometheus {
 public:
  Prometheus() : folder_(std::filesystem::temp_directory_path() / ("go_gc_prometheus." + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ / "prometheus.yml") << "global: {}\n";
    address_ = "127.0.0.1:" + std::to_string(free_port());
    pid_ = fork();
    if (pid_ == 0) become();
    const auto deadline = Clock::now() + kPatience;
    while (output_of("curl --silent http://" + address_ + "/-/ready").find("Ready") == std::string::npos) {
      if (Clock::now() > deadline) throw std::runtime_error("prometheus does not become ready");
    }
  }
  ~Prometheus() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

  // The samples without labels, and what they are.
  struct Metrics {
    double cycles = 0, pause_seconds = 0, allocated_bytes = 0, goal_bytes = 0;
  };
  [[nodiscard]] Metrics metrics() const {
    const std::string text = "\n" + output_of("curl --silent http://" + address_ + "/metrics");
    return {value(text, "go_gc_duration_seconds_count"), value(text, "go_gc_duration_seconds_sum"),
            value(text, "go_memstats_alloc_bytes_total"), value(text, "go_memstats_next_gc_bytes")};
  }

 private:
  [[noreturn]] void become() const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(127);
    const std::string config = "--config.file=" + (folder_ / "prometheus.yml").string();
    const std::string storage = "--storage.tsdb.path=" + (folder_ / "data").string();
    const std::string listen = "--web.listen-address=" + address_;
    execl("/usr/bin/prometheus", "prometheus", config.c_str(), storage.c_str(), listen.c_str(), nullptr);
    _exit(127);
  }
  static double value(const std::string& text, const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    if (at == std::string::npos) throw std::runtime_error("prometheus does not give " + name);
    return std::strtod(text.c_str() + at + name.size() + 2, nullptr);
  }

  std::filesystem::path folder_;
  std::string address_;
  pid_t pid_ = -1;
};

TEST(GoGcPrometheus, CountsAreThoseOfItsOwnMetrics) {
  auto programs = probes::GoGcPrograms::load(attach::AttachMethod::kUprobeMulti);
  if (!programs && std::getenv("POOLSCOPE_REQUIRE_BPF") == nullptr) GTEST_SKIP() << describe(programs.error());
  ASSERT_TRUE(programs) << describe(programs.error());
  const Prometheus prometheus;
  const test::Observed observed(prometheus.pid());
  const auto places = probes::find_gc_places(observed.program());
  ASSERT_TRUE(places) << places.error().detail;
  EXPECT_TRUE(places->variables_are_from_code);
  EXPECT_FALSE(places->layout_is_from_dwarf);
  EXPECT_TRUE(places->absent.empty()) << testing::PrintToString(places->absent);
  ASSERT_TRUE(places->cycle_end);
  EXPECT_EQ(places->cycle_end->cost, elf::CostClass::kEmulated) << places->cycle_end->instruction;

  attach::Detacher detacher;
  auto runtime = observed.start(probes::GcProbing{**programs, detacher, 0});
  ASSERT_TRUE(runtime) << runtime.error().detail;
  EXPECT_TRUE((*runtime)->limits().empty()) << testing::PrintToString((*runtime)->limits());
  model::GcCounters first = (*runtime)->take_life().value().counted;
  estimate::add(first, (*runtime)->read().counted);

  // its own pages are its load: each costs it a good part of a megabyte
  const double wanted = static_cast<double>(first.cycles) + 5;
  const auto deadline = Clock::now() + kPatience;
  Prometheus::Metrics before = prometheus.metrics();
  while (before.cycles < wanted && Clock::now() < deadline) before = prometheus.metrics();
  const model::GcRecord second = (*runtime)->read();
  const Prometheus::Metrics after = prometheus.metrics();
  ASSERT_GE(before.cycles, wanted);

  const auto between = [](double low, double value, double high, const char* what) {
    EXPECT_LE(low, value * (1 + 1e-9)) << what;
    EXPECT_GE(high * (1 + 1e-9), value) << what;
  };
  between(before.cycles, static_cast<double>(first.cycles + second.counted.cycles), after.cycles, "cycles");
  between(before.pause_seconds, static_cast<double>(first.pause_ns + second.counted.pause_ns) * 1e-9,
          after.pause_seconds, "pauses");
  const auto allocated = static_cast<double>(first.allocated_bytes + second.counted.allocated_bytes);
  between(before.allocated_bytes * 0.98, allocated, after.allocated_bytes, "allocated bytes");
  EXPECT_EQ(second.watched.cycles, second.counted.cycles);
  ASSERT_TRUE(second.heap.live_bytes && second.heap.goal_bytes);
  EXPECT_GT(*second.heap.live_bytes, 1u << 20);
  EXPECT_LT(*second.heap.live_bytes, *second.heap.goal_bytes);
  // no cycle ended in between: the goal is that of one moment
  if (before.cycles == after.cycles) {
    EXPECT_EQ(static_cast<double>(*second.heap.goal_bytes), after.goal_bytes);
  }
}

}  // namespace

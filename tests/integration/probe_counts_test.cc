// Entry probes at the chosen points count every call of the malloc family exactly: exact_alloc, which knows its own
// numbers, is stopped at its entry point, probed, and compared when it ends. For each allocator and each way to attach.
// Needs root; without BPF the tests are skipped, unless POOLSCOPE_REQUIRE_BPF is set.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agent/sampler/probing.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/process_image.h"
#include "probes/process/launcher.h"
#include "probes/process/process.h"
#include "tests/integration/start_or_skip.h"

namespace {

using namespace poolscope;
using process::FollowEvent;
using process::Launcher;
using Probes = probes::AllocPrograms::Probes;

// stdout of the program, which inherits ours.
class CapturedStdout {
 public:
  CapturedStdout() : file_(std::tmpfile()), saved_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    dup2(fileno(file_), STDOUT_FILENO);
  }
  ~CapturedStdout() {
    restore();
    std::fclose(file_);
  }
  void restore() {
    if (saved_ < 0) return;
    dup2(saved_, STDOUT_FILENO);
    close(saved_);
    saved_ = -1;
  }
  std::string text() const {
    std::string text(65536, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(pread(fileno(file_), text.data(), text.size(), 0), 0)));
    return text;
  }

 private:
  std::FILE* file_;
  int saved_;
};

struct Case {
  const char* name;
  const char* preload;  // nullptr: the C library
  probes::ProgramMode mode;
  bool keeps_block_of_size_0 = false;  // realloc(block, 0) returns a block
};

constexpr unsigned kRounds = 20;

class EntryProbes : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    probes::LoadOptions options;
    options.mode = GetParam().mode;
    start_or_skip(probing, options);
    if (!probing) return;
    ASSERT_EQ(probing->calibration().mode, GetParam().mode) << "this way of attaching does not work here";
  }

  void attach(pid_t pid, std::uint32_t slot) {
    const auto status = process::check_observable(pid);
    ASSERT_TRUE(status);
    auto image = probes::ProcessImage::read(status->key, probing->elf_cache());
    ASSERT_TRUE(image);
    const auto plan = probes::plan_allocators(*image);
    ASSERT_TRUE(plan) << plan.error().detail;
    allocator = plan->allocator();
    alloc_control& control = probing->programs().control(slot);
    control.code = probes::code_of(*plan);
    control.tgid = static_cast<__u32>(pid);
    control.deadline_ns = ~std::uint64_t{0};
    control.armed = ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_FREES;
    for (const auto& object : plan->objects) {
      for (const bool freeing : {true, false}) {
        std::vector<attach::ProbeSite> sites;
        for (const auto& function : object.functions) {
          if ((function.function == ALLOC_FN_FREE) != freeing) continue;
          sites.push_back({function.entry.file_offset,
                           probes::pack_cookie(function.function, function.entry, slot, function.number)});
        }
        auto attached = probing->programs().attach(freeing ? Probes::kFree : Probes::kRate, pid, object.open_path,
                                                   sites, object.name);
        ASSERT_TRUE(attached) << attach::describe(attached.error());
        for (auto& link : *attached) links.push_back(std::move(link));
      }
    }
  }

  std::unique_ptr<sampler::Probing> probing;
  attach::UprobeLinks links;
  std::string allocator;
};

TEST_P(EntryProbes, CountWhatTheProgramCounted) {
  const auto slot = probing->programs().acquire_slot();
  ASSERT_TRUE(slot);
  CapturedStdout output;
  if (GetParam().preload != nullptr) setenv("LD_PRELOAD", GetParam().preload, 1);
  auto launcher = Launcher::start({EXACT_ALLOC, "--rounds", std::to_string(kRounds)}, Launcher::Mode::kFollow);
  unsetenv("LD_PRELOAD");
  ASSERT_TRUE(launcher) << process::describe(launcher.error());
  while (true) {
    const FollowEvent event = (*launcher)->next_event(std::chrono::seconds(30));
    ASSERT_NE(event.kind, FollowEvent::Kind::kTimeout);
    if (event.kind == FollowEvent::Kind::kAllExited) break;
    if (event.kind == FollowEvent::Kind::kReadyAfterExec) attach(event.pid, *slot);
    if (event.kind != FollowEvent::Kind::kExited) (*launcher)->resume(event.pid);
  }
  output.restore();
  const alloc_counts counts = probing->programs().read_counts(*slot);
  const auto own = nlohmann::json::parse(output.text());
  // An entry probe cannot see what a call returns. Each round has one posix_memalign of 100 bytes that fails, and one
  // realloc(block, 0), which counts as a free although some allocators return a block.
  const unsigned kept = GetParam().keeps_block_of_size_0 ? kRounds : 0;
  EXPECT_EQ(counts.allocations, own["allocations"].get<unsigned>() + kRounds) << allocator;
  EXPECT_EQ(counts.allocated_bytes, own["allocated_bytes"].get<unsigned>() + 100 * kRounds) << allocator;
  EXPECT_EQ(counts.reallocations, own["reallocations"].get<unsigned>() - kept) << allocator;
  EXPECT_EQ(counts.frees, own["frees"].get<unsigned>() + kept) << allocator;
}

constexpr auto kSession = probes::ProgramMode::kSession;
INSTANTIATE_TEST_SUITE_P(Allocators, EntryProbes,
                         testing::Values(Case{"Glibc", nullptr, kSession},
                                         Case{"Jemalloc", "libjemalloc.so.2", kSession},
                                         Case{"Tcmalloc", "libtcmalloc_minimal.so.4", kSession},
                                         Case{"Mimalloc", "libmimalloc.so.2", kSession, true}),
                         [](const auto& each) { return std::string(each.param.name); });
INSTANTIATE_TEST_SUITE_P(WaysToAttach, EntryProbes,
                         testing::Values(Case{"MultiPair", nullptr, probes::ProgramMode::kMultiPair},
                                         Case{"PerfPair", nullptr, probes::ProgramMode::kPerfPair}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace

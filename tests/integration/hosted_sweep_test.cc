// acquire() and release() of a hosted pool, optimised as services run them, one instruction at a time: a kill there loses no buffer and
// shares none. What a kill leaves behind is the shared memory, so a copy of it after each instruction is a kill at each instruction.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hosted/running_host.h"
#include "tests/unit/hosted/shared_words.h"

namespace poolscope::host::test {
namespace {

using Words = detail::HostedWords<>;
using hosted::test::SharedWords;

constexpr std::uint32_t kBuffers = 130, kLimit = 129;  // three words of hints; the last buffer is above the limit
constexpr std::uint32_t kAboveLimit = kLimit;
constexpr std::uint16_t kVictim = 1, kOther = 7;
constexpr int kTookAnotherPath = 3;

// ---- what others leave behind ---------------------------------------------------------------------------------------

void all_free(Words) {}
// All hints stay set.
void all_out(Words words) {
  for (std::uint32_t i = 0; i < kLimit; ++i) (void)words.take(kOther, i);
}
void all_out_and_looked_for(Words words) {
  all_out(words);
  (void)words.take(kOther, 0);  // clears all hints
}
void put_back(Words words, std::uint32_t index) {
  (void)words.put({index, words.slot(index).load()}, kBuffers);
}
void one_near_free(Words words) {
  all_out(words);
  put_back(words, 40);
}
void one_far_free(Words words) {
  all_out(words);
  put_back(words, 128);
}
void one_far_free_and_hinted_at(Words words) {
  all_out_and_looked_for(words);
  put_back(words, 128);
}
void one_above_the_limit_free(Words words) {
  all_out_and_looked_for(words);
  words.slot(kAboveLimit).store(detail::slot_word(detail::SlotState::kFree, detail::kNoClient, 1));
  (void)words.hint(kAboveLimit);
}
void nothing(Words) {}
void take_back_and_lend_again(Words words) {
  const std::uint64_t word = words.slot(0).load();
  words.slot(0).store(detail::slot_word(detail::SlotState::kFree, detail::kNoClient, detail::generation_of(word)));
  (void)words.take(kOther, 0);
}

// ---- what the victim does -------------------------------------------------------------------------------------------

bool took(const HostedBuffer& buffer, std::uint32_t index) {
  return buffer && buffer.index() == index;
}
bool take_and_put(HostedPool& pool, std::uint32_t index) {
  auto buffer = pool.acquire();
  if (!took(buffer, index)) return false;
  buffer.release();
  return true;
}
bool use_the_same_again(HostedPool& pool) {
  return take_and_put(pool, 0) && take_and_put(pool, 0);
}
bool use_near(HostedPool& pool) {
  return take_and_put(pool, 40);
}
bool use_far(HostedPool& pool) {
  return take_and_put(pool, 128);
}
bool find_none(HostedPool& pool) {
  return !pool.acquire() && !pool.acquire();
}
bool put_where_nobody_hints(HostedPool& pool) {
  auto buffer = pool.acquire();
  if (pool.acquire()) return false;  // clears the hint
  buffer.release();
  return take_and_put(pool, 128);
}
bool put_above_the_limit(HostedPool& pool) {
  return take_and_put(pool, kAboveLimit) && !pool.acquire();
}
bool put_what_was_taken_back(HostedPool& pool) {
  auto buffer = pool.acquire();
  (void)::raise(SIGSTOP);  // here others do something
  buffer.release();
  return pool.not_ours() == 1;
}

struct Path {
  const char* name;
  void (*prepare)(Words);
  bool (*use)(HostedPool&);
  void (*meanwhile)(Words);
};
constexpr Path kPaths[] = {
    {"TheOneOfLastTime", all_free, use_the_same_again, nothing},
    {"ByHint", one_near_free, use_near, nothing},
    {"ByScanPastOldHints", one_far_free, use_far, nothing},
    {"ByScanPastNoHints", one_far_free_and_hinted_at, use_far, nothing},
    {"NoneFree", all_out, find_none, nothing},
    {"NoneFreeAndNoHints", all_out_and_looked_for, find_none, nothing},
    {"PutWhereNobodyHints", one_far_free_and_hinted_at, put_where_nobody_hints, nothing},
    {"PutAfterManyHintsWereCleared", one_far_free, put_where_nobody_hints, nothing},
    {"PutAboveTheLimit", one_above_the_limit_free, put_above_the_limit, nothing},
    {"PutWhatWasTakenBack", all_free, put_what_was_taken_back, take_back_and_lend_again},
};
void PrintTo(const Path& path, std::ostream* out) {
  *out << path.name;
}

// ---- the walk -------------------------------------------------------------------------------------------------------

// Slots read from the end of the memory, with nothing of the code under test.
std::vector<std::uint32_t> held_by(std::uint16_t client, const SharedWords& shared) {
  std::vector<std::uint64_t> slots(kBuffers);
  const std::size_t bytes = kBuffers * sizeof(std::uint64_t);
  std::memcpy(slots.data(), static_cast<const std::byte*>(shared.base()) + shared.bytes() - bytes, bytes);
  std::vector<std::uint32_t> held;
  for (std::uint32_t i = 0; i < kBuffers; ++i) {
    if ((slots[i] >> 16 & 0xffff) == client) held.push_back(i);
  }
  return held;
}

// The victim was killed when the memory was as `left`: nothing is lost, nothing is with two.
void expect_all_there(const SharedWords& left) {
  const SharedWords shared(left.base(), kBuffers);
  std::vector<std::uint32_t> all = held_by(kOther, shared);
  (void)hosted::HostedAudit(shared.base(), kBuffers).pass(kLimit, hosted::test::live({kOther}));
  ASSERT_EQ(held_by(kOther, shared), all) << "of those who live nothing is taken";
  ASSERT_TRUE(held_by(kVictim, shared).empty());
  const auto free = hosted::test::drain(shared.words(), kOther);
  all.insert(all.end(), free.begin(), free.end());
  std::ranges::sort(all);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < kLimit + (all.size() > kLimit ? 1 : 0); ++i) expected.push_back(i);
  ASSERT_EQ(all, expected) << "each is free once, or with one that lives";
}

// ---- one instruction after the other --------------------------------------------------------------------------------

class Sweep {
 public:
  explicit Sweep(const Path& path) : path_(path) {}

  // `at`: called before each instruction with its number.
  void run(const std::function<void(Words, int)>& at) {
    host_.start();
    start_victim();
    path_.prepare(words());
    step_through(at);
  }
  [[nodiscard]] int instructions() const { return instructions_; }
  [[nodiscard]] int states() const { return states_; }
  [[nodiscard]] int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

 private:
  [[nodiscard]] void* base() { return host_.host().pool("frames")->memory()->words(); }
  [[nodiscard]] Words words() { return {base(), kBuffers}; }

  void start_victim() {
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) be_victim();
    // From here on the host does nothing: what it would repair is seen.
    ASSERT_TRUE(process::test::eventually([&] {
      host_.turn();
      return ::waitpid(child_, &status_, WNOHANG | WUNTRACED) == child_;
    }));
    ASSERT_TRUE(WIFSTOPPED(status_)) << status_;
  }
  [[noreturn]] void be_victim() {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::close_range(3, ~0U, 0);
    auto pool = host_.open();
    if (!pool || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kTookAnotherPath + 1);
    (void)::raise(SIGSTOP);
    ::_exit(path_.use(**pool) ? 0 : kTookAnotherPath);
  }

  void step_through(const std::function<void(Words, int)>& at) {
    SharedWords last(base(), kBuffers);
    expect_all_there(last);
    while (WIFSTOPPED(status_) && !testing::Test::HasFatalFailure()) {
      if (instructions_ > 0 && WSTOPSIG(status_) == SIGSTOP) path_.meanwhile(words());
      at(words(), instructions_++);
      ASSERT_EQ(::ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr), 0);
      ASSERT_EQ(::waitpid(child_, &status_, 0), child_);
      if (std::memcmp(last.base(), base(), last.bytes()) == 0) continue;
      std::memcpy(last.base(), base(), last.bytes());
      ++states_;
      expect_all_there(last);
    }
  }

  Path path_;
  RunningHost host_{PoolConfig{"frames", 64, kLimit, kBuffers, {}}};
  pid_t child_ = -1;
  int status_ = 0, instructions_ = 0, states_ = 0;
};

class HostedSweep : public testing::TestWithParam<Path> {};

TEST_P(HostedSweep, AKillAtAnyInstructionLosesNothing) {
  Sweep sweep(GetParam());
  sweep.run([](Words, int) {});
  ASSERT_EQ(sweep.exit_code(), 0) << kTookAnotherPath << ": the victim took another path";
  EXPECT_GT(sweep.instructions(), 20);
  EXPECT_GE(sweep.states(), 1);
  std::printf("%s: %d instructions, %d changes of the memory\n", GetParam().name, sweep.instructions(), sweep.states());
}

INSTANTIATE_TEST_SUITE_P(Paths, HostedSweep, testing::ValuesIn(kPaths),
                         [](const auto& path) { return std::string(path.param.name); });

// ---- others, in between -----------------------------------------------------------------------------------------------

void take_the_next(Words words) {
  (void)words.take(kOther, 0);
}
void put_one_back(Words words) {
  if (detail::owner_of(words.slot(5).load()) == kOther) put_back(words, 5);
}
void look_for_one(Words words) {
  if (const auto slot = words.take(kOther, 100)) (void)words.put(*slot, kLimit);
}
void audit(Words words) {
  // The words are the last of the memory, and its size is known.
  std::byte* const base = reinterpret_cast<std::byte*>(&words.slot(0)) + kBuffers * 8 - Words::bytes_for(kBuffers);
  const auto report = hosted::HostedAudit(base, kBuffers).pass(kLimit, hosted::test::live({kVictim, kOther}));
  EXPECT_EQ(report.reclaimed + report.mended, 0u);
}

struct Disturbance {
  const char* name;
  const char* path;
  void (*act)(Words);
};
constexpr Disturbance kDisturbances[] = {{"AnotherTakesTheBuffer", "TheOneOfLastTime", take_the_next},
                                         {"AnotherPutsOneBack", "NoneFreeAndNoHints", put_one_back},
                                         {"AnotherLooksWhenOneIsLeft", "ByScanPastNoHints", look_for_one},
                                         {"AnotherLooksWhenOneAboveTheLimitIsLeft", "PutAboveTheLimit", look_for_one},
                                         {"TheHostLooksAtAll", "PutWhereNobodyHints", audit}};
void PrintTo(const Disturbance& disturbance, std::ostream* out) {
  *out << disturbance.name;
}

// The others act before instruction n, for every n: exchanges fail, and are killed while they do.
class HostedSweepRace : public testing::TestWithParam<Disturbance> {};

TEST_P(HostedSweepRace, AKillAtAnyInstructionLosesNothingWhateverOthersDidBefore) {
  const auto& path = *std::ranges::find(kPaths, std::string_view(GetParam().path), &Path::name);
  int instructions = 1, swept = 0, other_paths = 0;
  for (int n = 0; n < instructions && !HasFailure(); ++n) {
    Sweep sweep(path);
    sweep.run([n](Words words, int at) {
      if (at == n) GetParam().act(words);
    });
    ASSERT_TRUE(sweep.exit_code() == 0 || sweep.exit_code() == kTookAnotherPath) << sweep.exit_code();
    instructions = std::max(instructions, sweep.instructions());
    swept += sweep.instructions();
    other_paths += sweep.exit_code() == kTookAnotherPath ? 1 : 0;
  }
  EXPECT_EQ(other_paths > 0, GetParam().act != audit) << "the host does not disturb, the others do";
  std::printf("%s: %d moments, %d instructions, %d times the victim went another way\n", GetParam().name, instructions,
              swept, other_paths);
}

INSTANTIATE_TEST_SUITE_P(Others, HostedSweepRace, testing::ValuesIn(kDisturbances),
                         [](const auto& disturbance) { return std::string(disturbance.param.name); });

}  // namespace
}  // namespace poolscope::host::test

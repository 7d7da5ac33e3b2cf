#include "probes/collectors/calibration_child.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <iterator>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process/monotonic_clock.h"

namespace poolscope::probes {
namespace {

constexpr std::size_t kWalkBytes = 64 << 10;
constexpr std::size_t kLineBytes = 64;

// Dirties as many cache lines as a service does between two allocations.
void walk(std::array<unsigned char, kWalkBytes>& memory) {
  for (std::size_t i = 0; i < kWalkBytes; i += kLineBytes) memory[i] = static_cast<unsigned char>(memory[i] + 1);
}

std::uint64_t thread_cpu_ns() {
  return process::clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

std::uint64_t allocate(std::uint32_t pairs) {
  static std::array<unsigned char, kWalkBytes> memory;
  const std::uint64_t start_ns = thread_cpu_ns();
  for (std::uint32_t i = 0; i < pairs; ++i) {
    void* volatile block = std::malloc(64 + i % 1024);  // volatile: the pair must not be optimised away
    std::free(block);
    walk(memory);
  }
  return thread_cpu_ns() - start_ns;
}

// Allows what allocate() and its pipe need; everything else kills.
void confine() {
  static constexpr std::uint32_t kAllowed[] = {
      SYS_read,    SYS_write, SYS_exit_group, SYS_exit,   SYS_brk,    SYS_mmap,          SYS_munmap,      SYS_mprotect,
      SYS_madvise, SYS_futex, SYS_mremap,     SYS_gettid, SYS_getpid, SYS_clock_gettime, SYS_rt_sigreturn};
  constexpr std::size_t kCount = std::size(kAllowed);
  sock_filter program[kCount + 3];
  program[0] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < kCount; ++i) {
    program[i + 1] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kAllowed[i], static_cast<unsigned char>(kCount - i), 0);
  }
  program[kCount + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[kCount + 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(3);
}

struct ChildPipes {
  int requests, answers;
  CalibrationChild::Confinement confinement;
  int cpu;
};

void* serve(void* argument) {
  const auto& pipes = *static_cast<const ChildPipes*>(argument);
  if (pipes.confinement == CalibrationChild::Confinement::kSeccomp) confine();
  std::uint32_t pairs = 0;
  while (read(pipes.requests, &pairs, sizeof(pairs)) == sizeof(pairs)) {
    const std::uint64_t cpu_ns = allocate(pairs);
    if (write(pipes.answers, &cpu_ns, sizeof(cpu_ns)) != sizeof(cpu_ns)) break;
  }
  _exit(0);
}

[[noreturn]] void run_child(ChildPipes pipes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // when poolscope dies so does its child
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(pipes.cpu, &cpus);
  (void)sched_setaffinity(0, sizeof cpus, &cpus);  // its thread inherits it
  pthread_t thread;
  if (pthread_create(&thread, nullptr, serve, &pipes) != 0) _exit(2);
  pthread_join(thread, nullptr);
  _exit(0);
}

}  // namespace

std::optional<CalibrationChild> CalibrationChild::start(Confinement confinement, int cpu) {
  int requests[2], answers[2];
  if (pipe2(requests, O_CLOEXEC) != 0) return std::nullopt;
  UniqueFd request_read(requests[0]), request_write(requests[1]);
  if (pipe2(answers, O_CLOEXEC) != 0) return std::nullopt;
  UniqueFd answer_read(answers[0]), answer_write(answers[1]);
  const pid_t pid = fork();
  if (pid < 0) return std::nullopt;
  if (pid == 0) {
    request_write.reset();  // else the child would hold its own pipe open and never see the end of it
    answer_read.reset();
    run_child({request_read.get(), answer_write.get(), confinement, std::clamp(cpu, 0, CPU_SETSIZE - 1)});
  }
  return CalibrationChild(pid, std::move(request_write), std::move(answer_read));
}

CalibrationChild::~CalibrationChild() {
  if (!to_) return;  // moved from
  to_.reset();
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<double> CalibrationChild::run(std::uint32_t pairs) {
  std::uint64_t cpu_ns = 0;
  if (write(to_.get(), &pairs, sizeof(pairs)) != sizeof(pairs)) return std::nullopt;
  if (read(from_.get(), &cpu_ns, sizeof(cpu_ns)) != sizeof(cpu_ns)) return std::nullopt;
  return static_cast<double>(cpu_ns) / pairs;
}

namespace {

using Rounds = std::array<double, kCalibrationRounds>;

double median(Rounds& rounds) {
  std::ranges::nth_element(rounds, rounds.begin() + rounds.size() / 2);
  return rounds[rounds.size() / 2];
}

}  // namespace

std::optional<PairPrice> price_pair(CalibrationChild& probed, CalibrationChild& plain) {
  Rounds plain_ns{}, extra_ns{};
  for (std::size_t i = 0; i < kCalibrationRounds; ++i) {
    const auto without = plain.run(kPairsPerRound);
    const auto with = probed.run(kPairsPerRound);
    if (!without || !with) return std::nullopt;
    plain_ns[i] = *without;
    extra_ns[i] = *with - *without;
  }
  return PairPrice{median(plain_ns), std::max(median(extra_ns), 1.0)};
}

}  // namespace poolscope::probes

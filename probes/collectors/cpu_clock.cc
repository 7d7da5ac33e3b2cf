#include "probes/collectors/cpu_clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <numeric>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "cpu_time.skel.h"

namespace poolscope::probes {

using attach::AttachError;
using process::TaskClockError;

namespace {

constexpr const char* kWhat = "the CPU time of processes";

int print_no_cpu_time(libbpf_print_level, const char*, va_list) {
  return 0;
}

// A CPU that runs stays no longer without a tick, but for those that were told to.
std::optional<std::uint64_t> tick_ns() {
  std::string without_ticks;
  std::ifstream("/sys/devices/system/cpu/nohz_full") >> without_ticks;
  if (!without_ticks.empty() && without_ticks != "(null)") return std::nullopt;
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0 || tick.tv_sec != 0 || tick.tv_nsec <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(tick.tv_nsec);
}

// Nothing of a process that is gone.
std::optional<std::uint64_t> walk_ns(const UniqueFd& link) {
  const UniqueFd walk(bpf_iter_create(link.get()));
  if (!walk) return std::nullopt;
  constexpr int kMostReads = 4096;  // of 512 threads each
  std::array<std::uint64_t, 512> threads_ns{};
  std::optional<std::uint64_t> sum_ns;
  for (int reads = 0; reads < kMostReads; ++reads) {
    const ssize_t bytes = ::read(walk.get(), threads_ns.data(), sizeof(threads_ns));
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (bytes <= 0) break;
    const auto threads = static_cast<std::size_t>(bytes) / sizeof(std::uint64_t);
    sum_ns = std::accumulate(threads_ns.begin(), threads_ns.begin() + static_cast<std::ptrdiff_t>(threads),
                             sum_ns.value_or(0));
  }
  return sum_ns;
}

}  // namespace

Result<std::unique_ptr<CpuTimeProgram>, AttachError> CpuTimeProgram::start() {
  const auto tick = tick_ns();
  if (!tick) return Failure{attach::from_errno(kWhat, "CPUs without ticks (nohz_full)", EOPNOTSUPP)};
  libbpf_set_print(std::getenv("POOLSCOPE_DEBUG_LIBBPF") != nullptr ? nullptr : print_no_cpu_time);
  std::unique_ptr<CpuTimeProgram> program(new CpuTimeProgram);
  program->skeleton_ = cpu_time__open();
  if (program->skeleton_ == nullptr) return Failure{attach::from_errno(kWhat, "opening the BPF object", errno)};
  program->skeleton_->rodata->tick_ns = *tick;
  if (const int result = cpu_time__load(program->skeleton_); result != 0)
    return Failure{attach::from_errno(kWhat, "loading the BPF program", -result)};
  if (!program->walk_of(::getpid())) return Failure{attach::from_errno(kWhat, "walking over threads", errno)};
  return program;
}

CpuTimeProgram::~CpuTimeProgram() {
  if (skeleton_ != nullptr) cpu_time__destroy(skeleton_);
}

UniqueFd CpuTimeProgram::walk_of(pid_t pid) const {
  bpf_iter_link_info info{};
  info.task.pid = static_cast<__u32>(pid);
  LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
  return UniqueFd(bpf_link_create(bpf_program__fd(skeleton_->progs.cpu_time), 0, BPF_TRACE_ITER, &options));
}

Result<CpuClock, TaskClockError> CpuClock::open(const CpuTimeProgram* program, pid_t pid) {
  if (program != nullptr) {
    Walk walk{program->walk_of(pid), 0};
    if (walk.link && walk_ns(walk.link)) return CpuClock(std::move(walk));
  }
  auto clock = process::TaskClock::open(pid);
  if (!clock) return Failure{clock.error()};
  return CpuClock(std::move(*clock));
}

Result<Done, TaskClockError> CpuClock::enable() {
  auto* clock = std::get_if<process::TaskClock>(&clock_);
  return clock != nullptr ? clock->enable() : Result<Done, TaskClockError>(Done{});
}

Result<Done, TaskClockError> CpuClock::disable() {
  auto* clock = std::get_if<process::TaskClock>(&clock_);
  return clock != nullptr ? clock->disable() : Result<Done, TaskClockError>(Done{});
}

Result<std::uint64_t, TaskClockError> CpuClock::read_ns() const {
  if (const auto* clock = std::get_if<process::TaskClock>(&clock_)) return clock->read_ns();
  const Walk& walk = std::get<Walk>(clock_);
  // Of threads on a CPU the reading is not exact, and it must not go back.
  walk.last_ns = std::max(walk.last_ns, walk_ns(walk.link).value_or(0));
  return walk.last_ns;
}

}  // namespace poolscope::probes

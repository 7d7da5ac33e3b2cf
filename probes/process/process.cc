#include "probes/process/process.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "probes/process/proc_file.h"
#include "probes/process/proc_text.h"

namespace poolscope::process {
namespace {

using Reason = ProcessError::Reason;

constexpr std::size_t kMaxStatBytes = 4096;
constexpr std::size_t kMaxStatusBytes = 16384;
constexpr std::size_t kMaxCommandLineBytes = 65536;
constexpr std::size_t kMaxBootStatBytes = 1 << 20;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::uint64_t ticks_to_ns(std::uint64_t ticks) {
  static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks * (kNsPerSecond / ticks_per_second);
}

// Read once: the kernel recomputes it from the wall clock, and a start time must not move with it.
std::uint64_t boot_time_unix_ns() {
  static const std::uint64_t boot_ns = [] {
    const auto text = read_proc_file("/proc/stat", kMaxBootStatBytes);
    return text ? parse_boot_time_seconds(*text).value_or(0) * kNsPerSecond : 0;
  }();
  return boot_ns;
}

ProcessError gone(pid_t pid) {
  // hidepid= hides the directory of a process that kill() still finds.
  if (::kill(pid, 0) == 0 || errno == EPERM) {
    return {Reason::kNotPermitted, pid,
            "/proc hides it (mounted with hidepid); needs CAP_SYS_PTRACE, or run as the user of the process", EACCES};
  }
  return {Reason::kNoSuchProcess, pid,
          "it ended or never was; look up the pid again, or name the target by exe or process name", ESRCH};
}

ProcessError failure(pid_t pid, const std::string& path, int error) {
  if (error == ENOENT) return gone(pid);
  if (error == EACCES || error == EPERM) {
    return {Reason::kNotPermitted, pid, "reading " + path + " needs CAP_SYS_PTRACE, or run as the user of the process",
            error};
  }
  return {Reason::kSystem, pid, "cannot read " + path, error};
}

Result<StatText, ProcessError> read_stat(pid_t pid) {
  const std::string path = proc_path(pid, "stat");
  const auto text = read_proc_file(path, kMaxStatBytes);
  if (!text) return Failure{failure(pid, path, text.error())};
  if (auto stat = parse_stat(*text)) return *std::move(stat);
  return Failure{ProcessError{Reason::kSystem, pid, path + " does not look as proc(5) describes it", 0}};
}

std::vector<pid_t> numeric_entries(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  std::vector<pid_t> ids;
  if (!dir) return ids;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    pid_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error == std::errc() && end == name.data() + name.size() && id > 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<ProcessError> refuse_dead_or_kernel(pid_t pid, const StatText& stat) {
  if (stat.is_kernel_thread()) {
    return ProcessError{Reason::kKernelThread, pid, "`" + stat.command + "` runs no user code; choose a user process",
                        0};
  }
  if (stat.is_zombie()) {
    return ProcessError{Reason::kZombie, pid,
                        "it has ended and waits for its parent " + std::to_string(stat.parent_pid) +
                            " to collect it; choose a running process",
                        0};
  }
  if (stat.state == 'Z') {
    return ProcessError{
        Reason::kZombie, pid,
        "its main thread has ended while others run on, so /proc shows no memory map; such a program cannot "
        "be observed",
        0};
  }
  return std::nullopt;
}

std::optional<ProcessError> refuse_foreign_program(pid_t pid) {
  const std::string path = proc_path(pid, "exe");
  const auto head = read_proc_file(path, kElfHeadBytes);
  if (head) {
    if (is_x86_64_elf(*head)) return std::nullopt;
    return ProcessError{Reason::kForeignArchitecture, pid,
                        path + " is no 64-bit x86 program; poolscope measures x86-64 programs only", 0};
  }
  if (head.error() == EACCES && read_proc_link(path)) {
    return ProcessError{Reason::kNotPermitted, pid, "the executable may be run but not read; needs CAP_DAC_READ_SEARCH",
                        EACCES};
  }
  if (head.error() == ENOENT && read_stat(pid)) {
    return ProcessError{Reason::kKernelThread, pid, "it has no executable; choose a user process", 0};
  }
  return failure(pid, path, head.error());
}

const char* reason_text(Reason reason) {
  switch (reason) {
    case Reason::kNoSuchProcess:
      return "no such process";
    case Reason::kKernelThread:
      return "kernel thread";
    case Reason::kZombie:
      return "zombie";
    case Reason::kForeignArchitecture:
      return "foreign architecture";
    case Reason::kNotPermitted:
      return "not permitted";
    case Reason::kSystem:
      return "system error";
  }
  return "unknown";
}

}  // namespace

std::string describe(const ProcessError& error) {
  std::string text = "process " + std::to_string(error.pid) + ": " + reason_text(error.reason);
  const char* name = error.sys_errno != 0 ? ::strerrorname_np(error.sys_errno) : nullptr;
  if (name != nullptr) text += std::string(" (") + name + ")";
  return text + ": " + error.detail;
}

std::string reason_label(Reason reason) {
  std::string label = reason_text(reason);
  std::replace(label.begin(), label.end(), ' ', '_');
  return label;
}

Result<ProcessStatus, ProcessError> read_status(pid_t pid) {
  auto stat = read_stat(pid);
  if (!stat) return Failure{stat.error()};
  const std::string status_path = proc_path(pid, "status");
  const auto status_text = read_proc_file(status_path, kMaxStatusBytes);
  if (!status_text) return Failure{failure(pid, status_path, status_text.error())};
  const auto status_fields = parse_status(*status_text);

  ProcessStatus status;
  status.key = {pid, stat->start_time_ticks};
  status.parent_pid = stat->parent_pid;
  status.command = stat->command;
  status.state = stat->state;
  status.threads = stat->threads;
  status.start_time_unix_ns = boot_time_unix_ns() + ticks_to_ns(stat->start_time_ticks);
  if (status_fields) status.seccomp = status_fields->seccomp;
  if (auto executable = read_proc_link(proc_path(pid, "exe"))) {
    status.executable = *std::move(executable);
    strip_deleted(status.executable);
  }
  if (const auto text = read_proc_file(proc_path(pid, "cmdline"), kMaxCommandLineBytes)) {
    status.command_line = parse_command_line(*text);
  }
  return status;
}

Result<ProcessStatus, ProcessError> check_observable(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return Failure{stat.error()};
  if (auto refusal = refuse_dead_or_kernel(pid, *stat)) return Failure{*std::move(refusal)};
  if (auto refusal = refuse_foreign_program(pid)) return Failure{*std::move(refusal)};
  return read_status(pid);
}

bool is_alive(const ProcessKey& key) {
  const auto stat = read_stat(key.pid);
  return stat && stat->start_time_ticks == key.start_time_ticks && !stat->is_zombie();
}

std::vector<pid_t> list_pids() {
  return numeric_entries("/proc");
}

std::vector<pid_t> list_threads(pid_t pid) {
  return numeric_entries(proc_path(pid, "task"));
}

std::optional<std::uint64_t> cpu_time_ns(pid_t pid) {
  // The clock of the process and not /proc/PID/stat: that rounds to 10 ms, which is all that an idle service uses in a minute.
  clockid_t clock = 0;
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
}

std::optional<std::uint64_t> fresh_pages(pid_t pid) {
  static const bool huge_pages_are_always_on = [] {
    const auto text = read_proc_file("/sys/kernel/mm/transparent_hugepage/enabled", 256);
    return text && text->find("[always]") != std::string::npos;
  }();
  if (huge_pages_are_always_on) return std::nullopt;
  const auto stat = read_stat(pid);
  return stat ? std::optional(stat->minor_faults) : std::nullopt;
}

std::optional<AddressSpace> address_space(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || stat->is_zombie()) return std::nullopt;
  return AddressSpace{stat->address_space_bytes, stat->start_code, stat->start_stack};
}

std::optional<std::uint64_t> waited_cpu_ns(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ticks_to_ns(stat->children_user_ticks + stat->children_system_ticks);
}

namespace {

std::optional<std::uint64_t> number_after(const std::string& text, std::string_view label) {
  const auto at = text.find(label);
  if (at == std::string::npos) return std::nullopt;
  const char* first = text.data() + at + label.size();
  while (first < text.data() + text.size() && (*first == ' ' || *first == '\t')) ++first;
  std::uint64_t number = 0;
  if (std::from_chars(first, text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> io_calls(pid_t pid) {
  constexpr std::size_t kMaxBytes = 1024;
  const auto text = read_proc_file(proc_path(pid, "io"), kMaxBytes);
  if (!text) return std::nullopt;
  const auto reads = number_after(*text, "syscr:"), writes = number_after(*text, "syscw:");
  if (!reads || !writes) return std::nullopt;
  return *reads + *writes;
}

std::optional<std::uint64_t> waits(pid_t pid) {
  const auto threads = list_threads(pid);
  if (threads.empty() || threads.size() > kMaxWaitThreads) return std::nullopt;
  std::uint64_t sum = 0;
  for (const pid_t thread : threads) {
    const auto waited = waits_of_thread(pid, thread);
    if (!waited) return std::nullopt;
    sum += *waited;
  }
  return sum;
}

std::optional<std::uint64_t> word_at(pid_t pid, std::uint64_t address) {
  std::uint64_t word = 0;
  const iovec local{&word, sizeof word}, remote{reinterpret_cast<void*>(address), sizeof word};
  if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != sizeof word) return std::nullopt;
  return word;
}

std::optional<std::uint64_t> difference(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

}  // namespace

std::optional<std::uint64_t> waits_of_thread(pid_t pid, pid_t thread) {
  constexpr std::size_t kMaxBytes = 8192;
  const auto text = read_proc_file(proc_path(pid, "task/" + std::to_string(thread) + "/status"), kMaxBytes);
  if (!text) return std::nullopt;
  return number_after(*text, "\nvoluntary_ctxt_switches:").value_or(0);
}

model::Work work_of(pid_t pid, std::uint64_t allocated_bytes_address) {
  // Reading the waits of many threads takes longer than all else; who counts bytes does not need them.
  if (allocated_bytes_address == 0) return {io_calls(pid), waits(pid), std::nullopt};
  const auto allocated_bytes = word_at(pid, allocated_bytes_address);
  return {io_calls(pid), std::nullopt, allocated_bytes};
}

model::Work work_between(const model::Work& before, const model::Work& after) {
  return {difference(before.io_calls, after.io_calls), difference(before.waits, after.waits),
          difference(before.allocated_bytes, after.allocated_bytes)};
}

}  // namespace poolscope::process

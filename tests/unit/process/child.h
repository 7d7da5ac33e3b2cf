#pragma once
// Children for the tests of /proc and perf: processes that do one thing until they are told otherwise. They die with the
// test program, whatever happens to it.

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace poolscope::process::test {

// One byte from one process to another; both ends stay open in both, so waiting without a sender needs await()'s limit.
class Signal {
 public:
  Signal() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) ::abort();
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void send() const {
    if (::write(ends_[1], "x", 1) != 1) ::abort();
  }
  // False when nothing came within a minute.
  [[nodiscard]] bool await() const {
    pollfd poll_end{ends_[0], POLLIN, 0};
    int ready = -1;
    do ready = ::poll(&poll_end, 1, 60'000);
    while (ready < 0 && errno == EINTR);  // a launcher in the same process handles the ends of children
    char byte = 0;
    return ready == 1 && ::read(ends_[0], &byte, 1) == 1;
  }

 private:
  int ends_[2];
};

class Child {
 public:
  // Forks; the child runs `body` and exits with 0.
  explicit Child(const std::function<void()>& body) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    ::_exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill_and_reap(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill_and_reap() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  // Waits until the child has ended, without collecting it.
  void await_zombie() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }

 private:
  pid_t pid_ = -1;
};

// Yields until `condition` holds; false after a minute.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::sched_yield();
  }
  return true;
}

[[noreturn]] inline void pause_forever() {
  for (;;) ::pause();
}

// The smallest 32-bit x86 program: pause() for ever.
inline void write_program_of_32_bits(const std::string& path) {
  constexpr std::uint32_t kBase = 0x08048000, kHeadBytes = 52 + 32;
  const unsigned char code[] = {0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7};  // mov $29,%eax; int $0x80; jmp back
  constexpr std::uint32_t kSize = kHeadBytes + sizeof(code);
  const std::uint32_t head[] = {0x464c457f, 0x00010101, 0,     0,          0x00030002, 1, kBase + kHeadBytes,
                                52,         0,          0,     0x00200034, 1,          0, 1,
                                0,          kBase,      kBase, kSize,      kSize,      5, 0x1000};
  static_assert(sizeof(head) == kHeadBytes);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(head), sizeof(head));
  file.write(reinterpret_cast<const char*>(code), sizeof(code));
  file.close();
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

[[noreturn]] inline void spin_forever() {
  for (;;) {
  }
}

}  // namespace poolscope::process::test

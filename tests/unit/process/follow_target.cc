// A program for the tests of Launcher: does what its first argument names, and exits with a code that says whether it
// went as it does for a program that nobody follows.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace {

char* g_self = nullptr;

int wait_code(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return 99;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int fork_once() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(3);
  return wait_code(pid) == 3 ? 10 : 1;
}

int spawn_self() {
  char mode[] = "seven";
  char* argv[] = {g_self, mode, nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, g_self, nullptr, nullptr, argv, environ) != 0) return 1;
  return wait_code(pid) == 7 ? 11 : 1;
}

int vfork_and_exec() {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execl(g_self, g_self, "seven", nullptr);
    ::_exit(98);
  }
  return wait_code(pid) == 7 ? 12 : 1;
}

int exec_fails_after_vfork() {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    ::execl("/nonexistent", "x", nullptr);
    ::_exit(4);
  }
  return wait_code(pid) == 4 ? 13 : 1;
}

volatile sig_atomic_t g_signals = 0;

int handle_signals() {
  for (const int signal : {SIGUSR1, SIGTRAP, SIGCONT, SIGCHLD}) {
    ::signal(signal, [](int) { g_signals = g_signals + 1; });
    ::raise(signal);
  }
  __asm__ volatile("int3");
  return g_signals == 5 ? 14 : 1;
}

int raise_and_die(int signal) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::raise(signal);
  return 1;
}

int threads_that_fork() {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&good] {
      for (int n = 0; n < 5; ++n) good += fork_once() == 10;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return good == 20 ? 15 : 1;
}

int exec_self() {
  ::execl(g_self, g_self, "seven", nullptr);
  return 1;
}

int exec_in_a_thread() {
  std::thread([] { exec_self(); }).join();
  return 1;
}

int exit_in_a_thread() {
  std::thread([] {
    const std::string path = "/proc/self/stat";
    // Ends the process only after the main thread has become a zombie.
    for (;;) {
      FILE* stat = ::fopen(path.c_str(), "r");
      char text[256] = "";
      if (stat != nullptr && ::fgets(text, sizeof(text), stat) != nullptr && std::strstr(text, ") Z ") != nullptr) {
        ::_exit(16);
      }
      if (stat != nullptr) ::fclose(stat);
    }
  }).detach();
  ::syscall(SYS_exit, 0);
  return 1;
}

int stop_and_continue() {
  int go[2];
  if (::pipe(go) != 0) return 1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::raise(SIGSTOP);
    char byte = 0;
    ::_exit(::read(go[0], &byte, 1) == 1 ? 5 : 1);
  }
  int status = 0;
  if (::waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP) return 1;
  // A second look: it stays stopped until it is told.
  if (::waitpid(pid, &status, WNOHANG | WCONTINUED) != 0) return 2;
  ::kill(pid, SIGCONT);
  if (::waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status)) return 3;
  if (::write(go[1], "g", 1) != 1) return 4;
  return wait_code(pid) == 5 ? 17 : 5;
}

int leave_an_orphan() {
  const pid_t pid = ::fork();
  if (pid != 0) return wait_code(pid) == 0 ? 18 : 1;
  const pid_t parent = ::getpid();
  const pid_t orphan = ::fork();
  if (orphan == 0) {
    while (::getppid() == parent) ::sched_yield();
    ::_exit(6);
  }
  // On a busy machine the orphan comes to its first instruction long after its parents have ended.
  const sched_param no_priority{};
  ::sched_setscheduler(orphan, SCHED_IDLE, &no_priority);
  ::_exit(0);
}

int check_signal_setup() {
  struct sigaction action {};
  ::sigaction(SIGPIPE, nullptr, &action);
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  return action.sa_handler == SIG_DFL && ::sigismember(&mask, SIGUSR2) == 0 ? 19 : 1;
}

// Runs until the pipe is closed, then says so on standard output.
int until_input_ends() {
  std::thread idle([] {
    for (;;) ::pause();
  });
  idle.detach();
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
    if (::write(STDOUT_FILENO, &byte, 1) != 1) return 1;
  }
  return ::write(STDOUT_FILENO, "end", 3) == 3 ? 20 : 1;
}

int stop_then_read() {
  ::raise(SIGSTOP);
  return until_input_ends();
}

}  // namespace

int main(int argc, char** argv) {
  g_self = argv[0];
  const std::map<std::string, std::function<int()>> modes = {
      {"seven", [] { return 7; }},
      {"fork", fork_once},
      {"spawn", spawn_self},
      {"vfork", vfork_and_exec},
      {"vfork_fails", exec_fails_after_vfork},
      {"signals", handle_signals},
      {"die", [] { return raise_and_die(SIGTERM); }},
      {"trap", [] { return raise_and_die(SIGTRAP); }},
      {"kill", [] { return raise_and_die(SIGKILL); }},
      {"thread_fork", threads_that_fork},
      {"exec", exec_self},
      {"thread_exec", exec_in_a_thread},
      {"thread_exit", exit_in_a_thread},
      {"stop", stop_and_continue},
      {"orphan", leave_an_orphan},
      {"signal_setup", check_signal_setup},
      {"until_input_ends", until_input_ends},
      {"stop_then_read", stop_then_read},
  };
  const auto mode = modes.find(argc > 1 ? argv[1] : "");
  return mode == modes.end() ? 97 : mode->second();
}

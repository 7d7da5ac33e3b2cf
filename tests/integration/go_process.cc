#include "tests/integration/go_process.h"

#include <array>
#include <chrono>
#include <csignal>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace poolscope::test {
namespace {

constexpr std::chrono::seconds kPatience(20);

std::FILE* stream(int fd, const char* mode) {
  std::FILE* file = fdopen(fd, mode);
  if (file == nullptr) throw std::runtime_error("fdopen failed");
  return file;
}

[[noreturn]] void become(std::vector<std::string>& arguments, const std::vector<std::string>& environment, int in,
                         int out, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (std::string& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  execv(words.front(), words.data());
  _exit(127);
}

}  // namespace

GoProcess::GoProcess(std::vector<std::string> arguments, const std::vector<std::string>& environment)
    : errors_(std::tmpfile()) {
  std::array<int, 2> to{}, from{};
  if (errors_ == nullptr || pipe2(to.data(), O_CLOEXEC) != 0 || pipe2(from.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  pid_ = fork();
  if (pid_ == 0) become(arguments, environment, to[0], from[1], fileno(errors_));
  close(to[0]);
  close(from[1]);
  to_ = stream(to[1], "w");
  from_ = stream(from[0], "r");
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  // once it answers, exec and the start of its runtime are over
  ask("report");
}

GoProcess::~GoProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    end();
  }
  std::fclose(from_);
  std::fclose(errors_);
}

nlohmann::json GoProcess::ask(const std::string& line) {
  std::fputs((line + "\n").c_str(), to_);
  std::fflush(to_);
  std::string answer;
  for (int c = 0; (c = std::fgetc(from_)) != EOF && c != '\n';) answer.push_back(static_cast<char>(c));
  if (answer.empty()) throw std::runtime_error("the program ended instead of answering \"" + line + "\"");
  return nlohmann::json::parse(answer);
}

void GoProcess::end() {
  if (pid_ <= 0) return;
  std::fclose(to_);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// gc 3 @0.1s 2%: 0.01+1.2+0.003 ms clock, 0.02+0.1/1.0/0.4+0.006 ms cpu, ...: sweep termination, assists / background marking /
// idle marking, mark termination
GoProcess::Trace GoProcess::trace() const {
  std::array<char, 4096> part{};
  std::string text;
  for (ssize_t got = 0; (got = pread(fileno(errors_), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  Trace trace;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    if (!line.starts_with("gc ")) continue;
    ++trace.cycles;
    std::array<double, 5> ms{};
    const auto at = line.find("ms clock, ");
    if (at == std::string::npos || std::sscanf(line.c_str() + at, "ms clock, %lf+%lf/%lf/%lf+%lf ms cpu", &ms[0],
                                               &ms[1], &ms[2], &ms[3], &ms[4]) != 5)
      throw std::runtime_error("gctrace writes something else: " + line);
    trace.cpu_ms += ms[0] + ms[1] + ms[2] + ms[4];
    trace.assist_ms += ms[1];
    trace.idle_ms += ms[3];
  }
  return trace;
}

bool GoProcess::traced_cycles_become(std::size_t cycles) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (trace().cycles != cycles) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace poolscope::test

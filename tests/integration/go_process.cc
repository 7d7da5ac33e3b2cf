#include "tests/integration/go_process.h"

#include <array>
#include <chrono>
#include <csignal>
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

std::size_t GoProcess::traced_cycles() const {
  std::array<char, 4096> part{};
  std::string text;
  for (ssize_t got = 0; (got = pread(fileno(errors_), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string_view line(text.data() + at, text.size() - at);
    if (line.find('\n') == std::string_view::npos) break;
    if (line.starts_with("gc ")) ++lines;
  }
  return lines;
}

bool GoProcess::traced_cycles_become(std::size_t cycles) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (traced_cycles() != cycles) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace poolscope::test

// `poolscope top` on a terminal of its own: it draws in place, and puts the terminal back on every way out.

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "tests/unit/cli/http_server.h"
#include "tests/unit/cli/program.h"

namespace poolscope::cli_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kEnter = "\x1b[?1049h";
constexpr const char* kLeave = "\x1b[?1049l";

constexpr int kPatienceMs = 10'000;

// A poolscope that believes to sit in a terminal window. Our own descriptor of its side keeps the terminal, so that its
// mode can be read after the program has ended.
class Terminal {
 public:
  explicit Terminal(const std::string& address) {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = 80;
    if (::openpty(&fd_, &program_side_, nullptr, nullptr, &size) != 0) throw std::runtime_error("openpty failed");
    ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
    ::fcntl(program_side_, F_SETFD, FD_CLOEXEC);
    initial_flags_ = local_flags();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::login_tty(program_side_);
      ::execl(POOLSCOPE_PROGRAM, "poolscope", "top", address.c_str(), "--interval", "100ms", nullptr);
      ::_exit(127);
    }
    pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  }
  ~Terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(pid_fd_);
    ::close(program_side_);
    ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // All that was drawn so far, once it holds `text` after the first `from` bytes.
  const std::string& wait_for(const std::string& text, std::size_t from = 0) {
    while (screen_.find(text, from) == std::string::npos && read_some()) {
    }
    return screen_;
  }
  // The exit code as a shell says it; nothing when it does not end. Reads what is drawn meanwhile, so that the program is
  // never held up.
  std::optional<int> wait_for_end() {
    while (read_some()) {
    }
    pollfd ended{pid_fd_, POLLIN, 0};
    if (::poll(&ended, 1, kPatienceMs) != 1) return std::nullopt;
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return exit_code_of(status);
  }
  void type(const std::string& keys) {
    [[maybe_unused]] const ssize_t written = ::write(fd_, keys.data(), keys.size());
  }
  void resize(unsigned short rows, unsigned short columns) {
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    ::ioctl(fd_, TIOCSWINSZ, &size);
  }
  [[nodiscard]] tcflag_t local_flags() const {
    termios mode{};
    ::tcgetattr(program_side_, &mode);
    return mode.c_lflag;
  }
  [[nodiscard]] tcflag_t initial_flags() const { return initial_flags_; }
  void signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& screen() const { return screen_; }

 private:
  // False when the program has ended and all it said is read, or when it says nothing for long.
  bool read_some() {
    std::array<pollfd, 2> polled = {pollfd{fd_, POLLIN, 0}, pollfd{pid_fd_, POLLIN, 0}};
    ::poll(polled.data(), polled.size(), kPatienceMs);
    if ((polled[0].revents & POLLIN) == 0) return false;
    std::array<char, 4096> chunk;
    const ssize_t got = ::read(fd_, chunk.data(), chunk.size());
    if (got <= 0) return false;
    screen_.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
  }

  int fd_ = -1;
  int program_side_ = -1;
  int pid_fd_ = -1;
  pid_t pid_ = -1;
  tcflag_t initial_flags_ = 0;
  std::string screen_;
};

class Top : public testing::Test {
 protected:
  HttpServer agent_{http_answer("200 OK", sample_report())};
};

TEST_F(Top, DrawsTheTargetsOnTheAlternateScreen) {
  Terminal terminal(agent_.url());
  EXPECT_THAT(terminal.wait_for("redis-server"), HasSubstr("redis-server"));
  EXPECT_THAT(terminal.screen(), HasSubstr(kEnter));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr(kLeave)));
}

struct Ending {
  const char* name;
  const char* keys;
  int signal;
  int exit_code;
};
class TopEnds : public Top, public testing::WithParamInterface<Ending> {};

TEST_P(TopEnds, AndPutsTheTerminalBack) {
  Terminal terminal(agent_.url());
  terminal.wait_for("redis-server");
  EXPECT_EQ(terminal.local_flags() & (ICANON | ECHO), 0u);
  if (GetParam().signal != 0) {
    terminal.signal(GetParam().signal);
  } else {
    terminal.type(GetParam().keys);
  }
  terminal.wait_for(kLeave);
  EXPECT_EQ(terminal.wait_for_end(), GetParam().exit_code);
  EXPECT_THAT(terminal.screen(), HasSubstr(kLeave));
  EXPECT_THAT(terminal.screen(), HasSubstr("\x1b[?25h")) << "the cursor";
  EXPECT_EQ(terminal.local_flags(), terminal.initial_flags());
}
INSTANTIATE_TEST_SUITE_P(Ways, TopEnds,
                         testing::Values(Ending{"Q", "q", 0, 0}, Ending{"ControlC", "\x03", 0, 0},
                                         Ending{"Sigint", "", SIGINT, 0}, Ending{"Sigterm", "", SIGTERM, 128 + SIGTERM},
                                         Ending{"Sighup", "", SIGHUP, 128 + SIGHUP},
                                         Ending{"Crash", "", SIGSEGV, 128 + SIGSEGV}),
                         [](const auto& info) { return info.param.name; });

TEST_F(Top, DrawsAnewWhenTheWindowChanges) {
  Terminal terminal(agent_.url());
  const std::size_t seen = terminal.wait_for("redis-server").size();
  terminal.resize(50, 120);
  EXPECT_THAT(terminal.wait_for("poolscope top", seen).substr(seen), HasSubstr("poolscope top"));
}

TEST_F(Top, StopsAndGoesOnWithTheTerminalPutBackMeanwhile) {
  Terminal terminal(agent_.url());
  terminal.wait_for("redis-server");
  terminal.signal(SIGTSTP);
  const std::size_t seen = terminal.wait_for(kLeave).size();
  int status = 0;
  ASSERT_EQ(::waitpid(terminal.pid(), &status, WUNTRACED), terminal.pid());
  EXPECT_TRUE(WIFSTOPPED(status));
  terminal.signal(SIGCONT);
  EXPECT_THAT(terminal.wait_for(kEnter, seen).substr(seen), HasSubstr(kEnter));
}

TEST(TopWithoutAgent, SaysSoInPlaceAndKeepsTrying) {
  Terminal terminal("127.0.0.1:" + std::to_string(closed_port()));
  EXPECT_THAT(terminal.wait_for("Connection refused"), HasSubstr("no answer, trying again every 100 ms"));
  EXPECT_THAT(terminal.screen(), HasSubstr("Connection refused"));
  terminal.type("q");
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST(TopWithoutAgent, LeavesAtOnceWhileAnAnswerIsOutstanding) {
  const HttpServer silent("");
  Terminal terminal(silent.url());
  terminal.wait_for("waiting for the first answer");
  const auto start = std::chrono::steady_clock::now();
  terminal.type("q");
  EXPECT_EQ(terminal.wait_for_end(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // the transfer may take 30
}

TEST(TopWithBrokenAgent, SaysWhatItAnswered) {
  const HttpServer agent(http_answer("200 OK", "not json"));
  Terminal terminal(agent.url());
  EXPECT_THAT(terminal.wait_for("is no poolscope report"), HasSubstr("is no poolscope report"));
}

}  // namespace
}  // namespace poolscope::cli_test

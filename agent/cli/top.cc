// `poolscope top`: asks an agent for its snapshot again and again and draws it in place.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/full_screen.h"
#include "agent/cli/output.h"
#include "agent/cli/snapshot_input.h"
#include "agent/cli/terminal.h"
#include "agent/client/fetch.h"
#include "exporters/text/report.h"

namespace poolscope::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr unsigned kHeaderLines = 4;
constexpr std::array<int, 6> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};

// The signals of kSignals as a descriptor instead of handlers; the mask is put back at the end.
class SignalQueue {
 public:
  SignalQueue() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int signal : kSignals) sigaddset(&wanted, signal);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &mask_before_);
    fd_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ >= 0) return;
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    throw std::system_error(error, std::generic_category(), "signalfd");
  }
  ~SignalQueue() {
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // 0 when none is waiting.
  [[nodiscard]] int next() const {
    signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int fd_ = -1;
  sigset_t mask_before_{};
};

// What is known about the agent: its last snapshot, and why there is no newer one.
struct View {
  std::string url;
  std::chrono::nanoseconds interval;
  std::optional<model::Snapshot> snapshot;
  Clock::time_point received_at;
  std::string error;  // of the last attempt; empty when it succeeded
};

std::string status_line(const View& view, Clock::time_point now) {
  if (view.error.empty()) return view.snapshot ? "" : "waiting for the first answer";
  std::string status = "no answer, trying again every " + format_duration(view.interval);
  if (!view.snapshot) return status;
  const auto age = std::chrono::floor<std::chrono::seconds>(now - view.received_at);
  return status + "; this is " + format_duration(age) + " old";
}

// On at most two lines; long enough for a cause with its way out on 80 columns.
std::string wrapped(std::string_view text, std::size_t columns) {
  const std::string first = printable(text, columns);
  const std::string second = printable(text.substr(first.size()), columns);
  return first + "\n" + (second.empty() ? "" : second + "\n");
}

// Title, status and cause (none while all is well) above the table.
std::string frame_of(const View& view, const TerminalSize& size, bool colour) {
  const std::string title = "poolscope top  " + view.url + "  every " + format_duration(view.interval) + "  q: quit";
  std::string frame = printable(title, size.columns) + "\n" + status_line(view, Clock::now()) + "\n";
  if (!view.error.empty()) frame += wrapped(view.error, size.columns);
  if (!view.snapshot || size.lines <= kHeaderLines) return frame;
  return frame + text::top_screen(*view.snapshot, {colour, size.columns}, size.lines - kHeaderLines);
}

class LiveTable {
 public:
  explicit LiveTable(const TopOptions& options)
      : view_{client::snapshot_url(options.address), options.interval, std::nullopt, {}, {}},
        reads_keys_(is_terminal(STDIN_FILENO)),
        colour_(use_colour(STDOUT_FILENO)) {}

  // 0, or the signal that ended it.
  int run() {
    while (!done_) {
      draw();
      wait();
      handle_signals();
      handle_keys();
    }
    return ended_by_;
  }

 private:
  void draw() {
    std::string frame = frame_of(view_, terminal_size(STDOUT_FILENO), colour_);
    if (frame == drawn_) return;
    drawn_ = std::move(frame);
    if (!screen_.draw(drawn_)) done_ = true;
  }

  // Until a signal, a key, progress of the transfer, the time of the next one, or the next second of the age shown.
  void wait() {
    const auto now = Clock::now();
    if (!get_ && now >= next_fetch_) {
      get_.emplace(client::HttpRequest{view_.url});
      next_fetch_ = now + view_.interval;
    }
    const auto until_fetch = std::chrono::ceil<std::chrono::milliseconds>(next_fetch_ - now);
    const auto timeout = get_ ? 1000ms : std::clamp<std::chrono::milliseconds>(until_fetch, 0ms, 1000ms);
    const std::array<int, 2> fds = {signals_.fd(), STDIN_FILENO};
    const std::span<const int> wake(fds.data(), reads_keys_ ? 2 : 1);
    if (get_) {
      if (auto answer = get_->step(timeout, wake)) take(std::move(*answer));
    } else {
      std::array<pollfd, 2> polled = {pollfd{fds[0], POLLIN, 0}, pollfd{fds[1], POLLIN, 0}};
      ::poll(polled.data(), wake.size(), static_cast<int>(timeout.count()));
    }
  }

  void take(client::HttpCall::Answer answer) {
    get_.reset();
    auto snapshot = answer ? parse_snapshot(*answer, view_.url) : Failure{std::move(answer.error())};
    if (!snapshot) {
      view_.error = std::move(snapshot.error());
      return;
    }
    view_.error.clear();
    view_.snapshot = std::move(snapshot.value());
    view_.received_at = Clock::now();
  }

  void handle_signals() {
    while (const int signal = signals_.next()) {
      if (signal == SIGWINCH) {
        drawn_.clear();
      } else if (signal == SIGTSTP) {
        screen_.suspend();
        ::raise(SIGSTOP);  // goes on here with SIGCONT
        screen_.resume();
        drawn_.clear();
      } else {
        done_ = true;
        ended_by_ = signal;
      }
    }
  }

  void handle_keys() {
    pollfd polled{STDIN_FILENO, POLLIN, 0};
    if (!reads_keys_ || ::poll(&polled, 1, 0) <= 0) return;
    std::array<char, 64> keys;
    const ssize_t got = ::read(STDIN_FILENO, keys.data(), keys.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      done_ = true;  // the terminal is gone
      return;
    }
    const std::string_view typed(keys.data(), static_cast<std::size_t>(got));
    if (typed.find_first_of("qQ") != std::string_view::npos) done_ = true;
  }

  View view_;
  bool reads_keys_;
  bool colour_;
  SignalQueue signals_;  // before screen_: a signal must not end the program between the two
  FullScreen screen_;
  std::optional<client::HttpCall> get_;
  Clock::time_point next_fetch_ = Clock::now();
  std::string drawn_;
  bool done_ = false;
  int ended_by_ = 0;
};

// Other commands take a pid there.
std::string refuse_pid(const std::string& address) {
  if (address.find_first_not_of("0123456789") != std::string::npos) return "";
  return address + " is a pid, not the address of an agent: watch it with `poolscope agent --target pid:" + address +
         "`, which `poolscope top` shows, or take one look with `poolscope attach " + address + "`";
}

int show_once(const TopOptions& options) {
  const auto snapshot = load_snapshot(client::snapshot_url(options.address));
  if (!snapshot) return fail("top: " + snapshot.error());
  const TerminalSize size = terminal_size(STDOUT_FILENO);
  return print(text::top_screen(*snapshot, {use_colour(STDOUT_FILENO), size.columns}, size.lines));
}

}  // namespace

int cmd_top(const TopOptions& options) {
  if (options.once) return show_once(options);
  if (!is_terminal(STDOUT_FILENO)) {
    fail("top: stdout is no terminal; use --once, or `poolscope report`");
    return kExitUsage;
  }
  const int signal = LiveTable(options).run();
  if (signal == 0 || signal == SIGINT) return kExitOk;
  // The table is gone and the signals are unblocked: end as the signal asks, so that the parent sees it.
  ::raise(signal);
  return kExitFailed;
}

void register_top_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("top", "live table of what an agent sees");
  const auto options = std::make_shared<TopOptions>();
  command->group(kGroupLook);
  command->add_option("URL", options->address, "the agent; default " + options->address)
      ->option_text(" ")
      ->check(refuse_pid);
  add_duration_option(*command, "--interval", options->interval, 100ms, "time between two looks; default 1s");
  command->add_flag("--once", options->once, "print one screen and end; needs no terminal");
  command->footer("Keys: q or Ctrl-C ends.");
  command->callback([options, &invocation] { invocation.run = [options] { return cmd_top(*options); }; });
}

}  // namespace poolscope::cli

#include "agent/cli/full_screen.h"

#include <array>
#include <csignal>
#include <string>

#include <unistd.h>

#include "agent/cli/output.h"

namespace poolscope::cli {
namespace {

// Alternate screen, cursor, automatic wrap (a line that is too long is cut, not folded into the next).
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::array<int, 5> kCrashSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// For the crash handler, which may only read plain memory. Set while a FullScreen is entered.
volatile std::sig_atomic_t entered_with_keys = 0;
termios terminal_before;

void restore_after_crash(int signal) {
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  if (entered_with_keys != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
  ::raise(signal);  // SA_RESETHAND: now it ends the process as it would have
}

void handle_crashes(bool restore) {
  for (const int signal : kCrashSignals) {
    struct sigaction action {};
    action.sa_handler = restore ? restore_after_crash : SIG_DFL;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace

FullScreen::FullScreen() : reads_keys_(::tcgetattr(STDIN_FILENO, &original_) == 0) {
  enter();
}

FullScreen::~FullScreen() {
  leave();
}

void FullScreen::suspend() {
  leave();
}

void FullScreen::resume() {
  enter();
}

void FullScreen::enter() {
  terminal_before = original_;
  entered_with_keys = reads_keys_ ? 1 : 0;
  handle_crashes(true);
  if (reads_keys_) {
    termios keys = original_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;  // read() gives what there is and never waits
    keys.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  }
  // A terminal that is gone shows with the first draw().
  (void)write_all(STDOUT_FILENO, kEnter);
}

void FullScreen::leave() {
  (void)write_all(STDOUT_FILENO, kLeave);
  if (reads_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &original_);
  handle_crashes(false);
}

bool FullScreen::draw(std::string_view frame) {
  std::string out = "\x1b[H";
  for (bool first = true; !frame.empty(); first = false) {
    const std::size_t end = frame.find('\n');
    if (!first) out += "\r\n";
    out += frame.substr(0, end);
    out += "\x1b[K";
    frame.remove_prefix(end == std::string_view::npos ? frame.size() : end + 1);
  }
  return write_all(STDOUT_FILENO, out + "\x1b[J") == 0;
}

}  // namespace poolscope::cli

#include "agent/cli/progress.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "agent/cli/duration.h"
#include "agent/cli/terminal.h"

namespace poolscope::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kSilentFor = 2s;
constexpr auto kRedrawEvery = 200ms;

void write_to_stderr(const std::string& text) {
  // A line that could not be drawn is drawn again with the next update.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string progress_text(std::string_view activity, std::chrono::nanoseconds elapsed,
                          std::optional<std::chrono::nanoseconds> total, std::string_view waiting_for) {
  // Whole seconds, so that the line does not flicker; elapsed and left add up to the total.
  const auto passed = std::chrono::floor<std::chrono::seconds>(elapsed);
  std::string text = std::string(activity) + ": " + format_duration(passed);
  if (total) {
    text += " of " + format_duration(*total) + ", " + format_duration(std::max(*total - passed, 0ns)) + " left";
  }
  if (!waiting_for.empty()) text += "; waiting for " + std::string(waiting_for);
  return text;
}

Progress::Progress(std::string activity, std::optional<std::chrono::nanoseconds> total)
    : activity_(std::move(activity)), total_(total), is_terminal_(is_terminal(STDERR_FILENO)) {}

Progress::~Progress() {
  erase();
}

void Progress::update(std::string_view waiting_for) {
  const auto now = Clock::now();
  if (!is_terminal_ || now - start_ < kSilentFor || now - drawn_at_ < kRedrawEvery) return;
  const std::string text = printable(progress_text(activity_, now - start_, total_, waiting_for), 1000);
  // Cut to one line: a wrapped line could not be erased.
  write_to_stderr("\r\x1b[K" + text.substr(0, terminal_size(STDERR_FILENO).columns - 1));
  drawn_at_ = now;
  is_drawn_ = true;
}

void Progress::erase() {
  if (is_drawn_) write_to_stderr("\r\x1b[K");
  is_drawn_ = false;
}

}  // namespace poolscope::cli

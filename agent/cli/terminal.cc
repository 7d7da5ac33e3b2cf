#include "agent/cli/terminal.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace poolscope::cli {

void open_missing_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The wrong direction on purpose: using the stream fails as it would have with the closed one.
    const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened < 0) return;
  }
}

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

bool use_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  if (no_colour != nullptr && *no_colour != '\0') return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb" && is_terminal(fd);
}

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::size_t end = std::min(text.size(), max_bytes);
  while (end > 0 && end < text.size() && (byte(end) & 0xC0) == 0x80) --end;  // not inside a character
  std::string result(text.substr(0, end));
  for (std::size_t i = 0; i < end; ++i) {
    // U+0080..U+009F are control characters too: terminals take U+009B for the start of a sequence.
    const bool is_c1 = byte(i) == 0xC2 && i + 1 < end && byte(i + 1) < 0xA0;
    if (byte(i) < 0x20 || byte(i) == 0x7F || is_c1) result[i] = '?';
    if (is_c1) result[++i] = '?';
  }
  return result;
}

}  // namespace poolscope::cli

#pragma once
// What poolscope knows about the terminal it talks to: the one place that decides on colour and size.

#include <cstddef>
#include <string>
#include <string_view>

namespace poolscope::cli {

// Call first in main(): gives the standard streams a descriptor each when the caller closed them, so that no file
// opened later becomes "stdout". Writing to a closed stdout still fails.
void open_missing_standard_streams();

[[nodiscard]] bool is_terminal(int fd);
// Colour only on a terminal that is not "dumb", and never when NO_COLOR is set and not empty (https://no-color.org).
[[nodiscard]] bool use_colour(int fd);

struct TerminalSize {
  unsigned columns = 100;
  unsigned lines = 40;
};
// Of the terminal behind `fd`; the defaults where there is none.
[[nodiscard]] TerminalSize terminal_size(int fd);

// Text from elsewhere, fit for a terminal: control characters become '?', the rest is cut at `max_bytes`, at a whole character.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes);

}  // namespace poolscope::cli

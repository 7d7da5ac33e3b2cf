#include "exporters/text/markdown.h"

#include <algorithm>

#include "exporters/text/line.h"

namespace poolscope::text::markdown {

std::string plain(std::string_view text) {
  constexpr std::string_view kMarkup = "\\`*_{}[]<>#|~";
  std::string escaped;
  for (const char c : printable(text)) {
    if (kMarkup.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// A fence longer than any run of backticks in it, and bars that do not end the cell.
std::string code(std::string_view text) {
  std::size_t run = 0, longest = 0;
  std::string escaped;
  for (const char c : printable(text)) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  if (escaped.empty()) return "";
  const std::string fence(longest + 1, '`');
  const char* blank = longest > 0 ? " " : "";
  return fence + blank + escaped + blank + fence;
}

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

}  // namespace poolscope::text::markdown

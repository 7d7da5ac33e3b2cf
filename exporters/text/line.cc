#include "exporters/text/line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "exporters/model/utf8.h"

namespace poolscope::text {
namespace {

using model::first_code_point;

struct Range {
  char32_t first, last;
};

constexpr Range kZeroWidth[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
constexpr Range kDoubleWidth[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                  {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                  {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
// Controls, and what reorders or hides the text around it.
constexpr Range kUnprintable[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x200B, 0x200F},
                                  {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}};

template <std::size_t N>
bool is_in(const Range (&ranges)[N], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](Range range) { return range.first <= c && c <= range.last; });
}

unsigned width_of(char32_t c) {
  if (is_in(kZeroWidth, c)) return 0;
  return is_in(kDoubleWidth, c) ? 2 : 1;
}

// Bytes of the longest beginning of `text` that fits `columns`.
std::size_t bytes_that_fit(std::string_view text, unsigned columns) {
  std::size_t bytes = 0;
  for (unsigned width = 0; bytes < text.size();) {
    const auto next = first_code_point(text.substr(bytes));
    width += width_of(next.value);
    if (width > columns) break;
    bytes += next.bytes;
  }
  return bytes;
}

// Where the first word of `text` ends, with what must stay beside it: a blank after a digit is not a place to break
// ("61 204 probe", "0.46 %").
std::size_t end_of_unit(std::string_view text) {
  std::size_t blank = text.find(' ');
  while (blank != std::string_view::npos && blank > 0 && text[blank - 1] >= '0' && text[blank - 1] <= '9') {
    blank = text.find(' ', blank + 1);
  }
  return std::min(blank, text.size());
}

const char* escape_sequence(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kStrong:
      return "\x1b[1m";
    case Tone::kDim:
      return "\x1b[2m";
    case Tone::kBar:
      return "\x1b[36m";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kWarning:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
  }
  return "";
}

std::string painted(const std::string& text, Tone tone, bool colour) {
  std::string whole = colour ? escape_sequence(tone) : "";
  if (whole.empty() || text.empty()) return text;
  whole += text;
  whole += "\x1b[0m";
  return whole;
}

}  // namespace

Line& Line::add(std::string text, Tone tone) {
  width_ += display_width(text);
  if (!text.empty()) pieces_.push_back({std::move(text), tone});
  return *this;
}

Line& Line::add_right(std::string text, unsigned columns, Tone tone) {
  const unsigned width = display_width(text);
  if (width < columns) add(std::string(columns - width, ' '));
  return add(std::move(text), tone);
}

Line& Line::pad_to(unsigned column) {
  return add(std::string(width_ < column ? column - width_ : 1, ' '));
}

Line& Line::append(const Line& other) {
  pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end());
  width_ += other.width_;
  return *this;
}

std::string Line::render(const Style& style) const {
  std::size_t used = pieces_.size();
  while (used > 0 && pieces_[used - 1].text.find_first_not_of(' ') == std::string::npos) --used;
  std::string text;
  unsigned left = style.width_columns;
  for (std::size_t i = 0; i < used; ++i) {
    const auto& [piece, tone] = pieces_[i];
    const unsigned width = display_width(piece);
    const bool is_last = i + 1 == used;
    if (width > left || (width == left && !is_last)) {
      text += painted(cut_end(piece + " ", left), tone, style.colour);
      return text;
    }
    text += painted(is_last ? piece.substr(0, piece.find_last_not_of(' ') + 1) : piece, tone, style.colour);
    left -= width;
  }
  return text;
}

unsigned display_width(std::string_view text) {
  unsigned width = 0;
  while (!text.empty()) {
    const auto next = first_code_point(text);
    width += width_of(next.value);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const auto next = first_code_point(text);
    model::append_utf8(clean, is_in(kUnprintable, next.value) ? model::kReplacementCharacter : next.value);
    text.remove_prefix(next.bytes);
  }
  return clean;
}

std::string cut_end(std::string_view text, unsigned columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  return std::string(text.substr(0, bytes_that_fit(text, columns - 1))) + "…";
}

std::string cut_middle(std::string_view text, unsigned columns) {
  const unsigned width = display_width(text);
  if (width <= columns) return std::string(text);
  if (columns < 3) return cut_end(text, columns);
  const unsigned kept = columns - 1;
  const std::string_view head = text.substr(0, bytes_that_fit(text, kept - kept / 2));
  // the end that is left over after skipping whole characters may be a column short, never too wide
  std::string_view tail = text;
  for (unsigned tail_width = width; tail_width > kept / 2;) {
    const auto next = first_code_point(tail);
    tail_width -= width_of(next.value);
    tail.remove_prefix(next.bytes);
  }
  return std::string(head) + "…" + std::string(tail);
}

std::vector<std::string> wrap(std::string_view text, unsigned columns) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::string_view unit = text.substr(0, end_of_unit(text));
    text.remove_prefix(std::min(text.size(), unit.size() + 1));
    if (unit.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(unit) > columns) {
      lines.push_back(std::exchange(line, {}));
    }
    if (!line.empty()) line += ' ';
    line += unit;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string bar(double share, unsigned columns) {
  static constexpr std::array<const char*, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (!(share > 0)) return "";
  const auto eighths = static_cast<unsigned>(std::lround(std::min(share, 1.0) * columns * 8));
  std::string text;
  for (unsigned i = 0; i < eighths / 8; ++i) text += "█";
  return text + (eighths == 0 ? kEighths[1] : kEighths[eighths % 8]);  // something is never drawn as nothing
}

Lines beside(const Lines& left, const Lines& right, unsigned column) {
  Lines lines(std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i < left.size()) lines[i] = left[i];
    if (i < right.size()) lines[i].pad_to(column).append(right[i]);
  }
  return lines;
}

}  // namespace poolscope::text

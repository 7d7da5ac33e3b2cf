#pragma once
// Line: one line of text for a terminal, made of pieces with a tone, that knows how many columns it fills.
//   Width     of ASCII, of the block and box characters we draw with, and of the usual wide scripts; a terminal that
//             shows a character otherwise misaligns that line only.
//   Foreign   text (names, symbols, paths, labels) goes through printable() before it comes here: it could hold
//             escape sequences that the terminal would obey.

#include <string>
#include <string_view>
#include <vector>

#include "exporters/text/report.h"

namespace poolscope::text {

// What a piece means, not which colour it gets.
enum class Tone { kPlain, kStrong, kDim, kBar, kGood, kWarning, kBad };

class Line {
 public:
  Line() = default;
  explicit Line(std::string text, Tone tone = Tone::kPlain) { add(std::move(text), tone); }

  Line& add(std::string text, Tone tone = Tone::kPlain);
  // `text` at the right end of a field `columns` wide; a longer text takes what it needs.
  Line& add_right(std::string text, unsigned columns, Tone tone = Tone::kPlain);
  // Blanks up to `column`; one when the line is longer already.
  Line& pad_to(unsigned column);
  Line& append(const Line& other);

  [[nodiscard]] unsigned width() const { return width_; }
  // At most style.width_columns columns, "…" where it was cut; no blanks at the end.
  [[nodiscard]] std::string render(const Style& style) const;

 private:
  struct Piece {
    std::string text;
    Tone tone;
  };
  std::vector<Piece> pieces_;
  unsigned width_ = 0;
};

using Lines = std::vector<Line>;

[[nodiscard]] unsigned display_width(std::string_view text);
// `text` without anything a terminal acts on: control and direction characters and bad UTF-8 become U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);
// `text` in at most `columns`, the end or the middle replaced by "…".
[[nodiscard]] std::string cut_end(std::string_view text, unsigned columns);
[[nodiscard]] std::string cut_middle(std::string_view text, unsigned columns);
// At blanks, but not after a digit, into pieces of at most `columns`; a longer word gets a piece of its own, which
// render() cuts.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, unsigned columns);
// `share` (0..1) of `columns`, to an eighth of a column.
[[nodiscard]] std::string bar(double share, unsigned columns);
// Two blocks side by side, the right one from `column` on.
[[nodiscard]] Lines beside(const Lines& left, const Lines& right, unsigned column);

}  // namespace poolscope::text

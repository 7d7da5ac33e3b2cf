#pragma once
// UTF-8 of foreign text: names of processes, symbols and paths are bytes that need not be UTF-8 at all.

#include <string>
#include <string_view>

namespace poolscope::model {

inline constexpr char32_t kReplacementCharacter = U'\uFFFD';

// The first character of `text`, which must not be empty: its code point and how many bytes it took. Overlong forms,
// surrogates, cut sequences and values above U+10FFFF give kReplacementCharacter and one byte.
struct CodePoint {
  char32_t value = kReplacementCharacter;
  unsigned bytes = 1;
};
[[nodiscard]] CodePoint first_code_point(std::string_view text);

void append_utf8(std::string& text, char32_t code_point);

// `text` with U+FFFD for each byte that is not part of a character.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);

}  // namespace poolscope::model

#pragma once
// check_json(): one pass over text from elsewhere that keeps nothing, before anything is built from it. What
// passes costs a bounded amount of memory to build: about 100 bytes for each of kMaxJsonValues, and the text.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/model/json.h"

namespace poolscope::model {

inline constexpr std::size_t kMaxJsonBytes = 64u << 20;
inline constexpr std::size_t kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonElements = 100'000;  // of one array or object
inline constexpr std::size_t kMaxJsonValues = 2'000'000;  // of the whole text

// What is wrong with `text` as JSON or against the limits; nothing when it may be built.
[[nodiscard]] std::optional<JsonError> check_json(std::string_view text);

// A member name as a step of a JSON pointer (RFC 6901), fit to print: "~" becomes "~0", "/" becomes "~1", a
// control character "?", and a name of foreign length is cut.
[[nodiscard]] std::string json_pointer_token(std::string_view name);

}  // namespace poolscope::model

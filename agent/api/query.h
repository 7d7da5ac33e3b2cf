#pragma once
// Numbers in the query part of a URL.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "poolscope/result.h"

namespace poolscope::api {

struct NumberRange {
  std::uint64_t lowest = 0, highest = 0, when_absent = 0;
};

// The text of `name`, still encoded; nothing when it is absent. Given twice is an error, because two readers could take different ones.
[[nodiscard]] Result<std::optional<std::string_view>, std::string> query_text(std::string_view query,
                                                                              std::string_view name);

// The value of `name` in "after=3&limit=10". The error names the parameter, what was wrong and what is
// allowed.
[[nodiscard]] Result<std::uint64_t, std::string> query_number(std::string_view query, std::string_view name,
                                                              const NumberRange& range);

// "a%20b" is "a b". nullopt: a '%' without two hexadecimal digits, or %00.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace poolscope::api

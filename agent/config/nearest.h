#pragma once
// "Did you mean ...?": the known word closest to one that was mistyped.

#include <optional>
#include <span>
#include <string_view>

namespace poolscope::config {

// The candidate with the fewest typing errors (insert, delete, replace, swap of neighbours). Nothing when
// even that one differs in more than a third of its letters, or when `word` is far longer than any key.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace poolscope::config

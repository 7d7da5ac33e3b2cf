#pragma once
// Pieces of markdown documents whose text may come from anywhere.

#include <string>
#include <string_view>
#include <vector>

namespace poolscope::text::markdown {

// Text that is not read as markup.
[[nodiscard]] std::string plain(std::string_view text);
// As code inside a table.
[[nodiscard]] std::string code(std::string_view text);
// A line of a table; cells are markdown.
[[nodiscard]] std::string row(const std::vector<std::string>& cells);

}  // namespace poolscope::text::markdown

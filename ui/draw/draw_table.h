#pragma once
// A Table of the model on the screen: heads that sort, rows that can be chosen, only those drawn that are seen.
//   Widgets   "PREFIX.head.COLUMN" and "PREFIX.row.ID".
//   Order     is that of the layout, by PREFIX; a click on a head changes it there.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/draw/frame.h"
#include "ui/model/table.h"

namespace poolscope::viewer {

struct TableLayout {
  std::vector<float> widths;  // at scale 1, of each column; 0: a share of what is left
  float height = 0;           // 0: as many rows as there are
};

// The index of the row that was clicked. `chosen`: the row that is marked.
[[nodiscard]] std::optional<std::size_t> draw_table(Frame& frame, std::string_view prefix, Table& table,
                                                    const TableLayout& layout, std::optional<std::size_t> chosen);

// A box to search the table with; '/' goes there, and o and O sort the table. Its widget, "PREFIX.search", says what was typed, and "_" at the end while more may be.
void draw_search(Frame& frame, std::string_view prefix, Table& table, float width);

}  // namespace poolscope::viewer

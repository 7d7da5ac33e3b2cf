#pragma once
// Layout: how the user has arranged the screen. Kept from one start of the viewer to the next.

#include <map>
#include <string>

namespace poolscope::viewer {

struct Layout {
  struct TableOrder {
    std::string column;  // by its name: columns come and go with versions
    bool descending = false;
    bool operator==(const TableOrder&) const = default;
  };

  std::string view;  // id of the tab; empty: the first one
  std::map<std::string, float>
      left_shares;  // of what is divided in two, by name: the left part, 0 to 1; absent: as it is at first
  std::map<std::string, TableOrder> orders;  // by the prefix of the table; absent: as its rows are given

  bool operator==(const Layout&) const = default;
};

}  // namespace poolscope::viewer

#pragma once
// View: one tab. To add one: a file that draws it, and a line in views.cc.

#include <memory>
#include <span>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

class View {
 public:
  virtual ~View() = default;
  // Into the ImGui window that is open; the whole content region is its own.
  virtual void draw(Frame& frame) = 0;
};

struct ViewEntry {
  char key;          // goes there, from everywhere
  const char* id;    // "pools": beginning of the names of its widgets
  const char* name;  // of the tab
  std::unique_ptr<View> (*make)();
};

// In the order of the tabs.
[[nodiscard]] std::span<const ViewEntry> all_views();
// Index in all_views(); that of the first one when there is none of this id.
[[nodiscard]] std::size_t view_index(std::string_view id);

}  // namespace poolscope::viewer

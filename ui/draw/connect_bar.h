#pragma once
// The connect bar: what is looked at, another address, how it goes, and what is wrong in full.
//   Widgets   "connect.address", "connect.open", "connect.status", "connect.problem", "connect.history", and in the list
//             that this opens "connect.found.N" and "connect.history.N".

#include <string>
#include <vector>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

class ConnectBar {
 public:
  void draw(Frame& frame);
  // Below the bar, only while something is wrong.
  void draw_problem(Frame& frame);

 private:
  void draw_address(Frame& frame);
  static void draw_addresses(Frame& frame, const char* title, const char* name,
                             const std::vector<std::string>& addresses);
  // `right`: what the buttons at the right end take.
  static void draw_status(Frame& frame, float right);

  std::string typed_;
  std::string of_address_;          // the address that was in use when `typed_` was filled in
  std::vector<std::string> found_;  // agents on this machine, when the list was opened
};

}  // namespace poolscope::viewer

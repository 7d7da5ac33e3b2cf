#pragma once
// The connect bar: what is looked at, another address, how it goes, and what is wrong in full.
//   Widgets   "connect.address", "connect.open", "connect.status", "connect.problem", "connect.history".

#include <string>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

class ConnectBar {
 public:
  void draw(Frame& frame);
  // Below the bar, only while something is wrong.
  void draw_problem(Frame& frame);

 private:
  void draw_address(Frame& frame);
  void draw_status(Frame& frame);

  std::string typed_;
  std::string of_address_;  // the address that was in use when `typed_` was filled in
};

}  // namespace poolscope::viewer

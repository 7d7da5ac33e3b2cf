#pragma once
// FullScreen: the terminal while a table is drawn in place. Enters the alternate screen, hides the cursor, switches echo
// and line mode off; everything is put back on every way out: the destructor, exceptions, and a crash.
//   Threads   one; one FullScreen at a time.
//   Signals   Ctrl-C and Ctrl-Z stay signals; the owner handles them and ends or suspends.

#include <string_view>

#include <termios.h>

namespace poolscope::cli {

class FullScreen {
 public:
  // The screen is on stdout; keys come from stdin when that is a terminal.
  FullScreen();
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  // Replaces what is shown, line by line, so that nothing flickers. False when the terminal is gone.
  [[nodiscard]] bool draw(std::string_view frame);
  // The terminal as it was, for the time in which the program is stopped; draw() afterwards.
  void suspend();
  void resume();

 private:
  void enter();
  void leave();

  termios original_{};  // before reads_keys_, whose initialiser fills it
  bool reads_keys_;
};

}  // namespace poolscope::cli

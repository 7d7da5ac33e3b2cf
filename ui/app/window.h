#pragma once
// Window: GLFW, OpenGL 3 and Dear ImGui, from the start to the end of the program.
//   Threads   the main thread; wake_up() from any.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "poolscope/result.h"
#include "ui/app/png_file.h"
#include "ui/draw/fonts.h"
#include "ui/draw/theme.h"

struct GLFWwindow;

namespace poolscope::viewer {

class Window {
 public:
  // The error says what the machine lacks, and the way out.
  [[nodiscard]] static Result<std::unique_ptr<Window>, std::string> open(int width, int height);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // Ends wait(). From any thread, while a window is there or not.
  static void wake_up();
  // Until something happens; at most that long. 0: takes what has happened. Negative: for ever.
  void wait(double seconds);
  [[nodiscard]] bool is_closed() const;
  [[nodiscard]] bool is_hidden() const;
  void size(int& width, int& height) const;
  // A file that was dropped on it since the last call; of several the first.
  [[nodiscard]] std::optional<std::string> take_dropped() { return std::exchange(dropped_, std::nullopt); }

  // `scale`: on top of that of the screen. Fonts are baked when it has changed; takes effect with the next frame.
  void set_look(const Theme& theme, float scale);
  [[nodiscard]] const Fonts& fonts() const { return fonts_; }
  [[nodiscard]] float scale() const { return scale_; }

  // What the system says about mouse and keys; a script may change it before start_frame().
  void start_input();
  void start_frame();
  void end_frame(const Theme& theme);
  // Of the frame that was drawn last, before it is shown.
  [[nodiscard]] Picture picture() const;
  void show_frame();

 private:
  explicit Window(GLFWwindow* window) : window_(window) {}
  GLFWwindow* window_;
  Fonts fonts_;
  float scale_ = 0;
  std::optional<std::string> dropped_;
};

}  // namespace poolscope::viewer

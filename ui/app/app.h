#pragma once
// App: the loop between window, source and screen. Draws when something happened and at no other time: an event, or something new from the source,
// and two frames after it, as ImGui needs; nothing is drawn and no CPU time used while nothing happens.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ui/app/settings.h"
#include "ui/app/window.h"
#include "ui/draw/screen.h"
#include "ui/draw/script.h"
#include "ui/source/recorder.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

struct AppOptions {
  std::string address;  // empty: nothing is opened
  std::string token;
  std::string screenshot_file;     // written when the data is there, then the viewer ends
  unsigned screenshot_frames = 3;  // drawn with the data before that
  std::optional<Script> script;
  std::string view;  // id of the one to begin with
  std::string settings_file;
  bool keeps_settings = true;
};

class App {
 public:
  App(AppOptions options, Settings settings, Window& window);
  // Exit code.
  [[nodiscard]] int run();

 private:
  void open(const std::string& address);
  void open_base(const std::string& address);
  void wait();
  void take_news();
  void draw();
  void act();
  void remember();
  void save_frame(const std::string& file);
  void save_quietly(const std::string& file);
  void save_part(const Actions::SavedPlot& plot);
  void save_csv(const Actions::SavedPlot& plot);
  void tell_saved(const std::string& file, const std::string& problem);
  void toggle_recording();
  void note_frame_of_screenshot();
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] const Theme& theme() const;

  AppOptions options_;
  Settings settings_;
  Layout kept_layout_;  // what of it lies in the file
  Window& window_;
  ViewerState state_;
  Screen screen_;
  Widgets widgets_;
  Actions actions_;
  std::unique_ptr<Source> source_;
  ViewerState base_state_;  // what was opened as BASE of a comparison
  std::unique_ptr<Source> base_source_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<Actions::SavedPlot> plot_to_save_;  // of the next frame
  unsigned frames_left_ = 1;
  unsigned frames_with_data_ = 0;
  bool is_done_ = false;
  std::string failure_;
};

}  // namespace poolscope::viewer

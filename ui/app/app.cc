#include "ui/app/app.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

#include <GLFW/glfw3.h>
#include <imgui.h>

#include "ui/source/local_agents.h"

namespace poolscope::viewer {
namespace {

constexpr unsigned kFramesAfterEvent = 3;
constexpr double kCursorBlinkSeconds = 0.5, kScriptStepSeconds = 0.005, kScreenshotWaitSeconds = 30;

// In the current folder, one that is not there yet; `what`: its end.
std::string dated_file(const std::string& what) {
  const std::time_t now = std::time(nullptr);
  std::tm broken{};
  gmtime_r(&now, &broken);
  char text[64];
  (void)std::strftime(text, sizeof text, "poolscope-%Y%m%d-%H%M%S", &broken);
  const std::filesystem::path folder = std::filesystem::current_path();
  std::filesystem::path file = folder / (text + what);
  for (unsigned i = 2; std::filesystem::exists(file); ++i) file = folder / (text + ("-" + std::to_string(i)) + what);
  return file;
}

std::vector<std::string> find_local_agents() {
  return local_agents();
}

}  // namespace

App::App(AppOptions options, Settings settings, Window& window)
    : options_(std::move(options)), settings_(std::move(settings)), window_(window) {
  state_.view = view_index(options_.view.empty() ? settings_.layout.view : options_.view);
  kept_layout_ = settings_.layout;
  if (!options_.address.empty()) open(options_.address);
}

const Theme& App::theme() const {
  const Theme* chosen = theme_named(settings_.theme);
  return chosen != nullptr ? *chosen : dark_theme();
}

void App::open(const std::string& address) {
  source_.reset();  // ends before the next one begins
  state_.begin(address, is_agent_address(address));
  settings_.note_address(address);
  remember();
  source_ = open_source({address, options_.token}, &Window::wake_up);
}

// At once: nobody knows how the viewer will end.
void App::remember() {
  if (!options_.keeps_settings) return;
  window_.size(settings_.width, settings_.height);
  kept_layout_ = settings_.layout;
  (void)save_settings(settings_, options_.settings_file);
}

void App::open_base(const std::string& address) {
  base_source_.reset();  // ends before the next one begins
  base_state_.begin(address, is_agent_address(address));
  base_source_ = open_source({address, ""}, &Window::wake_up);
}

bool App::is_over() const {
  return is_done_ || window_.is_closed() || (options_.script && options_.script->is_over());
}

int App::run() {
  while (!is_over()) {
    wait();
    take_news();
    if (frames_left_ == 0 || window_.is_hidden()) continue;
    --frames_left_;
    draw();
    act();
  }
  remember();
  if (options_.script && !options_.script->failure().empty()) failure_ = options_.script->failure();
  if (failure_.empty()) return 0;
  std::fprintf(stderr, "poolscope-viewer: %s\n", failure_.c_str());
  return 1;
}

void App::wait() {
  if (options_.script || !options_.screenshot_file.empty()) {
    window_.wait(kScriptStepSeconds);
    frames_left_ = 1;
  } else if (frames_left_ > 0 && !window_.is_hidden()) {
    window_.wait(0);
  } else {
    window_.wait(ImGui::GetIO().WantTextInput ? kCursorBlinkSeconds : -1);
    frames_left_ = kFramesAfterEvent;
  }
}

void App::take_news() {
  if (const auto file = window_.take_dropped()) open(*file);
  if (base_source_) base_state_.take(base_source_->take());
  if (!source_) return;
  state_.take(source_->take());
  if (const auto range = state_.take_question()) source_->ask_for(*range);
}

void App::draw() {
  window_.set_look(theme(), settings_.scale);
  window_.start_input();
  if (!options_.screenshot_file.empty()) ImGui::GetIO().MousePos = {-1, -1};  // wherever the mouse happens to be
  if (options_.script) options_.script->drive(ImGui::GetIO(), widgets_, glfwGetTime());
  if (plot_to_save_) ImGui::GetIO().MousePos = {-1, -1};  // no crosshair and no tooltip in the picture
  window_.start_frame();
  actions_ = Actions();
  Frame frame{state_,
              theme(),
              window_.fonts(),
              window_.scale(),
              settings_.addresses,
              !options_.token.empty(),
              widgets_,
              actions_,
              settings_.layout,
              base_source_ ? &base_state_ : nullptr,
              &find_local_agents,
              recorder_ ? std::optional(recorder_->status()) : std::nullopt,
              &Window::wake_up};
  screen_.draw(frame);
  window_.end_frame(theme());
  if (plot_to_save_) save_part(*std::exchange(plot_to_save_, std::nullopt));
  if (options_.script)
    if (const auto file = options_.script->take_screenshot_file()) save_quietly(*file);
  if (actions_.take_screenshot) save_frame(dated_file(".png"));
  if (!options_.screenshot_file.empty()) note_frame_of_screenshot();
  window_.show_frame();
}

void App::save_frame(const std::string& file) {
  tell_saved(file, write_png(file, window_.picture()));
}

// Nothing is said on the screen: it would be in the next picture.
void App::save_quietly(const std::string& file) {
  const std::string problem = write_png(file, window_.picture());
  if (problem.empty())
    std::fprintf(stderr, "poolscope-viewer: saved %s\n", file.c_str());
  else
    failure_ = problem;
}

void App::tell_saved(const std::string& file, const std::string& problem) {
  Delivery told;
  told.change = ChangeAnswer{problem.empty() ? "saved " + file : problem, problem.empty()};
  state_.take(std::move(told));
  if (problem.empty())
    std::fprintf(stderr, "poolscope-viewer: saved %s\n", file.c_str());
  else
    failure_ = problem;
}

void App::save_part(const Actions::SavedPlot& plot) {
  const std::string file = dated_file("-" + plot.name + ".png");
  const ImVec2 scale = ImGui::GetIO().DisplayFramebufferScale;
  const auto x = [&](float at) { return static_cast<int>(at * scale.x); };
  const auto y = [&](float at) { return static_cast<int>(at * scale.y); };
  const Picture all = window_.picture();
  tell_saved(file, write_png(file, part_of(all, x(plot.min.x), y(plot.min.y), x(plot.max.x), y(plot.max.y))));
}

void App::save_csv(const Actions::SavedPlot& plot) {
  const std::string file = dated_file("-" + plot.name + ".csv");
  std::ofstream out(file, std::ios::binary);
  out << plot.csv << std::flush;
  tell_saved(file, out ? "" : file + ": cannot be written");
}

// To a file in the current folder, or until now.
void App::toggle_recording() {
  if (recorder_ && !recorder_->status().is_over) return recorder_->stop();
  recorder_ = std::make_unique<Recorder>(state_.address(), dated_file(".poolscope"), &Window::wake_up);
}

// Of what is there, or of what is wrong.
void App::note_frame_of_screenshot() {
  const Connection& connection = state_.connection();
  const bool is_complete =
      !source_ || connection.state == ConnectionState::kLive || connection.state == ConnectionState::kRead;
  const bool is_late = glfwGetTime() > kScreenshotWaitSeconds || connection.state == ConnectionState::kLost;
  if (!is_complete && !is_late) return;
  if (++frames_with_data_ < options_.screenshot_frames) return;
  if (!is_complete) failure_ = connection.problem.empty() ? "the data did not come in time" : connection.problem;
  save_quietly(options_.screenshot_file);
  is_done_ = true;
}

void App::act() {
  if (actions_.theme) settings_.theme = *actions_.theme;
  if (actions_.scale_by) settings_.scale = std::min(std::max(settings_.scale * *actions_.scale_by, 0.5F), 4.0F);
  if (actions_.open) open(*actions_.open);
  if (actions_.open_base) open_base(*actions_.open_base);
  if (actions_.resize && source_) source_->resize_pool(actions_.resize->pool, actions_.resize->buffers);
  if (actions_.toggle_recording) toggle_recording();
  if (actions_.forget_recording) recorder_.reset();
  if (actions_.save_plot && !actions_.save_plot->csv.empty()) save_csv(*actions_.save_plot);
  if (actions_.save_plot && actions_.save_plot->csv.empty()) plot_to_save_ = actions_.save_plot;  // without its menu
  if (actions_.open_base || actions_.toggle_recording || actions_.save_plot) frames_left_ = kFramesAfterEvent;
  const bool is_new_look = actions_.theme || actions_.scale_by;
  if (is_new_look || actions_.open) frames_left_ = kFramesAfterEvent;
  settings_.layout.view = all_views()[state_.view].id;
  const bool is_arranged = settings_.layout != kept_layout_ && !ImGui::IsMouseDown(ImGuiMouseButton_Left);
  if (is_new_look || is_arranged) remember();
}

}  // namespace poolscope::viewer

#include "ui/draw/screen.h"

#include "exporters/text/line.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/keys.h"
#include "ui/model/series.h"

namespace poolscope::viewer {
namespace {

constexpr double kPanStep = 0.25, kZoomIn = 0.5, kZoomOut = 2;
constexpr float kScaleStep = 1.15F, kTimeBarHeight = 66;

constexpr KeyHelp kKeys[] = {{"1 – 7", "the views"},
                             {"space", "pause, or follow what is measured"},
                             {"← →", "earlier, later"},
                             {"+ –", "a shorter time, a longer one; the mouse wheel over a plot does the same"},
                             {"0", "all of the time there is"},
                             {"/", "search in the table"},
                             {"a", "type an address; Enter opens it"},
                             {"o O", "sort the table by the next column, the other way round"},
                             {"{ }", "less room for the left part, more"},
                             {", .", "the target before, after"},
                             {"↑ ↓", "in a list of pools, advice or call sites"},
                             {"< > ( )", "pools: try a smaller or larger buffer, fewer or more of them; u as it is"},
                             {"n p y", "hosted pool: its number of buffers, apply, yes"},
                             {"c C g", "advice: copy it as text, code, configuration"},
                             {"b x d", "compare: keep BASE, swap, only what differs"},
                             {"e", "compare: type what is BASE"},
                             {"[ ]", "everything smaller, larger"},
                             {"t", "dark or light"},
                             {"s", "save a screenshot in this folder"},
                             {"r", "begin and end a recording of what the agent measures; Enter opens it"},
                             {"?", "this help; Escape closes it, and what is said at the top"}};

}  // namespace

std::span<const KeyHelp> key_help() {
  return kKeys;
}

Screen::Screen() {
  for (const ViewEntry& entry : all_views()) views_.push_back(entry.make());
}

void Screen::take_character(Frame& frame, ImWchar character) {
  const auto zoom = [&](double factor) { frame.state.move_time([&](TimeAxis& time) { time.zoom(factor, 0.5); }); };
  for (std::size_t i = 0; i < views_.size(); ++i)
    if (character == static_cast<ImWchar>(all_views()[i].key)) frame.state.view = i;
  switch (character) {
    case '?':
      frame.state.shows_help = !frame.state.shows_help;
      break;
    case ' ':
      frame.state.move_time([](TimeAxis& time) { time.toggle(); });
      break;
    case '0':
      frame.state.move_time([](TimeAxis& time) { time.show_all(); });
      break;
    case '+':
      zoom(kZoomIn);
      break;
    case '-':
      zoom(kZoomOut);
      break;
    case '[':
      frame.actions.scale_by = 1 / kScaleStep;
      break;
    case ']':
      frame.actions.scale_by = kScaleStep;
      break;
    case 't':
      frame.actions.theme = frame.theme.name == "dark" ? "light" : "dark";
      break;
    case 's':
      frame.actions.take_screenshot = true;
      break;
    case 'r':
      frame.actions.toggle_recording = frame.state.is_live() || (frame.recording && !frame.recording->is_over);
      break;
    default:
      break;
  }
}

void Screen::take_keys(Frame& frame) {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.WantTextInput) return;
  for (const ImWchar character : io.InputQueueCharacters) take_character(frame, character);
  if (is_pressed(ImGuiKey_LeftArrow)) frame.state.move_time([](TimeAxis& time) { time.pan(-kPanStep); });
  if (is_pressed(ImGuiKey_RightArrow)) frame.state.move_time([](TimeAxis& time) { time.pan(kPanStep); });
  if (is_pressed(ImGuiKey_Escape)) {
    if (!frame.state.shows_help) frame.state.forget_last_change();
    frame.state.shows_help = false;
  }
  if (is_pressed(ImGuiKey_Enter) && frame.recording && frame.recording->is_over && frame.recording->length_ns > 0)
    frame.actions.open = frame.recording->file;
}

void Screen::draw(Frame& frame) {
  frame.widgets.begin_frame();
  take_keys(frame);
  const ImGuiIO& io = ImGui::GetIO();
  ImGui::SetNextWindowPos({0, 0});
  ImGui::SetNextWindowSize(io.DisplaySize);
  constexpr auto kFlags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                          ImGuiWindowFlags_NoBringToFrontOnFocus;
  ImGui::Begin("poolscope", nullptr, kFlags);
  connect_.draw(frame);
  connect_.draw_problem(frame);
  draw_change(frame);
  draw_recording(frame);
  draw_tabs(frame);
  ImGui::BeginChild("view", {0, -frame.px(kTimeBarHeight)});
  views_[frame.state.view]->draw(frame);
  ImGui::EndChild();
  time_.draw(frame);
  ImGui::End();
  draw_help(frame);
}

// Buttons: the tabs of ImGui keep a choice of their own.
void Screen::draw_tabs(Frame& frame) {
  for (std::size_t i = 0; i < views_.size(); ++i) {
    const ViewEntry& entry = all_views()[i];
    if (i > 0) ImGui::SameLine(0, frame.px(3));
    const bool is_chosen = frame.state.view == i;
    ImGui::PushStyleColor(ImGuiCol_Button, is_chosen ? frame.theme.accent : frame.theme.raised);
    ImGui::PushStyleColor(ImGuiCol_Text, is_chosen ? frame.theme.accent_text : frame.theme.text);
    // Under the mouse, too: its text can be read on no other colour.
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered,
                          is_chosen ? frame.theme.accent : ImGui::GetColorU32(ImGuiCol_ButtonHovered));
    const std::string label = std::string(1, entry.key) + "  " + entry.name;
    if (ImGui::Button(label.c_str())) frame.state.view = i;
    ImGui::PopStyleColor(3);
    frame.widgets.note(std::string("tab.") + entry.id, is_chosen ? "chosen" : entry.name);
  }
  ImGui::Separator();
}

// What became of a change that was asked for.
void Screen::draw_change(Frame& frame) {
  const auto& change = frame.state.last_change();
  if (!change) return;
  const std::string said = text::printable(change->text);
  const bool is_done = change->is_done;
  ImGui::PushID("change");
  if (ImGui::SmallButton("ok")) frame.state.forget_last_change();
  ImGui::PopID();
  ImGui::SameLine();
  wrapped_item(said, frame.theme.of(is_done ? Tone::kGood : Tone::kBad));
  frame.widgets.note("change.answer", said);
}

void Screen::draw_recording(Frame& frame) {
  if (!frame.recording) return;
  const RecordStatus& status = *frame.recording;
  const std::string length = length_text({0, status.length_ns}), file = text::printable(status.file);
  ImGui::PushID("recording");
  std::string said;
  if (!status.is_over) {
    if (ImGui::SmallButton("Stop")) frame.actions.toggle_recording = true;
    frame.widgets.note("record.stop", "Stop");
    said = (status.is_stopping ? "the last of it for " : "recording to ") + file;
    if (status.length_ns > 0) said += ", " + length;
  } else {
    if (status.length_ns > 0) {
      if (ImGui::SmallButton("Open")) frame.actions.open = status.file;
      frame.widgets.note("record.open", "Open");
      ImGui::SameLine();
    }
    if (ImGui::SmallButton("ok")) frame.actions.forget_recording = true;
    frame.widgets.note("record.ok", "ok");
    said = "recorded " + length + " to " + file;
    if (status.missing_ns > 0) said += "; of that " + length_text({0, status.missing_ns}) + " are missing";
    if (!status.problem.empty()) said = "recording to " + file + " ended: " + text::printable(status.problem);
  }
  ImGui::PopID();
  ImGui::SameLine();
  wrapped_item(said, frame.theme.of(!status.problem.empty() ? Tone::kBad
                                    : status.is_over        ? Tone::kGood
                                                            : Tone::kWarning));
  frame.widgets.note("record.status", said);
}

void Screen::draw_help(Frame& frame) {
  if (!frame.state.shows_help) return;
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  ImGui::SetNextWindowPos({size.x / 2, size.y / 2}, ImGuiCond_Always, {0.5F, 0.5F});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ImGui::PushStyleColor(ImGuiCol_WindowBg, frame.theme.panel);
  constexpr auto kFlags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_AlwaysAutoResize |
                          ImGuiWindowFlags_NoSavedSettings;
  ImGui::Begin("help", nullptr, kFlags);
  heading(frame, "Keys");
  const float column = frame.px(90);
  for (const KeyHelp& help : key_help()) {
    text_item(help.key, frame.theme.accent, column);
    ImGui::SameLine(column);
    text_item(help.what, frame.theme.text, frame.px(620));
  }
  frame.widgets.note(
      "help", "Keys", ImGui::GetWindowPos(),
      {ImGui::GetWindowPos().x + ImGui::GetWindowSize().x, ImGui::GetWindowPos().y + ImGui::GetWindowSize().y});
  ImGui::End();
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
}

}  // namespace poolscope::viewer

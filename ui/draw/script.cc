#include "ui/draw/script.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace poolscope::viewer {
namespace {

constexpr unsigned kDragSteps = 6;

struct CommandForm {
  const char* name;
  std::size_t least, most;  // words after it
};
constexpr CommandForm kForms[] = {{"wait", 1, 2},    {"gone", 1, 1},  {"assert", 1, 2}, {"click", 1, 1},
                                  {"menu", 1, 1},    {"hover", 1, 1}, {"wheel", 2, 2},  {"drag", 3, 3},
                                  {"type", 1, 1},    {"key", 1, 1},   {"pause", 1, 1},  {"screenshot", 1, 1},
                                  {"timeout", 1, 1}, {"list", 1, 1}};

constexpr std::pair<const char*, ImGuiKey> kKeyNames[] = {
    {"Enter", ImGuiKey_Enter},      {"Escape", ImGuiKey_Escape},       {"Left", ImGuiKey_LeftArrow},
    {"Right", ImGuiKey_RightArrow}, {"Up", ImGuiKey_UpArrow},          {"Down", ImGuiKey_DownArrow},
    {"Tab", ImGuiKey_Tab},          {"Backspace", ImGuiKey_Backspace}, {"Home", ImGuiKey_Home},
    {"End", ImGuiKey_End},          {"Space", ImGuiKey_Space},         {"Delete", ImGuiKey_Delete}};

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool is_quoted = false, has_word = false;
  for (const char c : line) {
    if (c == '"') {
      is_quoted = !is_quoted;
      has_word = true;
    } else if (c == '#' && !is_quoted && !has_word) {
      break;
    } else if ((c == ' ' || c == '\t' || c == '\r') && !is_quoted) {
      if (has_word) words.push_back(std::exchange(word, ""));
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(word);
  return words;
}

float number(const std::string& text) {
  return std::strtof(text.c_str(), nullptr);
}

bool says(const Widget& widget, const std::vector<std::string>& words) {
  return words.size() < 3 || widget.text.find(words[2]) != std::string::npos;
}

}  // namespace

std::string Script::problem_of(const Words& words) {
  const auto form = std::ranges::find(kForms, words.front(), [](const CommandForm& f) { return std::string(f.name); });
  if (form == std::end(kForms)) return "there is no command " + words.front();
  const std::size_t given = words.size() - 1;
  if (given < form->least || given > form->most)
    return words.front() + " has " + std::to_string(given) + " words after it";
  return "";
}

Result<Script, std::string> Script::parse(std::string_view text) {
  Script script;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    Words words = split(one);
    if (words.empty()) continue;
    if (const std::string problem = problem_of(words); !problem.empty())
      return Failure{"line " + std::to_string(line) + ": " + problem};
    script.commands_.push_back({line, std::move(words)});
  }
  return script;
}

void Script::fail(const std::string& why) {
  const Command& command = commands_[next_];
  failure_ = "line " + std::to_string(command.line) + ":";
  for (const std::string& word : command.words) failure_ += " " + word;
  failure_ += ": " + why;
}

void Script::done() {
  ++next_;
  phase_ = 0;
  began_seconds_ = -1;
}

std::optional<std::string> Script::take_screenshot_file() {
  return std::exchange(screenshot_, std::nullopt);
}

void Script::drive(ImGuiIO& io, const Widgets& widgets, double now_seconds) {
  wheel_ = 0;
  for (const auto& [name, key] : kKeyNames)
    if (io.KeyMap[key] >= 0) io.KeysDown[io.KeyMap[key]] = false;
  if (!is_over() && !widgets.all().empty()) {  // nothing was drawn before the first frame
    if (began_seconds_ < 0) began_seconds_ = now_seconds;
    step(io, widgets, now_seconds);
    ++phase_;
    if (began_seconds_ < 0) phase_ = 0;
  }
  io.MousePos = mouse_;
  io.MouseDown[0] = is_down_;
  io.MouseDown[1] = is_right_down_;
  io.MouseWheel = wheel_;
}

void Script::step(ImGuiIO& io, const Widgets& widgets, double now_seconds) {
  const Words& words = commands_[next_].words;
  const std::string& name = words.front();
  const auto is = [&](const char* other) { return name == other; };
  if (is("wait")) return step_wait(words, widgets, now_seconds, true);
  if (is("gone")) return step_wait(words, widgets, now_seconds, false);
  if (is("click") || is("menu") || is("hover") || is("wheel") || is("drag")) return step_mouse(words, widgets);
  if (is("key")) return step_key(io, words[1]);
  if (is("pause")) return now_seconds - began_seconds_ >= number(words[1]) ? done() : void();
  if (is("assert")) {
    const Widget* widget = visible(widgets, words[1]);
    if (widget == nullptr) return;
    if (!says(*widget, words)) return fail("it says \"" + widget->text + "\"");
  } else if (is("type")) {
    io.AddInputCharactersUTF8(words[1].c_str());
  } else if (is("timeout")) {
    timeout_seconds_ = number(words[1]);
  } else if (is("screenshot")) {
    screenshot_ = words[1];
  } else {
    for (const auto& [each, widget] : widgets.all())
      if (each.starts_with(words[1])) std::printf("%s\t%s\n", each.c_str(), widget.text.c_str());
  }
  done();
}

const Widget* Script::visible(const Widgets& widgets, const std::string& name) {
  const Widget* widget = widgets.find(name);
  if (widget != nullptr && widget->is_visible) return widget;
  std::string known;
  const std::string_view prefix = std::string_view(name).substr(0, name.find('.') + 1);
  for (const auto& [each, ignored] : widgets.all())
    if (each.starts_with(prefix)) known += (known.empty() ? "" : ", ") + each;
  fail(widget != nullptr ? "it is not in sight"
                         : "there is no such widget; there are " + (known.empty() ? "none" : known));
  return nullptr;
}

void Script::step_wait(const Words& words, const Widgets& widgets, double now_seconds, bool wants_it) {
  const Widget* widget = widgets.find(words[1]);
  const bool is_there = widget != nullptr && widget->is_visible && says(*widget, words);
  if (is_there == wants_it) return done();
  if (now_seconds - began_seconds_ < timeout_seconds_) return;
  fail(widget == nullptr ? "it did not come" : "it says \"" + widget->text + "\"");
}

// Moves there, lets a frame pass, presses, lets go.
void Script::step_mouse(const Words& words, const Widgets& widgets) {
  if (phase_ == 0) {
    const Widget* widget = visible(widgets, words[1]);
    if (widget == nullptr) return;
    mouse_ = drag_from_ = widget->centre();
    return;
  }
  if (words[0] == "hover") {
    if (phase_ >= 2) done();
  } else if (words[0] == "wheel") {
    if (phase_ == 2) wheel_ = number(words[2]);
    if (phase_ >= 3) done();
  } else if (words[0] == "click" || words[0] == "menu") {
    (words[0] == "click" ? is_down_ : is_right_down_) = phase_ == 2;
    if (phase_ >= 4) done();
  } else {
    step_drag(words, drag_from_);
  }
}

void Script::step_drag(const Words& words, ImVec2 from) {
  if (phase_ == 1) return;
  const unsigned moved = std::min(phase_ - 2, kDragSteps);
  const float share = static_cast<float>(moved) / static_cast<float>(kDragSteps);
  mouse_ = {from.x + number(words[2]) * share, from.y + number(words[3]) * share};
  is_down_ = phase_ <= kDragSteps + 3;
  if (phase_ >= kDragSteps + 6) done();
}

void Script::step_key(ImGuiIO& io, const std::string& name) {
  const auto known = std::ranges::find(kKeyNames, name, [](const auto& pair) { return std::string(pair.first); });
  if (known == std::end(kKeyNames)) {
    io.AddInputCharactersUTF8(name.c_str());
    return done();
  }
  const int index = io.KeyMap[known->second];
  if (phase_ == 0 && index >= 0) io.KeysDown[index] = true;
  if (phase_ == 0 && name == "Space") io.AddInputCharacter(' ');
  if (phase_ >= 2) done();
}

}  // namespace poolscope::viewer

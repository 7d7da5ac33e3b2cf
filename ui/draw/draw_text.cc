#include "ui/draw/draw_text.h"

#include <algorithm>

namespace poolscope::viewer {
namespace {

constexpr float kTooltipChars = 60;

// Where a line of `width` ends; npos: the text is no longer than that, or no blank comes in time.
std::size_t last_blank_that_fits(std::string_view text, float width) {
  if (width_of(text) <= width) return std::string_view::npos;
  std::size_t last = std::string_view::npos;
  for (auto blank = text.find(' '); blank != std::string_view::npos && width_of(text.substr(0, blank)) <= width;
       blank = text.find(' ', blank + 1))
    last = blank;
  return last;
}

// Breaks lines at blanks alone: ImGui also does behind every full stop, so within numbers.
std::string broken_at_blanks(std::string text, float width) {
  std::size_t start = 0;
  for (;;) {
    const std::string_view rest = std::string_view(text).substr(start);
    std::size_t blank = last_blank_that_fits(rest, width);
    if (blank == std::string_view::npos && width_of(rest) > width)
      blank = rest.find(' ');  // the first word is too long
    if (blank == std::string_view::npos) return text;
    text[start + blank] = '\n';
    start += blank + 1;
  }
}

}  // namespace

float width_of(std::string_view text) {
  return ImGui::CalcTextSize(text.data(), text.data() + text.size()).x;
}

std::string cut_to(std::string_view text, float width) {
  if (width_of(text) <= width) return std::string(text);
  const float room = width - width_of("…");
  const char* end = text.data();
  if (room > 0) {
    ImGui::GetFont()->CalcTextSizeA(ImGui::GetFontSize(), room, 0, text.data(), text.data() + text.size(), &end);
  }
  return std::string(text.data(), end) + "…";
}

std::string fit_lines(std::string_view text, float width, unsigned lines) {
  std::string fitted;
  while (lines-- > 1) {
    const std::size_t blank = last_blank_that_fits(text, width);
    if (blank == std::string_view::npos) break;
    fitted += std::string(text.substr(0, blank)) + "\n";
    text.remove_prefix(blank + 1);
  }
  return fitted + cut_to(text, width);
}

void draw_text_at(ImDrawList& list, ImVec2 at, ImU32 colour, std::string_view text, float width, float align) {
  const std::string cut = cut_to(text, width);
  at.x += std::max(0.0F, (width - width_of(cut)) * align);
  list.AddText(at, colour, cut.data(), cut.data() + cut.size());
}

void tooltip(std::string_view text) {
  if (text.empty() || !ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled)) return;
  ImGui::BeginTooltip();
  ImGui::PushTextWrapPos(ImGui::GetFontSize() * kTooltipChars * 0.6F);
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
}

void text_item(std::string_view text, ImU32 colour, float width) {
  const float room = width > 0 ? width : ImGui::GetContentRegionAvail().x;
  const std::string cut = cut_to(text, room);
  ImGui::PushStyleColor(ImGuiCol_Text, colour);
  ImGui::TextUnformatted(cut.data(), cut.data() + cut.size());
  ImGui::PopStyleColor();
  if (cut != text) tooltip(text);
}

void wrapped_item(std::string_view text, ImU32 colour) {
  const std::string lines = broken_at_blanks(std::string(text), ImGui::GetContentRegionAvail().x);
  ImGui::PushStyleColor(ImGuiCol_Text, colour);
  ImGui::PushTextWrapPos(0);  // for words that are longer than a line
  ImGui::TextUnformatted(lines.data(), lines.data() + lines.size());
  ImGui::PopTextWrapPos();
  ImGui::PopStyleColor();
}

void heading(const Frame& frame, std::string_view text) {
  ImGui::PushFont(frame.fonts.bold);
  text_item(text, frame.theme.text);
  ImGui::PopFont();
}

}  // namespace poolscope::viewer

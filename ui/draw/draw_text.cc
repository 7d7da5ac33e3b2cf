#include "ui/draw/draw_text.h"

#include <algorithm>

namespace poolscope::viewer {
namespace {

constexpr float kTooltipChars = 60;

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
  for (; lines > 1 && width_of(text) > width; --lines) {
    std::size_t length = std::string_view::npos;  // of what fits, up to a blank
    for (auto blank = text.find(' '); blank != std::string_view::npos && width_of(text.substr(0, blank)) <= width;
         blank = text.find(' ', blank + 1))
      length = blank;
    if (length == std::string_view::npos) break;
    fitted += std::string(text.substr(0, length)) + "\n";
    text.remove_prefix(length + 1);
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
  ImGui::PushStyleColor(ImGuiCol_Text, colour);
  ImGui::PushTextWrapPos(0);
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopTextWrapPos();
  ImGui::PopStyleColor();
}

void heading(const Frame& frame, std::string_view text) {
  ImGui::PushFont(frame.fonts.bold);
  text_item(text, frame.theme.text);
  ImGui::PopFont();
}

}  // namespace poolscope::viewer

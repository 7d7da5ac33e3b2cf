#include "ui/draw/theme.h"

#include <algorithm>

namespace poolscope::viewer {
namespace {

constexpr ImU32 rgb(std::uint32_t hex) {
  return IM_COL32((hex >> 16) & 255, (hex >> 8) & 255, hex & 255, 255);
}

ImVec4 vec(ImU32 colour) {
  return ImGui::ColorConvertU32ToFloat4(colour);
}

void set_colours(ImGuiStyle& style, const Theme& theme) {
  ImVec4* colours = style.Colors;
  for (const int index : {ImGuiCol_FrameBg, ImGuiCol_Button, ImGuiCol_Header, ImGuiCol_TableHeaderBg, ImGuiCol_Tab})
    colours[index] = vec(theme.raised);
  for (const int index : {ImGuiCol_FrameBgHovered, ImGuiCol_ButtonHovered, ImGuiCol_HeaderHovered})
    colours[index] = vec(with_alpha(theme.accent, 0.35F));
  for (const int index : {ImGuiCol_FrameBgActive, ImGuiCol_ButtonActive, ImGuiCol_HeaderActive})
    colours[index] = vec(with_alpha(theme.accent, 0.55F));
  colours[ImGuiCol_WindowBg] = colours[ImGuiCol_ChildBg] = vec(theme.background);
  colours[ImGuiCol_PopupBg] = vec(theme.panel);
  colours[ImGuiCol_ModalWindowDimBg] = vec(with_alpha(theme.background, 0.6F));
  colours[ImGuiCol_Text] = vec(theme.text);
  colours[ImGuiCol_TextDisabled] = vec(theme.dim);
  colours[ImGuiCol_TextSelectedBg] = vec(with_alpha(theme.accent, 0.4F));
  for (const int index : {ImGuiCol_Border, ImGuiCol_Separator, ImGuiCol_TableBorderStrong, ImGuiCol_TableBorderLight})
    colours[index] = vec(theme.line);
  colours[ImGuiCol_TableRowBg] = ImVec4(0, 0, 0, 0);
  colours[ImGuiCol_TableRowBgAlt] = vec(with_alpha(theme.raised, 0.35F));
  colours[ImGuiCol_CheckMark] = colours[ImGuiCol_NavHighlight] = vec(theme.accent);
  colours[ImGuiCol_ScrollbarBg] = ImVec4(0, 0, 0, 0);
  colours[ImGuiCol_ScrollbarGrab] = vec(theme.line);
}

}  // namespace

ImU32 with_alpha(ImU32 colour, float alpha) {
  const auto opacity = static_cast<ImU32>(std::clamp(alpha, 0.0F, 1.0F) * 255.0F);
  return (colour & ~IM_COL32_A_MASK) | (opacity << IM_COL32_A_SHIFT);
}

ImU32 Theme::of(Tone tone) const {
  switch (tone) {
    case Tone::kDim:
      return dim;
    case Tone::kGood:
      return good;
    case Tone::kWarning:
      return warning;
    case Tone::kBad:
      return bad;
    case Tone::kPlain:
      break;
  }
  return text;
}

const Theme& dark_theme() {
  static const Theme theme = {
      "dark",
      rgb(0x15181d),
      rgb(0x1d2128),
      rgb(0x2a303a),
      rgb(0x3a424f),
      rgb(0x2b313b),
      rgb(0xe6e9ee),
      rgb(0x9aa4b2),
      rgb(0x2fc79a),
      rgb(0xf0b23c),
      rgb(0xff7b5a),
      rgb(0x56b4e9),
      rgb(0x0b0e12),
      {rgb(0x56b4e9), rgb(0xe69f00), rgb(0x1fc091), rgb(0xf0e442), rgb(0xcc79a7), rgb(0xe8743b), rgb(0x8fa8ff)}};
  return theme;
}

const Theme& light_theme() {
  static const Theme theme = {
      "light",
      rgb(0xf7f8fa),
      rgb(0xffffff),
      rgb(0xe4e8ee),
      rgb(0xc3cad4),
      rgb(0xe3e7ed),
      rgb(0x14181f),
      rgb(0x566172),
      rgb(0x00694d),
      rgb(0x8a5a00),
      rgb(0xb03a00),
      rgb(0x0072b2),
      rgb(0xffffff),
      {rgb(0x0072b2), rgb(0xc98500), rgb(0x009e73), rgb(0x8a7f00), rgb(0xb0528a), rgb(0xd55e00), rgb(0x3f51b5)}};
  return theme;
}

const Theme* theme_named(std::string_view name) {
  for (const Theme* theme : {&dark_theme(), &light_theme()})
    if (theme->name == name) return theme;
  return nullptr;
}

void apply(const Theme& theme, float scale) {
  ImGuiStyle& style = ImGui::GetStyle();
  style = ImGuiStyle();
  style.WindowPadding = {10, 8};
  style.FramePadding = {8, 4};
  style.ItemSpacing = {8, 6};
  style.CellPadding = {6, 3};
  style.WindowRounding = style.ChildRounding = style.PopupRounding = 0;
  style.FrameRounding = style.GrabRounding = 3;
  style.WindowBorderSize = 0;
  style.ScrollbarSize = 12;
  style.ScaleAllSizes(scale);
  set_colours(style, theme);
}

}  // namespace poolscope::viewer

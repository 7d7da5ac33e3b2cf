#include "ui/draw/fact_panel.h"

#include <algorithm>
#include <string>

#include "ui/draw/draw_text.h"

namespace poolscope::viewer {
namespace {

constexpr float kFactWidth = 150, kFactGap = 12, kBarAlpha = 0.75F;
constexpr unsigned kNoteLines = 3;  // at most; name and value above

void draw_fact(Frame& frame, std::string_view prefix, const Fact& fact, const std::string& note, ImVec2 at,
               ImVec2 size) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float line = ImGui::GetTextLineHeight(), width = size.x;
  ImGui::SetCursorScreenPos(at);
  ImGui::Dummy(size);
  frame.widgets.note(std::string(prefix) + ".fact." + fact.name, fact.value.text);
  tooltip(fact.name + "\n" + fact.value.tooltip);
  draw_text_at(list, at, frame.theme.dim, fact.name, width);
  ImGui::PushFont(frame.fonts.bold);
  draw_text_at(list, {at.x, at.y + line}, frame.theme.of(fact.value.tone), fact.value.text, width);
  ImGui::PopFont();
  list.AddText({at.x, at.y + 2 * line}, frame.theme.dim, note.data(), note.data() + note.size());
}

float widest_label(const std::vector<ShareRow>& rows) {
  float width = 0;
  for (const ShareRow& row : rows) width = std::max(width, width_of(row.label));
  return width;
}

void draw_share_row(Frame& frame, const ShareRow& row, double top, ImVec2 at, ImVec2 size, float label) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float gap = frame.px(6), number = width_of("99.9 %"), text_y = at.y + (size.y - ImGui::GetFontSize()) / 2;
  const float left = at.x + label + gap, room = std::max(size.x - label - number - 2 * gap, 1.0F);
  const bool is_hovered = ImGui::IsMouseHoveringRect(at, {at.x + size.x, at.y + size.y}) && ImGui::IsItemHovered();
  draw_text_at(list, {at.x, text_y}, frame.theme.dim, row.label, label + 1, 1);
  list.AddRectFilled({left, at.y + 1},
                     {left + room * static_cast<float>(top > 0 ? row.share / top : 0), at.y + size.y - 1},
                     with_alpha(frame.theme.of_line(0), is_hovered ? 1 : kBarAlpha));
  draw_text_at(list, {left + room + gap, text_y}, frame.theme.text, short_text(row.share, Unit::kRatio), number + 1, 1);
  if (is_hovered) tooltip(row.label + "\n" + row.tooltip);
}

}  // namespace

void draw_facts(Frame& frame, std::string_view prefix, const std::vector<Fact>& facts) {
  if (facts.empty()) return;
  const float room = ImGui::GetContentRegionAvail().x, gap = frame.px(kFactGap);
  const auto fit = static_cast<std::size_t>(std::max(room / frame.px(kFactWidth), 1.0F));
  const std::size_t lines = (facts.size() + fit - 1) / fit, columns = (facts.size() + lines - 1) / lines;
  const float each = room / static_cast<float>(columns), width = std::max(each - gap, 1.0F);
  std::vector<std::string> notes;
  std::ptrdiff_t breaks = 1;  // of the longest note; two lines at least, so that plots below rarely move
  for (const Fact& fact : facts) {
    notes.push_back(fit_lines(fact.note, width, kNoteLines));
    breaks = std::max(breaks, std::ranges::count(notes.back(), '\n'));
  }
  const float text = static_cast<float>(3 + breaks) * ImGui::GetTextLineHeight(), height = text + frame.px(4);
  const ImVec2 start = ImGui::GetCursorScreenPos();
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const ImVec2 at = {start.x + each * static_cast<float>(i % columns),
                       start.y + height * static_cast<float>(i / columns)};
    draw_fact(frame, prefix, facts[i], notes[i], at, {width, text});
  }
  ImGui::SetCursorScreenPos({start.x, start.y + height * static_cast<float>(lines)});
}

void draw_share_bars(Frame& frame, const ShareBars& bars, ImVec2 size) {
  size = {std::max(size.x, frame.px(80)), std::max(size.y, frame.px(60))};
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::PushID(bars.id.c_str());
  ImGui::InvisibleButton("bars", size);
  ImGui::PopID();
  frame.widgets.note(bars.id, bars.rows.empty() ? bars.absent : bars.summary);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float line = ImGui::GetTextLineHeightWithSpacing();
  ImGui::PushFont(frame.fonts.bold);
  const float title = std::min(width_of(bars.title), size.x);
  draw_text_at(list, at, frame.theme.text, bars.title, title + 1);
  ImGui::PopFont();
  const float left = title + frame.px(14);
  draw_text_at(list, {at.x + left, at.y}, frame.theme.dim, bars.summary, std::max(size.x - left, 1.0F));
  if (bars.rows.empty()) {
    const ImVec4 clip = {at.x, at.y, at.x + size.x, at.y + size.y};
    list.AddText(ImGui::GetFont(), ImGui::GetFontSize(), {at.x, at.y + line}, frame.theme.dim, bars.absent.data(),
                 bars.absent.data() + bars.absent.size(), size.x, &clip);
    return tooltip(bars.absent);
  }
  const float height = std::min((size.y - line) / static_cast<float>(bars.rows.size()), line + frame.px(2));
  const float label = std::min(widest_label(bars.rows), size.x * 0.45F);
  const double top = std::ranges::max(bars.rows, {}, &ShareRow::share).share;
  for (std::size_t i = 0; i < bars.rows.size(); ++i) {
    const ImVec2 row_at = {at.x, at.y + line + height * static_cast<float>(i)};
    draw_share_row(frame, bars.rows[i], top, row_at, {size.x, height}, label);
  }
}

}  // namespace poolscope::viewer

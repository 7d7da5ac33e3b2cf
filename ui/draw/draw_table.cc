#include "ui/draw/draw_table.h"

#include <algorithm>

#include <imgui_stdlib.h>

#include "ui/draw/draw_text.h"
#include "ui/draw/keys.h"

namespace poolscope::viewer {
namespace {

std::string widget_name(std::string_view prefix, const char* part, const std::string& id) {
  return std::string(prefix) + part + id;
}

// The layout says how it is sorted. A column that it names and that is not there: not at all.
void take_order(const Frame& frame, const std::string& prefix, Table& table) {
  const auto kept = frame.layout.orders.find(prefix);
  if (kept == frame.layout.orders.end()) return table.set_order(std::nullopt);
  const auto column = std::ranges::find(table.columns(), kept->second.column, &Column::name);
  table.set_order(Order{static_cast<std::size_t>(column - table.columns().begin()), kept->second.descending});
}

void keep_order(Frame& frame, const std::string& prefix, const Table& table) {
  if (!table.order())
    frame.layout.orders.erase(prefix);
  else
    frame.layout.orders[prefix] = {table.columns()[table.order()->column].name, table.order()->descending};
}

void take_order_keys(Frame& frame, const std::string& prefix, Table& table) {
  if (is_typed('o')) table.order_by_next_column();
  if (is_typed('O')) table.reverse_order();
  if (is_typed('o') || is_typed('O')) keep_order(frame, prefix, table);
}

void draw_head(Frame& frame, std::string_view prefix, Table& table) {
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    const Column& column = table.columns()[i];
    ImGui::TableSetColumnIndex(static_cast<int>(i));
    const float width = ImGui::GetContentRegionAvail().x;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::PushID(static_cast<int>(i));
    const bool is_clicked = ImGui::InvisibleButton("head", {std::max(width, 1.0F), ImGui::GetFontSize()});
    ImGui::PopID();
    std::string text = column.name;
    if (table.order() && table.order()->column == i) text += table.order()->descending ? " ▼" : " ▲";
    frame.widgets.note(widget_name(prefix, ".head.", column.name), text);
    tooltip(column.tooltip + (column.tooltip.empty() ? "" : "\n") + "click to sort");
    draw_text_at(*ImGui::GetWindowDrawList(), at, frame.theme.dim, text, width, column.is_right ? 1 : 0);
    if (!is_clicked) continue;
    table.click_column(i);
    keep_order(frame, std::string(prefix), table);
  }
}

void draw_cell(Frame& frame, const Cell& cell, const Column& column) {
  const float width = ImGui::GetContentRegionAvail().x;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::Dummy({std::max(width, 1.0F), ImGui::GetFontSize()});
  if (ImGui::IsItemHovered()) {
    const bool is_cut = width_of(cell.text) > width;
    tooltip(is_cut && cell.tooltip != cell.text ? cell.text + "\n" + cell.tooltip : cell.tooltip);
  }
  draw_text_at(*ImGui::GetWindowDrawList(), at, frame.theme.of(cell.tone), cell.text, width, column.is_right ? 1 : 0);
}

bool draw_row(Frame& frame, std::string_view prefix, Table& table, std::size_t index, bool is_chosen) {
  const Row& row = table.row(index);
  ImGui::TableNextRow();
  ImGui::TableSetColumnIndex(0);
  ImGui::PushID(static_cast<int>(index));
  const ImVec2 before = ImGui::GetCursorPos();
  const bool is_clicked =
      ImGui::Selectable("##row", is_chosen, ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowItemOverlap,
                        {0, ImGui::GetFontSize()});
  std::string said;
  for (const Cell& cell : row.cells) said += (said.empty() ? "" : " | ") + cell.text;
  frame.widgets.note(widget_name(prefix, ".row.", row.id), said);
  ImGui::SetCursorPos(before);
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    ImGui::TableSetColumnIndex(static_cast<int>(i));
    draw_cell(frame, row.cells[i], table.columns()[i]);
  }
  ImGui::PopID();
  return is_clicked;
}

void set_up_columns(Frame& frame, const Table& table, const TableLayout& layout) {
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    const float width = i < layout.widths.size() ? layout.widths[i] : 0;
    ImGui::TableSetupColumn(table.columns()[i].name.c_str(),
                            width > 0 ? ImGuiTableColumnFlags_WidthFixed : ImGuiTableColumnFlags_WidthStretch,
                            width > 0 ? frame.px(width) : 1.0F);
  }
  ImGui::TableSetupScrollFreeze(0, 1);
}

}  // namespace

std::optional<std::size_t> draw_table(Frame& frame, std::string_view prefix, Table& table, const TableLayout& layout,
                                      std::optional<std::size_t> chosen) {
  const std::string id(prefix);
  const auto flags = ImGuiTableFlags_RowBg | ImGuiTableFlags_BordersOuterH | ImGuiTableFlags_NoSavedSettings |
                     (layout.height > 0 ? ImGuiTableFlags_ScrollY : 0);
  std::optional<std::size_t> clicked;
  take_order(frame, id, table);
  if (!ImGui::BeginTable(id.c_str(), static_cast<int>(table.columns().size()), flags, {0, layout.height}))
    return clicked;
  set_up_columns(frame, table, layout);
  draw_head(frame, prefix, table);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(table.shown().size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const std::size_t index = table.shown()[static_cast<std::size_t>(i)];
      if (draw_row(frame, prefix, table, index, chosen == index)) clicked = index;
    }
  }
  ImGui::EndTable();
  return clicked;
}

void draw_search(Frame& frame, std::string_view prefix, Table& table, float width) {
  std::string words = table.search();
  take_order_keys(frame, std::string(prefix), table);
  ImGui::SetNextItemWidth(width);
  const std::string name = std::string(prefix) + ".search";
  ImGui::PushID(name.c_str());
  focus_by('/');
  if (ImGui::InputTextWithHint("##search", "search  /", &words)) table.set_search(words);
  const bool is_typed_into = ImGui::IsItemActive();
  ImGui::PopID();
  frame.widgets.note(name, is_typed_into ? words + "_" : words);
}

}  // namespace poolscope::viewer

#include "ui/draw/plot_area.h"

#include <algorithm>
#include <cmath>

#include "ui/draw/draw_text.h"
#include "ui/model/series.h"

namespace poolscope::viewer {
namespace {

constexpr float kSwatch = 10, kGap = 6, kPixelsPerLogMark = 64;

float legend_width(Frame& frame, const std::vector<LegendEntry>& legend) {
  float width = 0;
  for (const auto& entry : legend) width += frame.px(kSwatch + 3 * kGap) + width_of(entry.name);
  return width;
}

void draw_legend(Frame& frame, ImDrawList& list, ImVec2 at, float width, const std::vector<LegendEntry>& legend) {
  const float swatch = frame.px(kSwatch), gap = frame.px(kGap), height = ImGui::GetFontSize();
  float x = at.x;
  for (const auto& entry : legend) {
    const float room = at.x + width - x - swatch - gap;
    if (room < swatch) return;
    list.AddRectFilled({x, at.y + (height - swatch) / 2}, {x + swatch, at.y + (height + swatch) / 2}, entry.colour,
                       frame.px(2));
    draw_text_at(list, {x + swatch + gap, at.y}, frame.theme.dim, entry.name, room);
    x += swatch + 3 * gap + width_of(entry.name);
  }
}

// Title, and the legend at the right end beside it, or below it when there is no room. How high both are.
float draw_head(Frame& frame, ImDrawList& list, ImVec2 at, float width, std::string_view title,
                const std::vector<LegendEntry>& legend) {
  const float line = ImGui::GetFontSize(), gap = frame.px(2 * kGap);
  ImGui::PushFont(frame.fonts.bold);
  const float title_width = std::min(width_of(title), width);
  draw_text_at(list, at, frame.theme.text, title, title_width + 1);
  ImGui::PopFont();
  const float wanted = legend_width(frame, legend);
  if (wanted <= width - title_width - gap) {
    draw_legend(frame, list, {at.x + width - wanted, at.y}, wanted, legend);
    return line;
  }
  draw_legend(frame, list, {at.x, at.y + line + frame.px(3)}, width, legend);
  return 2 * line + frame.px(3);
}

void draw_y_marks(Frame& frame, const PlotArea& area, const std::vector<double>& marks,
                  const std::vector<std::string>& labels, float left) {
  const float half = ImGui::GetFontSize() / 2;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const float y = std::round(area.y(marks[i]));
    area.list->AddLine({area.min.x, y}, {area.max.x, y}, frame.theme.grid);
    draw_text_at(*area.list, {left, y - half}, frame.theme.dim, labels[i], area.min.x - left - frame.px(4), 1);
  }
}

}  // namespace

float PlotArea::y(double value) const {
  const double share = top > 0 && std::isfinite(value) ? std::clamp(value / top, 0.0, 1.0) : 0;
  return max.y - 1 - static_cast<float>(share) * (max.y - min.y - 2);
}

PlotArea begin_area(Frame& frame, const PlotText& text, const std::vector<LegendEntry>& legend, double high,
                    ImVec2 size) {
  const float line = ImGui::GetFontSize(), gap = frame.px(4);
  if (size.x <= 0) size.x = ImGui::GetContentRegionAvail().x;
  size.x = std::max(size.x, frame.px(80));
  size.y = std::max(size.y, frame.px(60));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const std::string id(text.id);
  ImGui::PushID(id.c_str());
  ImGui::InvisibleButton("plot", size);
  ImGui::SetItemAllowOverlap();  // by markers
  ImGui::PopID();
  frame.widgets.note(id, text.title);

  PlotArea area;
  area.list = ImGui::GetWindowDrawList();
  area.is_hovered = ImGui::IsItemHovered();
  const float head = draw_head(frame, *area.list, at, size.x, text.title, legend);
  const float inner_height = size.y - head - line - 4 * gap;
  const auto most = static_cast<std::size_t>(std::clamp(inner_height / (2.2F * line), 1.0F, 5.0F));
  const std::vector<double> marks = axis_marks(high, most, text.unit == Unit::kBytes);
  std::vector<std::string> labels;
  float label_width = 0;
  for (const double mark : marks) {
    labels.push_back(short_text(mark, text.unit) + (mark > 0 ? text.per : ""));
    label_width = std::max(label_width, width_of(labels.back()));
  }
  area.top = marks.back();
  area.min = {at.x + std::min(label_width + 2 * gap, size.x / 2), at.y + head + 2 * gap};
  area.max = {at.x + size.x - gap, at.y + size.y - line - gap};
  area.list->AddRectFilled(area.min, area.max, frame.theme.panel);
  draw_y_marks(frame, area, marks, labels, at.x);
  area.list->AddRect(area.min, area.max, frame.theme.line);
  return area;
}

void draw_plot_menu(Frame& frame, std::string_view id, const std::function<std::string()>& csv) {
  const ImVec2 item_min = ImGui::GetItemRectMin(), item_max = ImGui::GetItemRectMax();
  const ImVec2 seen_min = ImGui::GetWindowDrawList()->GetClipRectMin();
  const ImVec2 seen_max = ImGui::GetWindowDrawList()->GetClipRectMax();
  const ImVec2 min = {std::max(item_min.x, seen_min.x), std::max(item_min.y, seen_min.y)};
  const ImVec2 max = {std::min(item_max.x, seen_max.x), std::min(item_max.y, seen_max.y)};
  const std::string name(id), popup = name + ".menu";
  if (!ImGui::BeginPopupContextItem(popup.c_str())) return;
  if (ImGui::Selectable("Save as CSV")) frame.actions.save_plot = Actions::SavedPlot{name, csv(), {}, {}};
  frame.widgets.note(popup + ".csv", "Save as CSV");
  if (ImGui::Selectable("Save as PNG")) frame.actions.save_plot = Actions::SavedPlot{name, "", min, max};
  frame.widgets.note(popup + ".png", "Save as PNG");
  ImGui::EndPopup();
}

void say_absent(Frame& frame, const PlotArea& area, std::string_view reason) {
  const float width = area.width() - frame.px(16);
  const ImVec2 size = ImGui::CalcTextSize(reason.data(), reason.data() + reason.size(), false, width);
  const ImVec2 at = {area.min.x + (area.width() - std::min(size.x, width)) / 2,
                     std::max(area.min.y, (area.min.y + area.max.y - size.y) / 2)};
  const ImVec4 clip = {area.min.x, area.min.y, area.max.x, area.max.y};
  area.list->AddRectFilled(area.min, area.max, frame.theme.panel);
  area.list->AddText(ImGui::GetFont(), ImGui::GetFontSize(), at, frame.theme.dim, reason.data(),
                     reason.data() + reason.size(), width, &clip);
  if (area.is_hovered) tooltip(reason);
}

void draw_x_mark(Frame& frame, const PlotArea& area, float x, std::string_view label, float& last_x) {
  const float width = width_of(label),
              left = std::clamp(x - width / 2, area.min.x, std::max(area.min.x, area.max.x - width));
  if (left < last_x + frame.px(6)) return;
  area.list->AddLine({x, area.max.y}, {x, area.max.y + frame.px(3)}, frame.theme.line);
  draw_text_at(*area.list, {left, area.max.y + frame.px(3)}, frame.theme.dim, label, width + 1);
  last_x = left + width;
}

void draw_polyline(ImDrawList& list, const std::vector<ImVec2>& points, ImU32 colour, float thickness) {
  if (points.size() > 1) {
    list.AddPolyline(points.data(), static_cast<int>(points.size()), colour, ImDrawFlags_None, thickness);
  } else if (points.size() == 1) {
    list.AddCircleFilled(points.front(), thickness, colour);
  }
}

LogAxis::LogAxis(double low, double high)
    : low_exponent_(std::floor(std::log2(std::max(low, 1.0)))),
      high_exponent_(std::ceil(std::log2(std::max(high, 2.0)))) {
  if (high_exponent_ <= low_exponent_) high_exponent_ = low_exponent_ + 1;
}

double LogAxis::position(double value) const {
  return (std::log2(std::max(value, 0.5)) - low_exponent_) / (high_exponent_ - low_exponent_);
}

double LogAxis::value(double position) const {
  return std::exp2(low_exponent_ + std::clamp(position, 0.0, 1.0) * (high_exponent_ - low_exponent_));
}

std::vector<double> LogAxis::marks(std::size_t most) const {
  const double span = high_exponent_ - low_exponent_;
  const double step = std::max(1.0, std::ceil(span / static_cast<double>(std::max<std::size_t>(most, 1))));
  std::vector<double> marks;
  for (double exponent = low_exponent_; exponent <= high_exponent_; exponent += step)
    marks.push_back(std::exp2(exponent));
  return marks;
}

void draw_log_marks(Frame& frame, const PlotArea& area, const LogAxis& axis, Unit unit) {
  const auto most = static_cast<std::size_t>(std::max(area.width() / frame.px(kPixelsPerLogMark), 1.0F));
  float last_x = area.min.x - frame.px(1000);
  for (const double mark : axis.marks(most))
    draw_x_mark(frame, area, area.x(axis.position(mark)), short_text(mark, unit), last_x);
}

}  // namespace poolscope::viewer

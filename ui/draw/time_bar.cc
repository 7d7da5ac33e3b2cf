#include "ui/draw/time_bar.h"

#include <algorithm>
#include <cmath>

#include "exporters/text/wording.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot_area.h"

namespace poolscope::viewer {
namespace {

constexpr float kStripHeight = 30, kClickPixels = 4, kZoomStep = 0.8F;

// How much there was to do, so that a place in the strip is found again.
Series busy_series(const History& history) {
  Series series;
  for (const Step& step : history.steps()) {
    double sum = 0;
    for (const auto& target : step.snapshot->targets) sum += target.cpu_seconds_per_second.value_or(0);
    series.samples.push_back({step.range.to_ns, sum, {}, {}, false});
  }
  return series;
}

std::string range_text(const TimeRange& range) {
  if (range.to_ns == 0) return "no data yet";
  const std::string from = text::utc_time(range.from_ns), to = text::utc_time(range.to_ns);
  return from.substr(0, 19) + " – " + to.substr(11) + "   " + length_text(range);
}

}  // namespace

void TimeBar::draw(Frame& frame) {
  draw_buttons(frame);
  draw_strip(frame, {ImGui::GetContentRegionAvail().x, frame.px(kStripHeight)});
}

void TimeBar::draw_buttons(Frame& frame) {
  const bool follows = frame.state.time().follows();
  const char* label = follows ? "Pause" : frame.state.is_live() ? "Follow" : "To the end";
  if (ImGui::Button(label)) frame.state.move_time([](TimeAxis& time) { time.toggle(); });
  frame.widgets.note("time.follow", label);
  tooltip("space\nMeasuring goes on while the views stand still.");
  ImGui::SameLine();
  if (ImGui::Button("All")) frame.state.move_time([](TimeAxis& time) { time.show_all(); });
  frame.widgets.note("time.all", "All");
  tooltip("0: everything there is");
  if (frame.state.is_live() && (!frame.recording || frame.recording->is_over)) {
    ImGui::SameLine();
    if (ImGui::Button("Record")) frame.actions.toggle_recording = true;
    frame.widgets.note("time.record", "Record");
    tooltip("r\nKeeps what the agent measures from now on in a file in the current folder.");
  }
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  const std::string range = range_text(frame.state.time().shown());
  text_item(range, frame.theme.text, width_of(range) + 1);
  frame.widgets.note("time.range", range);
  ImGui::SameLine(0, frame.px(20));
  const std::string note = frame.state.shown_note();
  text_item(note, frame.theme.dim);
  frame.widgets.note("time.note", note);
}

void TimeBar::draw_busy(Frame& frame, ImVec2 min, ImVec2 max) {
  const TimeRange bounds = frame.state.time().bounds();
  const Series& series = busy_.get(frame.state, 0, [&] { return busy_series(frame.state.history()); });
  const auto extent = extent_of(series, bounds);
  if (!extent || extent->high <= 0) return;
  const auto columns = static_cast<std::size_t>(std::max(max.x - min.x, 1.0F));
  const Trace trace = trace_of(series, bounds, columns);
  const auto at = [&](const TracePoint& point) {
    return ImVec2{min.x + static_cast<float>(point.position) * (max.x - min.x),
                  max.y - static_cast<float>(point.value / extent->high) * (max.y - min.y - 2)};
  };
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImU32 colour = with_alpha(frame.theme.dim, 0.45F);
  const SharpFill fill(list);
  for (std::size_t i = 1; i < trace.size(); ++i) {
    const ImVec2 a = at(trace[i - 1]), b = at(trace[i]);
    list.AddQuadFilled({a.x, max.y}, a, b, {b.x, max.y}, colour);
  }
}

void TimeBar::draw_strip(Frame& frame, ImVec2 size) {
  const ImVec2 min = ImGui::GetCursorScreenPos(), max = {min.x + size.x, min.y + size.y};
  ImGui::InvisibleButton("strip", {std::max(size.x, 1.0F), size.y});
  frame.widgets.note("time.strip", range_text(frame.state.time().shown()));
  const TimeRange bounds = frame.state.time().bounds();
  ImDrawList& list = *ImGui::GetWindowDrawList();
  list.AddRectFilled(min, max, frame.theme.panel);
  list.PushClipRect(min, max, true);
  draw_busy(frame, min, max);
  const TimeRange shown = frame.state.time().shown();
  const auto x_of = [&](std::uint64_t ns) {
    return min.x + static_cast<float>(std::clamp(bounds.position(static_cast<double>(ns)), 0.0, 1.0)) * size.x;
  };
  if (bounds.length_ns() > 0) {
    list.AddRectFilled({x_of(shown.from_ns), min.y}, {x_of(shown.to_ns), max.y}, with_alpha(frame.theme.accent, 0.25F));
    for (const std::uint64_t end : {shown.from_ns, shown.to_ns})
      list.AddLine({x_of(end), min.y}, {x_of(end), max.y}, frame.theme.accent, frame.px(2));
  }
  const ImGuiIO& io = ImGui::GetIO();
  const auto time_at = [&](float x) { return bounds.at((x - min.x) / std::max(size.x, 1.0F)); };
  if (ImGui::IsItemActivated()) drag_from_ = io.MousePos.x;
  if (drag_from_ && ImGui::IsItemActive() && std::abs(io.MousePos.x - *drag_from_) > frame.px(kClickPixels))
    frame.state.move_time([&](TimeAxis& time) { time.show(time_at(*drag_from_), time_at(io.MousePos.x)); });
  if (drag_from_ && ImGui::IsItemDeactivated()) {
    if (std::abs(io.MousePos.x - *drag_from_) <= frame.px(kClickPixels))
      frame.state.move_time([&](TimeAxis& time) { time.scrub_to(time_at(io.MousePos.x)); });
    drag_from_.reset();
  }
  if (ImGui::IsItemHovered() && io.MouseWheel != 0) {
    const double position = shown.position(static_cast<double>(time_at(io.MousePos.x)));
    frame.state.move_time([&](TimeAxis& time) { time.zoom(std::pow(kZoomStep, io.MouseWheel), position); });
  }
  tooltip(text::utc_time(time_at(io.MousePos.x)) + "\nclick: go there   drag: choose a range   wheel: zoom");
  list.PopClipRect();
  list.AddRect(min, max, frame.theme.line);
}

}  // namespace poolscope::viewer

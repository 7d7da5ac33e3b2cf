// Garbage collection: cycles, pauses, heap, CPU time.
#include <algorithm>
#include <string>

#include "ui/draw/draw_text.h"
#include "ui/draw/fact_panel.h"
#include "ui/draw/plot.h"
#include "ui/draw/target_bar.h"
#include "ui/draw/views.h"
#include "ui/model/gc.h"

namespace poolscope::viewer {
namespace {

constexpr float kLeastPlot = 130, kPlotGap = 14, kTwoColumnsFrom = 760, kSizesShare = 0.26F;

class GcView final : public View {
 public:
  void draw(Frame& frame) override {
    prefer_target_with_gc(frame.state);
    const auto* target = draw_target_bar(frame, "gc");
    if (target == nullptr) return;
    const Gc& gc = content_.get(frame.state, target->name, [&] { return make_gc(frame.state); });
    ImGui::BeginChild("gc");
    if (gc.absent.empty()) {
      draw_facts(frame, "gc", gc.facts);
      draw_plots(frame, gc);
    } else {
      ImGui::Dummy({0, frame.px(12)});
      wrapped_item(gc.absent, frame.theme.dim);
      frame.widgets.note("gc.absent", gc.absent);
    }
    ImGui::EndChild();
  }

 private:
  static void draw_plots(Frame& frame, const Gc& gc);
  Cached<Gc, std::string> content_;
};

void GcView::draw_plots(Frame& frame, const Gc& gc) {
  const float gap = frame.px(kPlotGap);
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const bool is_wide = room.x >= frame.px(kTwoColumnsFrom);
  const float sizes = is_wide ? room.x * kSizesShare : room.x;
  const float each = is_wide ? (room.x - sizes - 2 * gap) / 2 : room.x;
  const float height = std::max((room.y - 2 * frame.px(6)) / 3, frame.px(kLeastPlot));
  ImGui::BeginGroup();
  const TimePlot* plots[] = {&gc.cycles, &gc.pauses, &gc.heap, &gc.cpu, &gc.allocated, &gc.garbage};
  for (std::size_t i = 0; i < std::size(plots); ++i) {
    if (is_wide && i % 2 == 1) ImGui::SameLine(0, gap);
    draw_time_plot(frame, *plots[i], {each, height});
  }
  ImGui::EndGroup();
  if (is_wide) ImGui::SameLine(0, gap);
  draw_share_bars(frame, gc.sizes, {sizes, std::max(height * 2, frame.px(220))});
}

}  // namespace

std::unique_ptr<View> make_gc_view() {
  return std::make_unique<GcView>();
}

}  // namespace poolscope::viewer

// Health: the budget, bursts, losses, collectors.
#include <algorithm>
#include <string>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/fact_panel.h"
#include "ui/draw/plot.h"
#include "ui/draw/target_bar.h"
#include "ui/draw/views.h"
#include "ui/model/health.h"

namespace poolscope::viewer {
namespace {

constexpr float kPlotHeight = 128, kPlotsGap = 14, kTwoGaugesFrom = 700, kGaugeBar = 9;

class HealthView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  void draw_tables(Frame& frame, const Health& health);
  Table collectors_ = make_collector_table(), losses_ = make_loss_table();
  Cached<Health, std::string> content_;
};

// A bar from nothing to what is allowed, or to what is used where that is more.
void draw_gauge(Frame& frame, const Gauge& gauge, float width) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float line = ImGui::GetTextLineHeight(), bar = frame.px(kGaugeBar), y = at.y + line + frame.px(3);
  ImGui::Dummy({width, line + bar + frame.px(6)});
  frame.widgets.note(gauge.id, gauge.text.empty() ? gauge.absent : gauge.text);
  tooltip(gauge.title + "\n" + (gauge.text.empty() ? gauge.absent : gauge.text));
  const float title = std::min(width_of(gauge.title), width * 0.5F);
  draw_text_at(list, at, frame.theme.dim, gauge.title, title + 1);
  const float left = title + frame.px(10);
  const std::string& said = gauge.text.empty() ? gauge.absent : gauge.text;
  draw_text_at(list, {at.x + left, at.y}, gauge.text.empty() ? frame.theme.dim : frame.theme.of(gauge.tone), said,
               std::max(width - left, 1.0F));
  list.AddRect({at.x, y}, {at.x + width, y + bar}, frame.theme.line);
  if (!gauge.used || !gauge.allowed || !(*gauge.allowed > 0)) return;
  const double end = std::max(*gauge.used, *gauge.allowed);
  const auto x = [&](double value) { return at.x + width * static_cast<float>(std::clamp(value / end, 0.0, 1.0)); };
  list.AddRectFilled({at.x, y}, {x(*gauge.used), y + bar}, frame.theme.of(gauge.tone));
  if (*gauge.used > *gauge.allowed)
    list.AddRectFilled({x(*gauge.allowed) - 1, y - frame.px(2)}, {x(*gauge.allowed) + 1, y + bar + frame.px(2)},
                       frame.theme.text);
}

void draw_gauges(Frame& frame, const std::vector<Gauge>& gauges) {
  const float gap = frame.px(kPlotsGap), room = ImGui::GetContentRegionAvail().x;
  const bool is_wide = room >= frame.px(kTwoGaugesFrom);
  for (std::size_t i = 0; i < gauges.size(); ++i) {
    if (is_wide && i % 2 == 1) ImGui::SameLine(0, gap);
    draw_gauge(frame, gauges[i], is_wide ? (room - gap) / 2 : room);
  }
}

void draw_health_plots(Frame& frame, const Health& health) {
  const float gap = frame.px(kPlotsGap), room = ImGui::GetContentRegionAvail().x;
  const bool is_wide = room >= frame.px(kTwoGaugesFrom);
  const TimePlot* plots[] = {&health.charge, &health.bursts, &health.own, &health.dropped};
  for (std::size_t i = 0; i < std::size(plots); ++i) {
    if (is_wide && i % 2 == 1) ImGui::SameLine(0, gap);
    draw_time_plot(frame, *plots[i], {is_wide ? (room - gap) / 2 : room, frame.px(kPlotHeight)});
  }
}

void HealthView::draw(Frame& frame) {
  const auto* target = draw_target_bar(frame, "health");
  if (target == nullptr) return;
  const Health& health = content_.get(frame.state, target->name, [&] {
    Health made = make_health(frame.state);
    collectors_.set_rows(made.collectors);
    losses_.set_rows(made.losses);
    return made;
  });
  ImGui::BeginChild("health");
  ImGui::PushFont(frame.fonts.bold);
  wrapped_item(health.headline, frame.theme.of(health.headline_tone));
  ImGui::PopFont();
  frame.widgets.note("health.headline", health.headline);
  draw_gauges(frame, health.gauges);
  draw_facts(frame, "health", health.facts);
  draw_health_plots(frame, health);
  draw_tables(frame, health);
  ImGui::EndChild();
}

void HealthView::draw_tables(Frame& frame, const Health& health) {
  heading(frame, "Collectors");
  (void)draw_table(frame, "health.collectors", collectors_, {{110, 46, 104, 130, 215, 0}, 0}, std::nullopt);
  ImGui::Dummy({0, frame.px(2)});
  heading(frame, "What was lost, and why");
  if (!health.losses_note.empty()) {
    wrapped_item(health.losses_note, frame.theme.dim);
    frame.widgets.note("health.losses.note", health.losses_note);
    return;
  }
  (void)draw_table(frame, "health.losses", losses_, {{120, 140, 70, 0}, 0}, std::nullopt);
}

}  // namespace

std::unique_ptr<View> make_health_view() {
  return std::make_unique<HealthView>();
}

}  // namespace poolscope::viewer

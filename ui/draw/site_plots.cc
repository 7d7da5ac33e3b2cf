#include "ui/draw/site_plots.h"

#include <algorithm>
#include <cmath>

#include "ui/draw/draw_text.h"
#include "ui/draw/plot_area.h"

namespace poolscope::viewer {
namespace {

constexpr float kLargestDisc = 26, kSmallestDisc = 4, kDiscAlpha = 0.5F;
constexpr float kBlockAlpha = 0.55F, kLowestBlock = 14, kHighestBlock = 22, kTextFrom = 26;

struct PlacedDisc {
  const SiteDisc* disc;
  ImVec2 at;
  float radius;
};

std::vector<PlacedDisc> place_discs(Frame& frame, const SiteMap& map, const PlotArea& area, const LogAxis& axis) {
  std::vector<PlacedDisc> placed;
  for (const SiteDisc& disc : map.discs) {
    const float radius =
        std::max(frame.px(kLargestDisc) * static_cast<float>(std::sqrt(disc.share)), frame.px(kSmallestDisc));
    placed.push_back({&disc,
                      {area.x(std::clamp(axis.position(disc.mean_bytes), 0.0, 1.0)), area.y(disc.short_lived_ratio)},
                      radius});
  }
  return placed;
}

// The smallest one there: it lies on top.
const SiteDisc* disc_at(const std::vector<PlacedDisc>& discs, ImVec2 mouse) {
  for (auto disc = discs.rbegin(); disc != discs.rend(); ++disc) {
    const float x = mouse.x - disc->at.x, y = mouse.y - disc->at.y;
    if (x * x + y * y <= disc->radius * disc->radius) return disc->disc;
  }
  return nullptr;
}

void draw_disc(Frame& frame, ImDrawList& list, const PlacedDisc& placed, bool is_chosen) {
  const ImU32 colour = is_chosen ? frame.theme.accent : frame.theme.of_line(0);
  list.AddCircleFilled(placed.at, placed.radius, with_alpha(colour, kDiscAlpha));
  list.AddCircle(placed.at, placed.radius, colour, 0, frame.px(is_chosen ? 2 : 1));
}

// Names of discs with room inside, or of the chosen one.
void name_disc(Frame& frame, ImDrawList& list, const PlotArea& area, const PlacedDisc& placed, bool is_chosen) {
  const float width = is_chosen ? area.width() / 2 : 2 * placed.radius - frame.px(6),
              needed = width_of(placed.disc->name);
  if (width < frame.px(kTextFrom) || (!is_chosen && needed > 2 * width)) return;
  const float room = std::min(needed, width) + 1;
  const float left = std::clamp(placed.at.x - room / 2, area.min.x, std::max(area.max.x - room, area.min.x));
  draw_text_at(list, {left, placed.at.y - ImGui::GetFontSize() / 2}, frame.theme.text, placed.disc->name, room);
}

void draw_block(Frame& frame, ImDrawList& list, const IcicleBlock& block, ImVec2 min, ImVec2 max, bool is_chosen) {
  const ImU32 colour = is_chosen ? frame.theme.accent : frame.theme.of_line(block.depth % 2 == 0 ? 0 : 4);
  list.AddRectFilled(min, max, with_alpha(colour, kBlockAlpha));
  list.AddRect(min, max, frame.theme.background);
  const float room = max.x - min.x - frame.px(6);
  if (room < frame.px(kTextFrom)) return;
  draw_text_at(list, {min.x + frame.px(3), (min.y + max.y - ImGui::GetFontSize()) / 2}, frame.theme.text, block.name,
               room);
}

// The rest of the top row: allocations of which no caller is known.
void draw_unknown(Frame& frame, ImDrawList& list, float left, ImVec2 min, ImVec2 max) {
  if (max.x - left < 1) return;
  list.AddRect({left, min.y}, max, frame.theme.line);
  if (max.x - left > frame.px(kTextFrom))
    draw_text_at(list, {left + frame.px(3), (min.y + max.y - ImGui::GetFontSize()) / 2}, frame.theme.dim, "other sites",
                 max.x - left - frame.px(6));
}

}  // namespace

std::optional<std::string> draw_site_map(Frame& frame, const SiteMap& map, const std::string& chosen, ImVec2 size) {
  const std::string title = "Call sites: mean size, freed within 10 ms";
  const PlotArea area = begin_area(frame, {"churn.map", title, Unit::kRatio, ""}, {}, 1, size);
  const bool is_clicked = ImGui::IsItemClicked();
  if (map.discs.empty()) {
    say_absent(frame, area, map.absent);
    return std::nullopt;
  }
  const auto [least, most] = std::ranges::minmax(map.discs, {}, &SiteDisc::mean_bytes);
  constexpr double kRoom = 1.4;  // for half a disc
  const LogAxis axis(least.mean_bytes / kRoom, most.mean_bytes * kRoom);
  draw_log_marks(frame, area, axis, Unit::kBytes);
  const auto discs = place_discs(frame, map, area, axis);
  area.list->PushClipRect(area.min, area.max, true);
  for (const PlacedDisc& placed : discs) draw_disc(frame, *area.list, placed, placed.disc->site == chosen);
  for (const PlacedDisc& placed : discs) name_disc(frame, *area.list, area, placed, placed.disc->site == chosen);
  area.list->PopClipRect();
  const SiteDisc* under_mouse = area.is_hovered ? disc_at(discs, ImGui::GetIO().MousePos) : nullptr;
  if (under_mouse != nullptr)
    tooltip(disc_text(*under_mouse));
  else
    tooltip(
        "Area: allocated bytes. Probes count sizes and lifetimes apart, so how long which size lives is known of call "
        "sites only." +
        (map.note.empty() ? "" : "\n" + map.note));
  return is_clicked && under_mouse != nullptr ? std::optional(under_mouse->site) : std::nullopt;
}

std::optional<std::string> draw_icicle(Frame& frame, const Icicle& icicle, const std::string& chosen, ImVec2 size) {
  size = {std::max(size.x, frame.px(80)), std::max(size.y, frame.px(50))};
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::InvisibleButton("icicle", size);
  const bool is_clicked = ImGui::IsItemClicked(), is_hovered = ImGui::IsItemHovered();
  frame.widgets.note("churn.icicle", icicle.absent);
  if (icicle.blocks.empty()) {
    PlotArea area;
    area.list = ImGui::GetWindowDrawList();
    area.min = at;
    area.max = {at.x + size.x, at.y + size.y};
    area.is_hovered = is_hovered;
    say_absent(frame, area, icicle.absent);
    return std::nullopt;
  }
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const float height =
      std::clamp(size.y / static_cast<float>(icicle.depth), frame.px(kLowestBlock), frame.px(kHighestBlock));
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  std::optional<std::string> clicked;
  double known = 0;
  list.PushClipRect(at, {at.x + size.x, at.y + size.y}, true);
  for (const IcicleBlock& block : icicle.blocks) {
    const ImVec2 min = {at.x + static_cast<float>(block.from) * size.x,
                        at.y + height * static_cast<float>(block.depth)};
    const ImVec2 max = {at.x + static_cast<float>(block.to) * size.x, min.y + height};
    if (block.depth == 0) known = std::max(known, block.to);
    if (max.x - min.x < 1) continue;
    draw_block(frame, list, block, min, max, block.site == chosen);
    if (!is_hovered || mouse.x < min.x || mouse.x >= max.x || mouse.y < min.y || mouse.y >= max.y) continue;
    tooltip(block.tooltip);
    if (is_clicked) clicked = block.site;
  }
  draw_unknown(frame, list, at.x + static_cast<float>(known) * size.x, at, {at.x + size.x, at.y + height});
  list.PopClipRect();
  return clicked;
}

}  // namespace poolscope::viewer

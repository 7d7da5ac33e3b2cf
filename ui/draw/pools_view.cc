// The Pools view: all pools on the left, everything about one of them on the right.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/keys.h"
#include "ui/draw/plot.h"
#include "ui/draw/splitter.h"
#include "ui/draw/views.h"
#include "ui/model/pool_list.h"
#include "ui/model/pool_panel.h"

namespace poolscope::viewer {
namespace {

constexpr float kListWidth = 370, kLeastPlotHeight = 150;
constexpr double kSizeStep = 1.25;
constexpr std::size_t kListColumns[] = {pool_columns::kPool, pool_columns::kGets, pool_columns::kHitRatio,
                                        pool_columns::kGain};

Table make_list() {
  const Table all = make_pool_table();
  std::vector<Column> columns;
  for (const std::size_t column : kListColumns) columns.push_back(all.columns()[column]);
  columns.back().name = "advice";  // there is no room for more
  return Table(std::move(columns));
}

class PoolsView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  void draw_list(Frame& frame, const PoolList& all);
  void select_by_keys(Frame& frame, const PoolList& all);
  void draw_pool(Frame& frame);
  void draw_head(Frame& frame, const PoolPanel& panel);
  void draw_plots(Frame& frame, const PoolPanel& panel);
  void draw_what_if(Frame& frame, const WhatIfPanel& panel);
  void draw_resize(Frame& frame);
  void draw_confirmation(Frame& frame, const ResizeOffer& offer);
  void take_drag(const std::optional<MarkerDrag>& drag);
  void try_by_keys(const WhatIfPanel& panel);
  [[nodiscard]] std::optional<std::size_t> selected_row(const PoolList& all, const Subject& selected) const;

  Table list_ = make_list();
  Cached<std::shared_ptr<const PoolList>> pools_;  // the rows of the list
  Cached<std::optional<PoolPanel>, Subject> panel_;
  Cached<WhatIfPanel, std::pair<Subject, std::pair<std::uint64_t, std::uint64_t>>> what_if_;
  advice::Limits tried_;
  Subject tried_for_;
  int wanted_buffers_ = 0;
};

void PoolsView::draw(Frame& frame) {
  const PoolList& all = *pools_.get(frame.state, 0, [&] {
    auto made = list_pools(frame.state);
    list_.set_rows(pool_rows(made, {std::begin(kListColumns), std::end(kListColumns)}));
    return made;
  });
  if (all.pools.empty()) {
    return wrapped_item(
        frame.state.shown() == nullptr ? "No data yet." : "No pool is known of what is watched in this time.",
        frame.theme.dim);
  }
  if (!selected_row(all, frame.state.selected)) frame.state.selected = all.pools.front().subject();
  if (tried_for_ != frame.state.selected) {
    tried_ = {};
    tried_for_ = frame.state.selected;
    wanted_buffers_ = 0;
  }
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const Split split = split_in_two(frame, "pools", std::min(frame.px(kListWidth), room.x * 0.4F));
  ImGui::BeginChild("list", {split.left, 0});
  draw_list(frame, all);
  ImGui::EndChild();
  draw_splitter(frame, "pools", split, room.y);
  ImGui::BeginChild("pool");
  draw_pool(frame);
  ImGui::EndChild();
}

std::optional<std::size_t> PoolsView::selected_row(const PoolList& all, const Subject& selected) const {
  const auto found = std::ranges::find_if(all.pools, [&](const ListedPool& pool) { return pool.is(selected); });
  if (found == all.pools.end()) return std::nullopt;
  return static_cast<std::size_t>(found - all.pools.begin());
}

void PoolsView::select_by_keys(Frame& frame, const PoolList& all) {
  const int steps = steps_down();
  if (steps == 0) return;
  const auto& shown = list_.shown();
  const auto place = std::ranges::find(shown, selected_row(all, frame.state.selected).value_or(0));
  if (place == shown.end()) return;
  if (steps < 0 && place != shown.begin()) frame.state.selected = all.pools[*std::prev(place)].subject();
  if (steps > 0 && std::next(place) != shown.end()) frame.state.selected = all.pools[*std::next(place)].subject();
}

void PoolsView::draw_list(Frame& frame, const PoolList& all) {
  draw_search(frame, "pools", list_, ImGui::GetContentRegionAvail().x);
  select_by_keys(frame, all);
  const TableLayout layout{{0, 62, 62, 88}, std::max(ImGui::GetContentRegionAvail().y, frame.px(60))};
  const auto clicked = draw_table(frame, "pools", list_, layout, selected_row(all, frame.state.selected));
  if (clicked) frame.state.selected = all.pools[*clicked].subject();
}

void PoolsView::draw_pool(Frame& frame) {
  const Subject subject = frame.state.selected;
  const auto& panel = panel_.get(frame.state, subject, [&] { return make_pool_panel(frame.state, subject); });
  if (!panel) return;
  draw_head(frame, *panel);
  draw_plots(frame, *panel);
}

void PoolsView::draw_head(Frame& frame, const PoolPanel& panel) {
  ImGui::PushFont(frame.fonts.title);
  const float width = std::min(width_of(panel.name) + 1, ImGui::GetContentRegionAvail().x * 0.7F);
  text_item(panel.name, frame.theme.text, width);
  frame.widgets.note("pools.name", panel.name);
  ImGui::PopFont();
  ImGui::SameLine(0, frame.px(12));
  text_item(panel.label, frame.theme.dim);
  ImGui::PushFont(frame.fonts.bold);
  wrapped_item(panel.advice, frame.theme.of(panel.advice_tone));
  frame.widgets.note("pools.advice", panel.advice);
  ImGui::PopFont();
  if (!panel.why.empty()) wrapped_item(panel.why, frame.theme.text);
  std::string facts = panel.facts;
  if (!panel.problem.empty()) facts = panel.problem + (facts.empty() ? "" : "; " + facts);
  if (!facts.empty()) wrapped_item(facts, frame.theme.dim);
  ImGui::Dummy({0, frame.px(2)});
}

void PoolsView::draw_plots(Frame& frame, const PoolPanel& panel) {
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float gap = frame.px(14), half = std::max((room.x - gap) / 2, frame.px(120));
  const float height =
      std::max((room.y - 2 * ImGui::GetStyle().ItemSpacing.y) / 3 - frame.px(2), frame.px(kLeastPlotHeight));
  draw_time_plot(frame, panel.hit_ratio, {half, height});
  ImGui::SameLine(0, gap);
  draw_time_plot(frame, panel.rates, {half, height});

  const Subject subject = frame.state.selected;
  const std::pair key{subject, std::pair{tried_.buffer_bytes.value_or(0), tried_.max_idle_buffers.value_or(0)}};
  const WhatIfPanel& what_if =
      what_if_.get(frame.state, key, [&] { return make_what_if(frame.state, subject, tried_); });
  draw_time_plot(frame, panel.objects, {half, height});
  ImGui::SameLine(0, gap);
  const auto size_drag = draw_bar_plot(frame, what_if.needed, {half, height});
  const auto idle_drag = draw_curve_plot(frame, what_if.misses, {half, height});
  ImGui::SameLine(0, gap);
  ImGui::BeginChild("what_if", {half, height});
  draw_what_if(frame, what_if);
  draw_resize(frame);
  ImGui::EndChild();
  take_drag(size_drag);
  take_drag(idle_drag);
  try_by_keys(what_if);
}

// From what is tried now, or else from what the marker says.
void PoolsView::try_by_keys(const WhatIfPanel& panel) {
  const auto at = [](const std::vector<Marker>& markers, const char* id) -> std::optional<double> {
    const auto found = std::ranges::find_if(markers, [&](const Marker& m) { return m.can_be_dragged && m.id == id; });
    return found == markers.end() ? std::nullopt : std::optional(found->value);
  };
  if (const auto bytes = at(panel.needed.markers, kTriedBufferBytes)) {
    if (is_typed('<')) tried_.buffer_bytes = static_cast<std::uint64_t>(std::max(1.0, *bytes / kSizeStep));
    if (is_typed('>')) tried_.buffer_bytes = static_cast<std::uint64_t>(std::ceil(*bytes * kSizeStep));
  }
  if (const auto idle = at(panel.misses.markers, kTriedIdleBuffers)) {
    if (is_typed('(')) tried_.max_idle_buffers = static_cast<std::uint64_t>(std::max(1.0, *idle - 1));
    if (is_typed(')')) tried_.max_idle_buffers = static_cast<std::uint64_t>(*idle + 1);
  }
  if (is_typed('u')) tried_ = {};
}

// The other limit stays as it was tried before, so that both can be looked at together.
void PoolsView::take_drag(const std::optional<MarkerDrag>& drag) {
  if (!drag) return;
  const auto value = static_cast<std::uint64_t>(drag->value);
  (drag->marker == kTriedBufferBytes ? tried_.buffer_bytes : tried_.max_idle_buffers) = value;
}

void PoolsView::draw_what_if(Frame& frame, const WhatIfPanel& panel) {
  heading(frame, "What if");
  const float width = ImGui::GetContentRegionAvail().x;
  const float name_width = width * 0.34F, now_width = width * 0.18F;
  const auto line = [&](const std::string& name, const Cell& now, const Cell& then, Tone name_tone) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::Dummy({width, ImGui::GetFontSize()});
    tooltip(then.tooltip);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    draw_text_at(list, at, frame.theme.of(name_tone), name, name_width - frame.px(6));
    draw_text_at(list, {at.x + name_width, at.y}, frame.theme.dim, now.text, now_width - frame.px(6));
    draw_text_at(list, {at.x + name_width + now_width, at.y}, frame.theme.of(then.tone), then.text,
                 width - name_width - now_width);
  };
  std::string said;
  if (!panel.lines.empty()) line("", {"now", "", {}, Tone::kDim}, {"then", "", {}, Tone::kDim}, Tone::kDim);
  for (const WhatIfLine& one : panel.lines) {
    line(one.name, one.now, one.then, Tone::kDim);
    said += one.name + " " + one.then.text + "; ";
  }
  if (!panel.missing.empty()) wrapped_item("not known: " + panel.missing, frame.theme.dim);
  if (!panel.lines.empty() && !tried_.buffer_bytes && !tried_.max_idle_buffers)
    wrapped_item("drag a marker with handles to try another value", frame.theme.dim);
  const ImVec2 at = ImGui::GetWindowPos(), size = ImGui::GetWindowSize();
  frame.widgets.note("pools.what_if", said, at, {at.x + size.x, at.y + size.y});
}

void PoolsView::draw_resize(Frame& frame) {
  const auto offer = resize_offer(frame.state, frame.state.selected, frame.can_change_pools);
  if (!offer) return;
  heading(frame, "Buffers of the hosted pool");
  if (wanted_buffers_ == 0) wanted_buffers_ = static_cast<int>(std::min<std::uint64_t>(offer->buffers, 1'000'000));
  ImGui::SetNextItemWidth(frame.px(80));
  focus_by('n');
  ImGui::InputInt("##buffers", &wanted_buffers_, 0);
  frame.widgets.note("pools.resize.buffers", std::to_string(wanted_buffers_));
  for (const auto& [label, name, step] :
       {std::tuple{"-", "pools.resize.less", -1}, std::tuple{"+", "pools.resize.more", 1}}) {
    ImGui::SameLine(0, frame.px(2));
    if (ImGui::Button(label)) wanted_buffers_ += step;
    frame.widgets.note(name, label);
  }
  wanted_buffers_ = std::clamp(wanted_buffers_, 1, 1'048'576);
  ImGui::SameLine();
  ImGui::BeginDisabled(!offer->why_not.empty());
  if (ImGui::Button("Apply …") || (is_typed('p') && offer->why_not.empty())) ImGui::OpenPopup("confirm");
  ImGui::EndDisabled();
  frame.widgets.note("pools.resize.apply", offer->why_not.empty() ? "Apply" : "not possible");
  tooltip(offer->why_not);
  text_item(offer->why_not.empty() ? offer->facts : offer->why_not, frame.theme.dim);
  draw_confirmation(frame, *offer);
}

void PoolsView::draw_confirmation(Frame& frame, const ResizeOffer& offer) {
  if (!ImGui::BeginPopup("confirm")) return;
  const std::string question = "Set " + frame.state.selected.pool + " from " + std::to_string(offer.buffers) + " to " +
                               std::to_string(wanted_buffers_) + " buffers, while its services run?";
  text_item(question, frame.theme.text, width_of(question) + 1);
  if (ImGui::Button("Set it") || is_typed('y')) {
    frame.actions.resize = Actions::Resize{frame.state.selected.pool, static_cast<std::uint64_t>(wanted_buffers_)};
    ImGui::CloseCurrentPopup();
  }
  frame.widgets.note("pools.resize.confirm", question);
  ImGui::SameLine();
  if (ImGui::Button("Leave it") || is_pressed(ImGuiKey_Escape)) ImGui::CloseCurrentPopup();
  frame.widgets.note("pools.resize.cancel", "Leave it");
  ImGui::EndPopup();
}

}  // namespace

std::unique_ptr<View> make_pools_view() {
  return std::make_unique<PoolsView>();
}

}  // namespace poolscope::viewer

// The first screen: targets, pools by what they would gain, advice.
#include <algorithm>
#include <string>
#include <vector>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot.h"
#include "ui/draw/views.h"
#include "ui/model/overview.h"

namespace poolscope::viewer {
namespace {

constexpr float kAdviceShare = 0.36F, kTileHeight = 74, kSparkHeight = 30;
constexpr std::size_t kMaxCards = 12;
constexpr std::size_t kMaxTiles = 3;  // that push nothing below the fold; more scroll

class OverviewView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  struct Content {
    Overview overview;
    std::vector<Subject> subjects;
  };
  void draw_targets(Frame& frame, const Overview& overview);
  void draw_tile(Frame& frame, const TargetTile& tile);
  void draw_pools(Frame& frame, const std::vector<Subject>& subjects);
  void draw_advice(Frame& frame, const Overview& overview);
  void draw_card(Frame& frame, const AdviceCard& card, std::size_t index);

  Table pools_ = make_pool_table();
  Cached<Content> content_;
};

void go_to_pool(Frame& frame, const Subject& subject) {
  frame.state.selected = subject;
  frame.state.view = view_index("pools");
}

void OverviewView::draw(Frame& frame) {
  const Content& content = content_.get(frame.state, 0, [&] {
    PoolList list = list_pools(frame.state);
    pools_.set_rows(std::move(list.rows));
    return Content{make_overview(frame.state), std::move(list.subjects)};
  });
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float gap = frame.px(14), right = std::max(room.x * kAdviceShare, frame.px(200));
  ImGui::BeginChild("left", {room.x - right - gap, 0});
  draw_targets(frame, content.overview);
  ImGui::Dummy({0, frame.px(4)});
  draw_pools(frame, content.subjects);
  ImGui::EndChild();
  ImGui::SameLine(0, gap);
  ImGui::BeginChild("right");
  draw_advice(frame, content.overview);
  ImGui::EndChild();
}

void OverviewView::draw_targets(Frame& frame, const Overview& overview) {
  heading(frame, "Targets");
  if (overview.targets.empty()) {
    wrapped_item(
        "Nothing is watched yet. Start `poolscope agent --target NAME` and open its address above, or open a "
        "recording.",
        frame.theme.dim);
    return;
  }
  const std::size_t shown = std::min(overview.targets.size(), kMaxTiles);
  const float height = frame.px(kTileHeight) * static_cast<float>(shown);
  ImGui::BeginChild("tiles", {0, height});
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(overview.targets.size()), frame.px(kTileHeight));
  while (clipper.Step())
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
      draw_tile(frame, overview.targets[static_cast<std::size_t>(i)]);
  ImGui::EndChild();
}

void OverviewView::draw_tile(Frame& frame, const TargetTile& tile) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = ImGui::GetContentRegionAvail().x, height = frame.px(kTileHeight);
  ImGui::PushID(tile.name.c_str());
  ImGui::BeginGroup();
  ImGui::PushFont(frame.fonts.bold);
  const float name_width = std::min(width_of(tile.name), width * 0.4F);
  text_item(tile.name, frame.theme.text, name_width + 1);
  ImGui::PopFont();
  ImGui::SameLine(0, frame.px(10));
  text_item(tile.identity, frame.theme.dim, std::max(width - name_width - frame.px(120), frame.px(40)));
  ImGui::SameLine(0, frame.px(10));
  text_item("● " + tile.state, frame.theme.of(tile.tone));
  const float each = width / static_cast<float>(std::max<std::size_t>(tile.sparks.size(), 1));
  for (std::size_t i = 0; i < tile.sparks.size(); ++i) {
    const Spark& spark = tile.sparks[i];
    const float x = at.x + each * static_cast<float>(i), inner = each - frame.px(10);
    ImGui::SetCursorScreenPos({x, at.y + ImGui::GetTextLineHeightWithSpacing()});
    ImGui::Dummy({inner, ImGui::GetFontSize()});
    tooltip(spark.name + ": " + spark.now.tooltip);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 line = {x, at.y + ImGui::GetTextLineHeightWithSpacing()};
    const float value_width = width_of(spark.now.text);
    draw_text_at(list, line, frame.theme.dim, spark.name, std::max(inner - value_width - frame.px(6), 1.0F));
    draw_text_at(list, line, frame.theme.of(spark.now.tone), spark.now.text, inner, 1);
    ImGui::SetCursorScreenPos({x, line.y + ImGui::GetFontSize() + frame.px(2)});
    const std::string name = "overview.target." + tile.name + "." + spark.name;
    draw_spark(frame, name, spark.series, frame.theme.of_line(static_cast<ColourIndex>(i)),
               {inner, frame.px(kSparkHeight)}, spark.unit, spark.per);
  }
  ImGui::EndGroup();
  frame.widgets.note("overview.target." + tile.name, tile.identity);
  ImGui::SetCursorScreenPos({at.x, at.y + height});  // whatever the group took
  ImGui::PopID();
}

void OverviewView::draw_pools(Frame& frame, const std::vector<Subject>& subjects) {
  heading(frame, "Pools, by what they would gain");
  ImGui::SameLine(ImGui::GetContentRegionAvail().x - frame.px(200));
  draw_search(frame, "overview.pools", pools_, frame.px(200));
  if (subjects.empty()) {
    wrapped_item(
        "No pool is known: sync.Pool of Go programs and pools of libpoolscope are found by themselves, others are "
        "described in the "
        "configuration.",
        frame.theme.dim);
    return;
  }
  const TableLayout layout{{0, 95, 68, 68, 72, 72, 190}, std::max(ImGui::GetContentRegionAvail().y, frame.px(80))};
  if (const auto clicked = draw_table(frame, "overview.pools", pools_, layout, std::nullopt))
    go_to_pool(frame, subjects[*clicked]);
}

void OverviewView::draw_advice(Frame& frame, const Overview& overview) {
  heading(frame, "Advice");
  if (!overview.headline.empty()) {
    ImGui::PushFont(frame.fonts.title);
    wrapped_item(overview.headline, frame.theme.of(overview.headline_tone));
    ImGui::PopFont();
    frame.widgets.note("overview.headline", overview.headline);
  }
  const std::size_t shown = std::min(overview.advice.size(), kMaxCards);
  for (std::size_t i = 0; i < shown; ++i) draw_card(frame, overview.advice[i], i);
  if (shown < overview.advice.size()) wrapped_item("and more, in the view Advice", frame.theme.dim);
  for (const std::string& rest : overview.rest) wrapped_item(rest, frame.theme.dim);
}

void OverviewView::draw_card(Frame& frame, const AdviceCard& card, std::size_t index) {
  const float bar = frame.px(3), indent = frame.px(10);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::PushID(static_cast<int>(index));
  ImGui::Indent(indent);
  ImGui::BeginGroup();
  ImGui::PushFont(frame.fonts.bold);
  text_item(pool_id(card.subject), frame.theme.text);
  wrapped_item(card.action, frame.theme.of(card.tone));
  ImGui::PopFont();
  if (!card.gain.empty()) wrapped_item(card.gain, frame.theme.text);
  wrapped_item(card.why, frame.theme.dim);
  ImGui::EndGroup();
  ImGui::Unindent(indent);
  const ImVec2 end = ImGui::GetItemRectMax();
  frame.widgets.note("overview.advice." + std::to_string(index), card.action);
  if (ImGui::IsItemClicked()) go_to_pool(frame, card.subject);
  ImGui::GetWindowDrawList()->AddRectFilled(at, {at.x + bar, end.y}, frame.theme.of(card.tone));
  ImGui::Dummy({0, frame.px(4)});
  ImGui::PopID();
}

}  // namespace

std::unique_ptr<View> make_overview_view() {
  return std::make_unique<OverviewView>();
}

}  // namespace poolscope::viewer

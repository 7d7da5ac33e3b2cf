// The first screen: targets, pools by what they would gain, advice.
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot.h"
#include "ui/draw/splitter.h"
#include "ui/draw/views.h"
#include "ui/model/overview.h"
#include "ui/model/pool_list.h"

namespace poolscope::viewer {
namespace {

constexpr std::size_t kPoolColumns[] = {pool_columns::kPool,     pool_columns::kTarget, pool_columns::kGets,
                                        pool_columns::kHitRatio, pool_columns::kMisses, pool_columns::kIdle,
                                        pool_columns::kGain};
constexpr float kAdviceShare = 0.36F, kTileHeight = 74, kSparkHeight = 30;
constexpr std::size_t kMaxTiles = 3;  // that push nothing below the fold; more scroll

class OverviewView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  struct Content {
    Overview overview;
    std::shared_ptr<const PoolList> list;
    std::map<std::size_t, TargetTile> tiles;  // by the index of the target, of those that were drawn
  };
  void draw_targets(Frame& frame, Content& content);
  void draw_tile(Frame& frame, const TargetTile& tile);
  void draw_pools(Frame& frame, const PoolList& list);
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
  Content& content = content_.get(frame.state, 0, [&] {
    Content made{make_overview(frame.state), list_pools(frame.state), {}};
    pools_.set_rows(pool_rows(made.list, {std::begin(kPoolColumns), std::end(kPoolColumns)}));
    return made;
  });
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const Split split = split_in_two(frame, "overview", room.x - std::max(room.x * kAdviceShare, frame.px(200)));
  ImGui::BeginChild("left", {split.left, 0});
  draw_targets(frame, content);
  ImGui::Dummy({0, frame.px(4)});
  draw_pools(frame, *content.list);
  ImGui::EndChild();
  draw_splitter(frame, "overview", split, room.y);
  ImGui::BeginChild("right");
  draw_advice(frame, content.overview);
  ImGui::EndChild();
}

void OverviewView::draw_targets(Frame& frame, Content& content) {
  heading(frame, "Targets");
  const model::Snapshot* shown = frame.state.shown();
  if (shown == nullptr || shown->targets.empty()) {
    wrapped_item(
        "Nothing is watched yet. Start `poolscope agent --target NAME` and open its address above, or open a "
        "recording.",
        frame.theme.dim);
    return;
  }
  ImGui::BeginChild("tiles",
                    {0, frame.px(kTileHeight) * static_cast<float>(std::min(shown->targets.size(), kMaxTiles))});
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(shown->targets.size()), frame.px(kTileHeight));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const auto index = static_cast<std::size_t>(i);
      auto place = content.tiles.find(index);
      if (place == content.tiles.end())
        place = content.tiles.emplace(index, make_tile(frame.state, shown->targets[index])).first;
      draw_tile(frame, place->second);
    }
  }
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

void OverviewView::draw_pools(Frame& frame, const PoolList& list) {
  heading(frame, "Pools, by what they would gain");
  ImGui::SameLine(ImGui::GetContentRegionAvail().x - frame.px(200));
  draw_search(frame, "overview.pools", pools_, frame.px(200));
  if (list.pools.empty()) {
    wrapped_item(
        "No pool is known: sync.Pool of Go programs and pools of libpoolscope are found by themselves, others are "
        "described in the "
        "configuration.",
        frame.theme.dim);
    return;
  }
  const TableLayout layout{{0, 95, 68, 68, 72, 72, 190}, std::max(ImGui::GetContentRegionAvail().y, frame.px(80))};
  if (const auto clicked = draw_table(frame, "overview.pools", pools_, layout, std::nullopt))
    go_to_pool(frame, list.pools[*clicked].subject());
}

void OverviewView::draw_advice(Frame& frame, const Overview& overview) {
  heading(frame, "Advice");
  if (!overview.headline.empty()) {
    ImGui::PushFont(frame.fonts.title);
    wrapped_item(overview.headline, frame.theme.of(overview.headline_tone));
    ImGui::PopFont();
    frame.widgets.note("overview.headline", overview.headline);
  }
  for (std::size_t i = 0; i < overview.advice.size(); ++i) draw_card(frame, overview.advice[i], i);
  if (overview.left_out > 0) wrapped_item("and more, in the view Advice", frame.theme.dim);
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

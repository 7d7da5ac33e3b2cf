// Churn: rates, sizes, lifetimes, call sites, growth.
#include <algorithm>
#include <optional>
#include <string>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/fact_panel.h"
#include "ui/draw/keys.h"
#include "ui/draw/plot.h"
#include "ui/draw/site_plots.h"
#include "ui/draw/splitter.h"
#include "ui/draw/target_bar.h"
#include "ui/draw/views.h"
#include "ui/model/churn.h"

namespace poolscope::viewer {
namespace {

constexpr float kPlotsHeight = 208, kIcicleHeight = 132, kWideFrom = 900, kGapBetween = 14, kSearchWidth = 180;
constexpr float kLeastTableHeight = 130;

class ChurnView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  void draw_plots(Frame& frame, const Churn& churn, ImVec2 size);
  void draw_sites(Frame& frame, const Churn& churn, float height);
  void draw_callers(Frame& frame, const Churn& churn, float height);
  void choose(const std::optional<std::string>& site);

  Table sites_ = make_site_table(), chains_ = make_chain_table();
  Cached<Churn, std::string> content_;
  std::string chosen_;  // Row::id
};

void ChurnView::draw(Frame& frame) {
  const auto* target = draw_target_bar(frame, "churn");
  if (target == nullptr) return;
  const Churn& churn = content_.get(frame.state, target->name, [&] {
    Churn made = make_churn(frame.state);
    sites_.set_rows(site_rows(made.sites));
    chains_.set_rows(made.chains);
    return made;
  });
  ImGui::BeginChild("churn");
  draw_facts(frame, "churn", churn.facts);
  const float gap = frame.px(kGapBetween), width = ImGui::GetContentRegionAvail().x;
  draw_plots(frame, churn, {width, frame.px(kPlotsHeight)});
  ImGui::Dummy({0, frame.px(2)});
  const float height = std::max(ImGui::GetContentRegionAvail().y, frame.px(kIcicleHeight + kLeastTableHeight) + 60);
  const bool is_wide = width >= frame.px(kWideFrom);
  const Split split = split_in_two(frame, "churn", (width - gap) * 0.52F);
  ImGui::BeginChild("sites", {is_wide ? split.left : width, height}, false, ImGuiWindowFlags_NoScrollbar);
  draw_sites(frame, churn, height);
  ImGui::EndChild();
  if (is_wide) draw_splitter(frame, "churn", split, height);
  ImGui::BeginChild("callers", {0, height}, false, ImGuiWindowFlags_NoScrollbar);
  draw_callers(frame, churn, height);
  ImGui::EndChild();
  ImGui::EndChild();
}

void ChurnView::choose(const std::optional<std::string>& site) {
  if (site) chosen_ = *site == chosen_ ? "" : *site;
}

// Four beside each other, or two lines of two.
void ChurnView::draw_plots(Frame& frame, const Churn& churn, ImVec2 size) {
  const float gap = frame.px(kGapBetween);
  const bool is_wide = size.x >= frame.px(kWideFrom);
  const float each = is_wide ? (size.x - 3 * gap) * 0.23F : (size.x - gap) / 2;
  const float map = is_wide ? size.x - 3 * (each + gap) : each;
  const float half = (size.y - frame.px(4)) / 2;
  ImGui::BeginGroup();
  draw_time_plot(frame, churn.rate, {each, half});
  draw_time_plot(frame, churn.churn, {each, half});
  ImGui::EndGroup();
  ImGui::SameLine(0, gap);
  draw_share_bars(frame, churn.sizes, {each, size.y});
  if (is_wide) ImGui::SameLine(0, gap);
  draw_share_bars(frame, churn.lifetimes, {each, size.y});
  ImGui::SameLine(0, gap);
  choose(draw_site_map(frame, churn.map, chosen_, {map, size.y}));
}

void ChurnView::draw_sites(Frame& frame, const Churn& churn, float height) {
  const float top = ImGui::GetCursorPosY(), search = frame.px(kSearchWidth);
  const float room = ImGui::GetContentRegionAvail().x;
  ImGui::AlignTextToFramePadding();
  ImGui::PushFont(frame.fonts.bold);
  ImGui::TextUnformatted("Call sites");
  ImGui::PopFont();
  ImGui::SameLine(0, frame.px(10));
  text_item(churn.sites_note, frame.theme.dim, std::max(room - search - frame.px(100), frame.px(60)));
  frame.widgets.note("churn.sites.note", churn.sites_note);
  ImGui::SameLine(room - search);
  draw_search(frame, "churn.sites", sites_, search);
  if (churn.sites->sites.empty()) return;
  const TableLayout layout{{0, 62, 78, 84, 74, 66}, std::max(height - (ImGui::GetCursorPosY() - top), frame.px(80))};
  std::optional<std::size_t> chosen;
  const auto& ids = churn.sites->ids;
  const auto found = std::ranges::find(ids, chosen_);
  if (found != ids.end()) chosen = static_cast<std::size_t>(found - ids.begin());
  if (const int steps = steps_down(); steps != 0 && !sites_.shown().empty()) {
    const auto& shown = sites_.shown();
    const auto place = chosen ? std::ranges::find(shown, *chosen) : shown.end();
    const std::ptrdiff_t next = place == shown.end() ? 0 : place - shown.begin() + steps;
    chosen = shown[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(next, 0, std::ssize(shown) - 1))];
    chosen_ = ids[*chosen];
  }
  if (const auto clicked = draw_table(frame, "churn.sites", sites_, layout, chosen)) choose(ids[*clicked]);
}

void ChurnView::draw_callers(Frame& frame, const Churn& churn, float height) {
  const float top = ImGui::GetCursorPosY();
  ImGui::AlignTextToFramePadding();
  heading(frame, "Who allocates: outermost caller on top, the allocator's caller below");
  choose(draw_icicle(frame, churn.icicle, chosen_, {ImGui::GetContentRegionAvail().x, frame.px(kIcicleHeight)}));
  ImGui::PushFont(frame.fonts.bold);
  ImGui::TextUnformatted("Growth chains");
  ImGui::PopFont();
  ImGui::SameLine(0, frame.px(10));
  text_item(churn.chains_note, frame.theme.dim);
  frame.widgets.note("churn.chains.note", churn.chains_note);
  if (churn.chains.empty()) return;
  const TableLayout layout{{0, 66, 66, 52, 78, 86}, std::max(height - (ImGui::GetCursorPosY() - top), frame.px(60))};
  (void)draw_table(frame, "churn.chains", chains_, layout, std::nullopt);
}

}  // namespace

std::unique_ptr<View> make_churn_view() {
  return std::make_unique<ChurnView>();
}

}  // namespace poolscope::viewer

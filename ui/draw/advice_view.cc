// Advice: the list, one of it in full, and what became of what was followed.
#include "ui/model/advice_view.h"

#include <algorithm>
#include <string>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/fact_panel.h"
#include "ui/draw/keys.h"
#include "ui/draw/splitter.h"
#include "ui/draw/views.h"

namespace poolscope::viewer {
namespace {

constexpr float kListShare = 0.5F, kOutcomesHeight = 118, kBesideFrom = 900, kEffectBar = 10;
constexpr float kAdviceSearch = 180;

class AdviceView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  void take_advice_keys(const AdvicePage& page);
  void draw_list(Frame& frame, const AdvicePage& page, float height);
  void draw_detail(Frame& frame, const AdviceDetail& detail);
  void draw_outcomes(Frame& frame, const AdvicePage& page);

  Table list_ = make_advice_table(), evidence_ = make_evidence_table(), outcomes_ = make_outcome_table();
  Cached<AdvicePage> content_;
  std::string chosen_;       // Row::id
  std::string evidence_of_;  // whose rows `evidence_` has
  std::uint64_t evidence_revision_ = 0;
};

void copy_button(Frame& frame, const char* label, ImWchar key, const char* name, const std::string& what) {
  if (what.empty()) return;
  ImGui::SameLine(0, frame.px(6));
  if (ImGui::SmallButton(label) || is_typed(key)) ImGui::SetClipboardText(what.c_str());
  frame.widgets.note(name, what);
  tooltip(what);
}

// From 0 to the upper end of the interval; the value as a line in it.
void draw_effect(Frame& frame, const EffectBar& effect, ImU32 colour) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = ImGui::GetContentRegionAvail().x, bar = frame.px(kEffectBar);
  ImGui::Dummy({width, bar + frame.px(4)});
  frame.widgets.note("advice.effect", effect.tooltip);
  tooltip(effect.tooltip);
  const double least = std::min({0.0, effect.low, effect.value}), most = std::max({effect.high, effect.value, 0.0});
  const double span = most > least ? most - least : 1;
  const auto x = [&](double value) { return at.x + width * static_cast<float>((value - least) / span); };
  list.AddRect(at, {at.x + width, at.y + bar}, frame.theme.line);
  list.AddRectFilled({x(effect.low), at.y}, {x(effect.high), at.y + bar}, with_alpha(colour, 0.4F));
  list.AddRectFilled({x(effect.value) - 1, at.y - 2}, {x(effect.value) + 1, at.y + bar + 2}, colour);
  list.AddLine({x(0), at.y - 2}, {x(0), at.y + bar + 2}, frame.theme.text);
}

void AdviceView::draw(Frame& frame) {
  const AdvicePage& page = content_.get(frame.state, 0, [&] {
    AdvicePage made = make_advice_page(frame.state);
    list_.set_rows(made.rows);
    outcomes_.set_rows(made.outcomes);
    return made;
  });
  take_advice_keys(page);
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float upper = std::max(room.y - frame.px(kOutcomesHeight), frame.px(160));
  const bool is_wide = room.x >= frame.px(kBesideFrom);
  const Split split = split_in_two(frame, "advice", room.x * kListShare);
  ImGui::BeginChild("list", {is_wide ? split.left : room.x, is_wide ? upper : upper * 0.45F}, false,
                    ImGuiWindowFlags_NoScrollbar);
  draw_list(frame, page, is_wide ? upper : upper * 0.45F);
  ImGui::EndChild();
  if (is_wide) draw_splitter(frame, "advice", split, upper);
  ImGui::BeginChild("detail", {0, is_wide ? upper : upper * 0.55F});
  const auto found = std::ranges::find(page.details, chosen_, &AdviceDetail::id);
  if (found != page.details.end())
    draw_detail(frame, *found);
  else if (!page.details.empty())
    draw_detail(frame, page.details.front());
  ImGui::EndChild();
  draw_outcomes(frame, page);
}

// Up and down in the list as it is sorted.
void AdviceView::take_advice_keys(const AdvicePage& page) {
  const int steps = steps_down();
  if (steps == 0 || page.details.empty() || list_.shown().empty()) return;
  const auto& shown = list_.shown();
  const auto found = std::ranges::find(shown, chosen_, [&](std::size_t index) { return page.rows[index].id; });
  const std::ptrdiff_t place = found == shown.end() ? 0 : found - shown.begin();
  const auto last = static_cast<std::ptrdiff_t>(shown.size()) - 1;
  chosen_ = page.rows[shown[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(place + steps, 0, last))]].id;
}

void AdviceView::draw_list(Frame& frame, const AdvicePage& page, float height) {
  const float top = ImGui::GetCursorPosY(), search = frame.px(kAdviceSearch), room = ImGui::GetContentRegionAvail().x;
  ImGui::AlignTextToFramePadding();
  ImGui::PushFont(frame.fonts.bold);
  ImGui::TextUnformatted("Advice");
  ImGui::PopFont();
  ImGui::SameLine(0, frame.px(10));
  if (page.rows.empty()) {
    wrapped_item(page.note, frame.theme.dim);
    frame.widgets.note("advice.note", page.note);
    return;
  }
  text_item(page.note, frame.theme.dim, std::max(room - search - frame.px(80), frame.px(60)));
  frame.widgets.note("advice.note", page.note);
  ImGui::SameLine(room - search);
  draw_search(frame, "advice.list", list_, search);
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < page.rows.size(); ++i)
    if (page.rows[i].id == chosen_) chosen = i;
  const TableLayout layout{{66, 0, 100, 180, 58}, std::max(height - (ImGui::GetCursorPosY() - top), frame.px(80))};
  if (const auto clicked = draw_table(frame, "advice.list", list_, layout, chosen.value_or(0)))
    chosen_ = page.rows[*clicked].id;
}

void AdviceView::draw_detail(Frame& frame, const AdviceDetail& detail) {
  ImGui::PushFont(frame.fonts.bold);
  wrapped_item(detail.heading, frame.theme.text);
  frame.widgets.note("advice.heading", detail.heading);
  ImGui::PopFont();
  ImGui::PushFont(frame.fonts.title);
  wrapped_item(detail.action, frame.theme.of(detail.tone));
  ImGui::PopFont();
  frame.widgets.note("advice.action", detail.action);
  if (!detail.gain.empty()) wrapped_item(detail.gain, frame.theme.text);
  if (detail.effect) draw_effect(frame, *detail.effect, frame.theme.of(detail.tone));
  wrapped_item(detail.confidence, frame.theme.dim);
  ImGui::Dummy({0, frame.px(2)});
  wrapped_item(detail.why, frame.theme.text);
  text_item("copy as", frame.theme.dim, frame.px(60));
  copy_button(frame, "text", 'c', "advice.copy.text", detail.as_text);
  copy_button(frame, "code", 'C', "advice.copy.code", detail.as_code);
  copy_button(frame, "configuration", 'g', "advice.copy.configuration", detail.as_configuration);
  ImGui::Dummy({0, frame.px(2)});
  draw_facts(frame, "advice", detail.facts);
  for (const std::string& text : detail.alternatives) wrapped_item("instead: " + text, frame.theme.text);
  for (const std::string& text : detail.reevaluate_when) wrapped_item("look again when " + text, frame.theme.dim);
  if (evidence_of_ != detail.id || evidence_revision_ != frame.state.revision()) {
    evidence_.set_rows(detail.evidence);
    evidence_of_ = detail.id;
    evidence_revision_ = frame.state.revision();
  }
  heading(frame, "Evidence");
  (void)draw_table(frame, "advice.evidence", evidence_, {{90, 0}, 0}, std::nullopt);
}

void AdviceView::draw_outcomes(Frame& frame, const AdvicePage& page) {
  ImGui::Dummy({0, frame.px(2)});
  heading(frame, "What became of it: predicted against realised");
  if (!page.outcomes_note.empty()) {
    wrapped_item(page.outcomes_note, frame.theme.dim);
    frame.widgets.note("advice.outcomes.note", page.outcomes_note);
    return;
  }
  const TableLayout layout{{172, 0, 220, 178, 178, 78, 78, 64},
                           std::max(ImGui::GetContentRegionAvail().y, frame.px(60))};
  (void)draw_table(frame, "advice.outcomes", outcomes_, layout, std::nullopt);
}

}  // namespace

std::unique_ptr<View> make_advice_view() {
  return std::make_unique<AdviceView>();
}

}  // namespace poolscope::viewer

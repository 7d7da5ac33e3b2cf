// Compare: BASE | NEW, said loudly, and row by row.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <imgui_stdlib.h>

#include "exporters/text/line.h"
#include "ui/draw/background.h"
#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/keys.h"
#include "ui/draw/views.h"
#include "ui/model/compare.h"

namespace poolscope::viewer {
namespace {

constexpr float kCardHeight = 52, kCardGap = 12, kBaseAddressWidth = 300, kNotesHeight = 70, kLeastRows = 120;

class CompareView final : public View {
 public:
  void draw(Frame& frame) override;

 private:
  struct Key {
    std::uint64_t base = 0, second = 0;
    bool only_differences = false, is_swapped = false;
    std::uint64_t revision = 0;
    bool operator==(const Key&) const = default;
  };
  struct Compared {
    std::optional<Moment> base, fresh;
    std::shared_ptr<const ComparePage> page;
  };
  void take_compare_keys(Frame& frame);
  void keep(Frame& frame) { base_ = moment_of(frame.state); }
  void draw_controls(Frame& frame);
  void draw_rows(Frame& frame, const ComparePage& page);
  void compare(Frame& frame);
  [[nodiscard]] std::optional<Moment> chosen_base(const Frame& frame) const;

  std::optional<Moment> base_;  // kept by hand; else what was opened as BASE
  std::string address_;
  bool only_differences_ = false, is_swapped_ = false;
  Table table_ = make_compare_table();
  std::optional<Key> key_;  // of what was compared last, or is being compared
  std::shared_ptr<const Compared> shown_, before_;
  Background<Compared> coming_;
};

void draw_side(Frame& frame, const char* side, const std::optional<Moment>& moment, ColourIndex colour, float width) {
  ImDrawList& list = *ImGui::GetWindowDrawList();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float height = frame.px(kCardHeight), inset = frame.px(10), line = ImGui::GetTextLineHeight();
  ImGui::Dummy({width, height});
  const std::string label = moment ? moment->label : "not chosen", of_time = moment ? moment->of_time : "";
  frame.widgets.note(std::string("compare.side.") + side, label + " " + of_time);
  tooltip(label + "\n" + of_time);
  list.AddRectFilled(at, {at.x + width, at.y + height}, frame.theme.panel);
  list.AddRectFilled(at, {at.x + frame.px(5), at.y + height}, frame.theme.of_line(colour));
  ImGui::PushFont(frame.fonts.title);
  const float title = width_of("BASE") + inset;
  draw_text_at(list, {at.x + inset + frame.px(4), at.y + (height - ImGui::GetFontSize()) / 2},
               frame.theme.of_line(colour), side, title);
  ImGui::PopFont();
  const float left = at.x + 2 * inset + title, room = std::max(at.x + width - left - inset, 1.0F);
  draw_text_at(list, {left, at.y + height / 2 - line}, moment ? frame.theme.text : frame.theme.dim, label, room);
  draw_text_at(list, {left, at.y + height / 2}, frame.theme.dim, of_time, room);
}

void draw_sides(Frame& frame, const std::optional<Moment>& base, const std::optional<Moment>& fresh) {
  const float gap = frame.px(kCardGap), each = (ImGui::GetContentRegionAvail().x - gap) / 2;
  draw_side(frame, "BASE", base, 1, each);
  ImGui::SameLine(0, gap);
  draw_side(frame, "NEW", fresh, 0, each);
}

std::optional<Moment> CompareView::chosen_base(const Frame& frame) const {
  return base_ || frame.second == nullptr ? base_ : moment_of(*frame.second);
}

void CompareView::take_compare_keys(Frame& frame) {
  if (is_typed('b')) keep(frame);
  if (is_typed('d')) only_differences_ = !only_differences_;
  if (is_typed('x')) is_swapped_ = !is_swapped_;
}

void CompareView::draw(Frame& frame) {
  take_compare_keys(frame);
  draw_controls(frame);
  compare(frame);
  if (shown_ == nullptr) {
    wrapped_item("comparing …", frame.theme.dim);
    frame.widgets.note("compare.absent", "comparing …");
    return;
  }
  const ComparePage& page = *shown_->page;
  draw_sides(frame, shown_->base, shown_->fresh);
  if (!page.absent.empty()) {
    wrapped_item(page.absent, frame.theme.dim);
    frame.widgets.note("compare.absent", page.absent);
    return;
  }
  draw_rows(frame, page);
}

// What was compared before stays on the screen until the new one is there. After that it waits for the next comparison, whose thread gives
// its memory back: of large snapshots that takes longer than a frame.
void CompareView::compare(Frame& frame) {
  if (auto compared = coming_.take()) {
    table_.set_rows(compare_rows(compared->page));
    before_ = std::exchange(shown_, std::move(compared));
  }
  const Key key{base_ ? base_->id : 0, frame.second != nullptr ? frame.second->revision() : 0, only_differences_,
                is_swapped_, frame.state.revision()};
  if (coming_.is_busy() || key_ == key) return;
  key_ = key;
  auto base = chosen_base(frame), fresh = moment_of(frame.state);
  if (is_swapped_) std::swap(base, fresh);
  coming_.start(
      [base = std::move(base), fresh = std::move(fresh), only_differences = only_differences_,
       before = std::exchange(before_, nullptr)]() mutable {
        before.reset();
        auto page = std::make_shared<const ComparePage>(make_compare_page(base, fresh, only_differences));
        return Compared{base, fresh, std::move(page)};
      },
      frame.wake);
}

void CompareView::draw_controls(Frame& frame) {
  if (ImGui::Button("Keep what is shown as BASE")) keep(frame);
  frame.widgets.note("compare.keep");
  tooltip("key b: NEW is what is shown from then on");
  ImGui::SameLine(0, frame.px(16));
  ImGui::SetNextItemWidth(std::min(frame.px(kBaseAddressWidth), ImGui::GetContentRegionAvail().x / 2));
  focus_by('e');
  const bool is_entered = ImGui::InputTextWithHint("##base", "another recording, report or agent", &address_,
                                                   ImGuiInputTextFlags_EnterReturnsTrue);
  frame.widgets.note("compare.address", address_);
  ImGui::SameLine(0, frame.px(6));
  if ((ImGui::Button("Open as BASE") || is_entered) && !address_.empty()) {
    frame.actions.open_base = address_;
    base_.reset();
  }
  frame.widgets.note("compare.open");
  ImGui::SameLine(0, frame.px(16));
  if (ImGui::Button("Swap")) is_swapped_ = !is_swapped_;
  frame.widgets.note("compare.swap", is_swapped_ ? "swapped" : "");
  tooltip("key x: BASE becomes NEW");
  ImGui::SameLine(0, frame.px(16));
  ImGui::Checkbox("only what differs", &only_differences_);
  frame.widgets.note("compare.only_differences", only_differences_ ? "on" : "off");
  tooltip("key d");
  if (frame.second == nullptr || base_) return;
  const Connection& connection = frame.second->connection();
  if (!connection.problem.empty()) {
    const std::string problem = "BASE: " + text::printable(connection.problem);
    wrapped_item(problem, frame.theme.bad);
    frame.widgets.note("compare.problem", problem);
  }
}

void CompareView::draw_rows(Frame& frame, const ComparePage& page) {
  if (!page.warning.empty()) {
    wrapped_item(page.warning, frame.theme.warning);
    frame.widgets.note("compare.warning", page.warning);
  }
  ImGui::PushFont(frame.fonts.bold);
  text_item(page.headline, frame.theme.of(page.headline_tone), ImGui::GetContentRegionAvail().x - frame.px(200));
  ImGui::PopFont();
  frame.widgets.note("compare.headline", page.headline);
  ImGui::SameLine(ImGui::GetContentRegionAvail().x - frame.px(180));
  draw_search(frame, "compare", table_, frame.px(180));
  const float height = std::max(ImGui::GetContentRegionAvail().y - frame.px(kNotesHeight), frame.px(kLeastRows));
  const TableLayout layout{{0, 190, 130, 130, 86, 150, 60, 70}, height};
  (void)draw_table(frame, "compare", table_, layout, std::nullopt);
  ImGui::BeginChild("notes");
  for (const std::string& note : page.notes) wrapped_item(note, frame.theme.dim);
  ImGui::EndChild();
}

}  // namespace

std::unique_ptr<View> make_compare_view() {
  return std::make_unique<CompareView>();
}

}  // namespace poolscope::viewer

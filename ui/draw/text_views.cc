// Views whose content is the words of the report.
#include <string>
#include <vector>

#include "exporters/text/advice_wording.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/site_table.h"
#include "exporters/text/wording.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/views.h"

namespace poolscope::viewer {
namespace {

using model::TargetSnapshot;
using Paragraphs = std::vector<std::string>;

Paragraphs said_of(const std::vector<text::Quantity>& quantities) {
  Paragraphs lines;
  for (const auto& quantity : quantities) {
    std::string line = quantity.name;
    for (const std::string* part : {&quantity.value, &quantity.interval, &quantity.note})
      if (!part->empty()) line += "   " + *part;
    lines.push_back(std::move(line));
  }
  return lines;
}

Paragraphs churn_of(const TargetSnapshot& target, const model::AgentInfo&) {
  Paragraphs lines = said_of(text::quantities(target));
  for (const auto& line : text::call_site_table(target, 140, 20)) lines.push_back(line.render({false, 140}));
  for (const auto& line : text::growth_chain_table(target, 140, 20)) lines.push_back(line.render({false, 140}));
  return lines;
}

Paragraphs gc_of(const TargetSnapshot& target, const model::AgentInfo&) {
  Paragraphs lines = said_of(text::gc_quantities(target));
  if (lines.empty()) lines.push_back("no garbage collector: its runtime is " + text::printable(target.runtime));
  return lines;
}

Paragraphs advice_of(const TargetSnapshot& target, const model::AgentInfo&) {
  Paragraphs lines;
  for (const auto& advice : target.advice)
    for (const auto& line : text::advice_lines(advice, 140)) lines.push_back(line.render({false, 140}));
  for (const auto& outcome : target.advice_outcomes) lines.push_back("done: " + text::outcome_text(outcome));
  if (lines.empty()) lines.push_back("no advice");
  return lines;
}

Paragraphs health_of(const TargetSnapshot& target, const model::AgentInfo& agent) {
  Paragraphs lines = {text::cost_sentence(target, agent.budget_cpu_ratio)};
  for (const auto& remark : text::cost_remarks(target.cost)) lines.push_back(remark);
  for (const auto& collector : target.collectors) {
    lines.push_back("● " + text::printable(collector.name) + "  " + text::printable(collector.level) + "  " +
                    model::state_name(collector.state) + "  " + text::collector_note(target, collector));
  }
  return lines;
}

class TextView final : public View {
 public:
  using Tell = Paragraphs (*)(const TargetSnapshot&, const model::AgentInfo&);
  explicit TextView(Tell tell) : tell_(tell) {}

  void draw(Frame& frame) override {
    if (frame.state.shown() == nullptr) return wrapped_item("no data yet", frame.theme.dim);
    ImGui::BeginChild("text");
    for (const TargetSnapshot& target : frame.state.shown()->targets) {
      heading(frame, text::printable(target.name));
      for (const std::string& line : tell_(target, frame.state.shown()->agent)) wrapped_item(line, frame.theme.text);
      ImGui::Dummy({0, frame.px(8)});
    }
    ImGui::EndChild();
  }

 private:
  Tell tell_;
};

class CompareView final : public View {
 public:
  void draw(Frame& frame) override {
    wrapped_item("`poolscope compare BASE NEW` compares two recordings, reports or runs of benchmarks in the terminal.",
                 frame.theme.text);
  }
};

}  // namespace

std::unique_ptr<View> make_churn_view() {
  return std::make_unique<TextView>(churn_of);
}

std::unique_ptr<View> make_gc_view() {
  return std::make_unique<TextView>(gc_of);
}

std::unique_ptr<View> make_compare_view() {
  return std::make_unique<CompareView>();
}

std::unique_ptr<View> make_advice_view() {
  return std::make_unique<TextView>(advice_of);
}

std::unique_ptr<View> make_health_view() {
  return std::make_unique<TextView>(health_of);
}

}  // namespace poolscope::viewer

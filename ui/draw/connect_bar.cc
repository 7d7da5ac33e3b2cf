#include "ui/draw/connect_bar.h"

#include <imgui_stdlib.h>

#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/keys.h"

namespace poolscope::viewer {
namespace {

constexpr float kAddressWidth = 300;

struct Status {
  const char* text;
  Tone tone;
};

Status status_of(ConnectionState state) {
  switch (state) {
    case ConnectionState::kConnecting:
      return {"connecting …", Tone::kWarning};
    case ConnectionState::kLive:
      return {"● live", Tone::kGood};
    case ConnectionState::kLost:
      return {"● no answer", Tone::kBad};
    case ConnectionState::kReading:
      return {"reading …", Tone::kWarning};
    case ConnectionState::kRead:
      return {"● recording", Tone::kGood};
    case ConnectionState::kNone:
      break;
  }
  return {"not connected", Tone::kDim};
}

}  // namespace

void ConnectBar::draw(Frame& frame) {
  const char* other = frame.theme.name == "dark" ? "Light" : "Dark";
  const ImGuiStyle& style = ImGui::GetStyle();
  const float buttons = width_of(other) + width_of("Help") + 4 * style.FramePadding.x + style.ItemSpacing.x;
  draw_address(frame);
  ImGui::SameLine(0, frame.px(16));
  draw_status(frame, buttons);
  ImGui::SameLine(ImGui::GetWindowContentRegionMax().x - buttons);
  if (ImGui::Button(other)) frame.actions.theme = frame.theme.name == "dark" ? "light" : "dark";
  frame.widgets.note("screen.theme", other);
  ImGui::SameLine();
  if (ImGui::Button("Help")) frame.state.shows_help = !frame.state.shows_help;
  frame.widgets.note("screen.help", "Help");
  tooltip("?: all keys");
}

void ConnectBar::draw_address(Frame& frame) {
  if (of_address_ != frame.state.address()) typed_ = of_address_ = frame.state.address();
  ImGui::SetNextItemWidth(frame.px(kAddressWidth));
  focus_by('a');
  const bool is_entered = ImGui::InputTextWithHint("##address", "http://127.0.0.1:9777 or a recording", &typed_,
                                                   ImGuiInputTextFlags_EnterReturnsTrue);
  frame.widgets.note("connect.address", typed_);
  tooltip("the address of an agent, or a recording, a folder of recordings, a JSON report");
  ImGui::SameLine(0, 1);
  ImGui::PushID("history");
  if (ImGui::ArrowButton("open", ImGuiDir_Down) || is_typed('A')) {
    ImGui::OpenPopup("addresses");
    found_ = frame.find_agents != nullptr ? frame.find_agents() : std::vector<std::string>();
  }
  frame.widgets.note("connect.history");
  if (ImGui::BeginPopup("addresses")) {
    draw_addresses(frame, "agents on this machine", "connect.found", found_);
    draw_addresses(frame, "opened before", "connect.history", frame.addresses);
    if (found_.empty() && frame.addresses.empty())
      ImGui::TextDisabled("no agent runs here, and nothing was opened before");
    ImGui::EndPopup();
  }
  ImGui::PopID();
  ImGui::SameLine();
  const bool is_clicked = ImGui::Button("Open");
  frame.widgets.note("connect.open", "Open");
  if ((is_entered || is_clicked) && !typed_.empty()) frame.actions.open = typed_;
}

void ConnectBar::draw_addresses(Frame& frame, const char* title, const char* name,
                                const std::vector<std::string>& addresses) {
  if (addresses.empty()) return;
  ImGui::TextDisabled("%s", title);
  ImGui::PushID(name);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    ImGui::PushID(static_cast<int>(i));
    const std::string shown = text::printable(addresses[i]);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    if (ImGui::Selectable("##address", false, 0, {width_of(shown), 0})) frame.actions.open = addresses[i];
    frame.widgets.note(std::string(name) + "." + std::to_string(i), shown);
    draw_text_at(*ImGui::GetWindowDrawList(), at, frame.theme.text, shown, width_of(shown) + 1);
    ImGui::PopID();
  }
  ImGui::PopID();
}

void ConnectBar::draw_status(Frame& frame, float right) {
  const Connection& connection = frame.state.connection();
  const Status status = status_of(connection.state);
  ImGui::AlignTextToFramePadding();
  text_item(status.text, frame.theme.of(status.tone), width_of(status.text) + 1);
  frame.widgets.note("connect.status", status.text);
  std::string said = connection.remark;
  if (const auto* latest = frame.state.latest()) {
    said += (said.empty() ? "" : "   ") + text::utc_time(latest->time_unix_ns) + "   budget " +
            text::format_ratio(latest->agent.budget_cpu_ratio) + " of each target's CPU";
  }
  ImGui::SameLine(0, frame.px(16));
  const float room = ImGui::GetContentRegionAvail().x - right - frame.px(16);
  if (room > frame.px(40)) text_item(said, frame.theme.dim, room);
}

void ConnectBar::draw_problem(Frame& frame) {
  const Connection& connection = frame.state.connection();
  if (connection.problem.empty()) return;
  const std::string problem = text::printable(connection.problem);
  wrapped_item(problem, frame.theme.bad);
  frame.widgets.note("connect.problem", problem);
}

}  // namespace poolscope::viewer

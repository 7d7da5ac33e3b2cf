#include "tests/unit/ui/null_screen.h"

#include <cmath>
#include <map>
#include <memory>
#include <utility>

namespace poolscope::viewer_test {

using namespace viewer;
namespace {

constexpr int kMostVertices = 65'535;

// Baked once for each scale: that takes longer than all frames of a test.
struct Baked {
  ImFontAtlas atlas;
  Fonts fonts;
};
Baked& baked_at(float scale) {
  static std::map<float, std::unique_ptr<Baked>> all;
  auto& baked = all[scale];
  if (!baked) {
    baked = std::make_unique<Baked>();
    baked->fonts = load_fonts(baked->atlas, scale);
  }
  return *baked;
}

void create_context(ImFontAtlas& atlas) {
  ImGui::CreateContext(&atlas);
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  for (int key = 0; key < ImGuiKey_COUNT; ++key) io.KeyMap[key] = key;
}

}  // namespace

NullScreen::NullScreen(ImVec2 size, const Theme& theme, float scale) : theme_(theme), scale_(scale) {
  Baked& baked = baked_at(scale);
  create_context(baked.atlas);
  ImGui::GetIO().DisplaySize = size;
  fonts_ = baked.fonts;
  apply(theme, scale);
}

NullScreen::~NullScreen() {
  ImGui::DestroyContext();
}

void NullScreen::draw_frame() {
  now_seconds_ += 1.0 / 60;
  ImGui::GetIO().DeltaTime = 1.0F / 60;
  ImGui::NewFrame();
  actions = Actions();
  const auto find_agents = [] { return std::vector<std::string>{"127.0.0.1:9777", "127.0.0.1:9778"}; };
  Frame frame{state,   theme_, fonts_, scale_,      addresses, can_change_pools, widgets,
              actions, layout, second, find_agents, recording, nullptr};
  screen_.draw(frame);
  ImGui::Render();
  if (actions.open || actions.theme || actions.scale_by || actions.resize || actions.take_screenshot ||
      actions.toggle_recording || actions.forget_recording || actions.save_plot)
    all_actions.push_back(actions);
}

std::string NullScreen::run(const std::string& text) {
  auto script = Script::parse(text);
  if (!script) return script.error();
  draw_frame();
  while (!script->is_over()) {
    script->drive(ImGui::GetIO(), widgets, now_seconds_);
    draw_frame();
    if (const std::string wrong = problem(); !wrong.empty()) return wrong;
  }
  return script->failure();
}

std::string NullScreen::problem() const {
  const ImDrawData* data = ImGui::GetDrawData();
  if (data == nullptr || !data->Valid) return "nothing was drawn";
  for (int i = 0; i < data->CmdListsCount; ++i) {
    const ImDrawList& list = *data->CmdLists[i];
    if (list.VtxBuffer.Size > kMostVertices)
      return "a draw list has " + std::to_string(list.VtxBuffer.Size) + " vertices";
    for (const ImDrawVert& vertex : list.VtxBuffer)
      if (!std::isfinite(vertex.pos.x) || !std::isfinite(vertex.pos.y)) return "a vertex is no number";
  }
  return "";
}

std::size_t NullScreen::vertices() const {
  return static_cast<std::size_t>(ImGui::GetDrawData()->TotalVtxCount);
}

}  // namespace poolscope::viewer_test

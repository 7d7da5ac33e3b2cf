#pragma once
// Frame: everything that drawing needs, and what the user wants to be done that drawing does not do itself.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ui/draw/fonts.h"
#include "ui/draw/theme.h"
#include "ui/draw/widgets.h"
#include "ui/model/delivery.h"
#include "ui/model/layout.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// What the owner of the window does after the frame.
struct Actions {
  std::optional<std::string> open;       // an address
  std::optional<std::string> open_base;  // what is compared with
  std::optional<std::string> theme;      // its name
  std::optional<float> scale_by;         // factor
  struct Resize {
    std::string pool;
    std::uint64_t buffers = 0;
  };
  std::optional<Resize> resize;
  bool take_screenshot = false;
  bool toggle_recording = false;
  bool forget_recording = false;  // that is over
  struct SavedPlot {
    std::string name;                   // "pools.hit_ratio"
    std::string csv;                    // empty: a picture is wanted
    ImVec2 min = {0, 0}, max = {0, 0};  // of the picture
  };
  std::optional<SavedPlot> save_plot;
};

struct Frame {
  ViewerState& state;
  const Theme& theme;
  const Fonts& fonts;
  float scale = 1;
  const std::vector<std::string>& addresses;  // that were opened before, newest first
  bool can_change_pools = false;              // there is a token
  Widgets& widgets;
  Actions& actions;
  Layout& layout;                       // changed by whoever is dragged or clicked
  const ViewerState* second = nullptr;  // what was opened as BASE
  // Of agents on this machine; called when somebody wants to choose one.
  std::vector<std::string> (*find_agents)() = nullptr;
  std::optional<RecordStatus> recording = {};  // that the viewer makes, or has made
  void (*wake)() = nullptr;                    // asks for another frame, from any thread

  [[nodiscard]] float px(float at_scale_1) const { return at_scale_1 * scale; }
};

// A model that is made anew when what it depends on has changed, and at no other time.
template <typename Model, typename Key = int>
class Cached {
 public:
  template <typename Make>
  Model& get(const ViewerState& state, const Key& key, const Make& make) {
    if (!model_ || revision_ != state.revision() || !(key_ == key)) {
      model_ = make();
      revision_ = state.revision();
      key_ = key;
    }
    return *model_;
  }

 private:
  std::optional<Model> model_;
  std::uint64_t revision_ = 0;
  Key key_{};
};

}  // namespace poolscope::viewer

#include <string>
#include <vector>

#include "ui/draw/draw_table.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot.h"
#include "ui/draw/views.h"
#include "ui/model/overview.h"

namespace poolscope::viewer {
namespace {

class PoolsView final : public View {
 public:
  void draw(Frame& frame) override {
    std::vector<Subject>& subjects = subjects_.get(frame.state, 0, [&] {
      PoolList list = list_pools(frame.state);
      pools_.set_rows(std::move(list.rows));
      return list.subjects;
    });
    if (const auto clicked =
            draw_table(frame, "pools", pools_, {{0, 110, 80, 80, 80, 80, 230}, frame.px(200)}, std::nullopt))
      frame.state.selected = subjects[*clicked];
  }

 private:
  Table pools_ = make_pool_table();
  Cached<std::vector<Subject>> subjects_;
};

}  // namespace

std::unique_ptr<View> make_pools_view() {
  return std::make_unique<PoolsView>();
}

}  // namespace poolscope::viewer

#pragma once
// ViewerState: everything that is on the screen follows from this value. Views read it; who draws or drives the window changes it.
//   Shown     the snapshot that tables, histograms and texts are of: estimated from the range of the time axis. While an agent is followed over the
//             default range it is the agent's own, which is of the same five minutes and has its advice.
//             Of a time whose records are gone it is the step that was seen then; shown_note() says so.
//   Revision  changes when `shown`, `history` or the range has changed: view models are made anew then and at no other time.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ui/model/delivery.h"
#include "ui/model/history.h"
#include "ui/model/time_axis.h"

namespace poolscope::viewer {

class ViewerState {
 public:
  // A new source: nothing of the one before is kept.
  void begin(std::string address, bool is_live);
  void take(Delivery delivery);

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool is_live() const { return is_live_; }
  [[nodiscard]] const Connection& connection() const { return connection_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] const TimeAxis& time() const { return time_; }
  // The range that `change` leaves is what all views show from now on.
  template <typename Change>
  void move_time(const Change& change) {
    const TimeAxis before = time_;
    change(time_);
    if (before.shown() != time_.shown()) ++revision_;
  }

  // nullptr: nothing has come yet.
  [[nodiscard]] const model::Snapshot* shown() const { return shown_.get(); }
  [[nodiscard]] const model::Snapshot* latest() const { return latest_.get(); }
  // The same, to be kept.
  [[nodiscard]] const SharedSnapshot& shared_shown() const { return shown_; }
  [[nodiscard]] const SharedSnapshot& shared_latest() const { return latest_; }
  // Of which time the shown snapshot is, and whether that is the range of the axis: "of the last 5 min".
  [[nodiscard]] std::string shown_note() const;
  // A range that the source has to be asked for; nothing when the answer is here already or on its way. It counts as asked then.
  [[nodiscard]] std::optional<TimeRange> take_question();
  [[nodiscard]] const std::optional<ChangeAnswer>& last_change() const { return last_change_; }
  void forget_last_change() { last_change_.reset(); }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

  // What views have in common.
  Subject selected;      // the pool that is looked at; its target alone: that target
  std::size_t view = 0;  // index in the table of views
  bool shows_help = false;

 private:
  [[nodiscard]] bool latest_fits() const;
  void take_steps(Delivery& delivery);
  void choose_shown();

  std::string address_;
  bool is_live_ = false;
  Connection connection_;
  History history_;
  TimeAxis time_;
  std::optional<TimeRange> whole_;
  SharedSnapshot latest_, shown_;
  std::optional<RangeAnswer> answer_;
  std::optional<TimeRange> asked_;  // no answer yet
  std::optional<ChangeAnswer> last_change_;
  std::uint64_t revision_ = 0;
};

}  // namespace poolscope::viewer

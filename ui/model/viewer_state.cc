#include "ui/model/viewer_state.h"

#include <algorithm>
#include <utility>

#include "exporters/text/wording.h"
#include "ui/model/series.h"

namespace poolscope::viewer {
namespace {

std::string clock_text(std::uint64_t unix_ns) {
  return text::utc_time(unix_ns).substr(11, 8);
}

}  // namespace

void ViewerState::begin(std::string address, bool is_live) {
  const std::size_t same_view = view;
  const std::uint64_t next_revision = revision_ + 1;
  *this = ViewerState();
  view = same_view;
  revision_ = next_revision;
  address_ = std::move(address);
  is_live_ = is_live;
  connection_.state = is_live ? ConnectionState::kConnecting : ConnectionState::kReading;
}

void ViewerState::take(Delivery delivery) {
  if (delivery.is_empty()) return;
  if (delivery.connection) connection_ = *std::move(delivery.connection);
  if (delivery.change) last_change_ = std::move(delivery.change);
  if (delivery.whole) whole_ = delivery.whole;
  take_steps(delivery);
  if (delivery.latest) latest_ = std::move(delivery.latest);
  if (delivery.range) {
    asked_.reset();
    answer_ = std::move(delivery.range);
  }
  choose_shown();
  ++revision_;
}

void ViewerState::take_steps(Delivery& delivery) {
  for (Step& step : delivery.steps) history_.add(std::move(step));
  auto bounds = history_.whole();
  if (whole_) bounds = whole_;
  if (!bounds) return;
  const bool is_first = time_.bounds().to_ns == 0;
  time_.set_bounds(*bounds);
  if (is_first && !is_live_) time_.show_all();
}

// Whether the newest snapshot is of the range that is shown.
bool ViewerState::latest_fits() const {
  if (latest_ == nullptr) return false;
  if (!is_live_) return time_.shown() == time_.bounds();
  if (!time_.follows()) return false;
  return time_.shown().length_ns() ==
         std::min(TimeAxis::kDefaultLengthNs, std::max(time_.bounds().length_ns(), TimeAxis::kMinLengthNs));
}

void ViewerState::choose_shown() {
  if (latest_fits() || (shown_ == nullptr && answer_ == std::nullopt)) {
    shown_ = latest_;
  } else if (answer_ && answer_->snapshot) {
    shown_ = answer_->snapshot;
  } else if (const Step* step = answer_ ? history_.at(answer_->range.to_ns) : nullptr) {
    shown_ = step->snapshot;  // the records are gone, what was seen then is not
  }
}

std::optional<TimeRange> ViewerState::take_question() {
  if (latest_ == nullptr) return std::nullopt;
  if (latest_fits()) {
    if (shown_ != latest_) ++revision_;
    shown_ = latest_;
    answer_.reset();
    return std::nullopt;
  }
  if (asked_ || (answer_ && answer_->range == time_.shown())) return std::nullopt;
  asked_ = time_.shown();
  return asked_;
}

std::string ViewerState::shown_note() const {
  if (shown_ == nullptr) return "";
  if (latest_fits())
    return is_live_ ? "what the agent says of the last minutes" : "all of it, " + length_text(time_.shown());
  if (!answer_ || answer_->range != time_.shown()) return "this range is being estimated …";
  if (answer_->snapshot == nullptr) {
    const Step* step = history_.at(answer_->range.to_ns);
    const std::string seen = step != nullptr ? "what was seen until " + clock_text(step->range.to_ns) + ", of " +
                                                   length_text(step->range) + ": "
                                             : "";
    return seen + answer_->problem;
  }
  return "estimated from " + clock_text(answer_->range.from_ns) + " to " + clock_text(answer_->range.to_ns) + ", " +
         length_text(answer_->range);
}

}  // namespace poolscope::viewer

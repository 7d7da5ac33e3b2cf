#include "ui/source/mailbox.h"

#include <iterator>

namespace poolscope::viewer {

void Mailbox::deliver(Delivery delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (delivery.connection) waiting_.connection = std::move(delivery.connection);
    if (delivery.latest) waiting_.latest = std::move(delivery.latest);
    if (delivery.whole) waiting_.whole = delivery.whole;
    if (delivery.range) waiting_.range = std::move(delivery.range);
    if (delivery.change) waiting_.change = std::move(delivery.change);
    waiting_.steps.insert(waiting_.steps.end(), std::make_move_iterator(delivery.steps.begin()),
                          std::make_move_iterator(delivery.steps.end()));
    is_full_ = true;
  }
  if (wake_) wake_();
}

Delivery Mailbox::take() {
  const std::lock_guard lock(mutex_);
  is_full_ = false;
  changed_.notify_all();
  return std::exchange(waiting_, Delivery());
}

void Mailbox::ask(const TimeRange& range) {
  const std::lock_guard lock(mutex_);
  question_ = range;
  changed_.notify_all();
}

void Mailbox::change(PoolChange change) {
  const std::lock_guard lock(mutex_);
  change_ = std::move(change);
  changed_.notify_all();
}

void Mailbox::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool Mailbox::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::optional<TimeRange> Mailbox::next_question() {
  const std::lock_guard lock(mutex_);
  return std::exchange(question_, std::nullopt);
}

std::optional<PoolChange> Mailbox::next_change() {
  const std::lock_guard lock(mutex_);
  return std::exchange(change_, std::nullopt);
}

bool Mailbox::has_work() const {
  const std::lock_guard lock(mutex_);
  return has_work_locked();
}

void Mailbox::wait_for_work(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, time, [this] { return has_work_locked(); });
}

void Mailbox::wait_until_taken() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !is_full_ || has_work_locked(); });
}

}  // namespace poolscope::viewer

#pragma once
// Mailbox: between the thread of a source and who draws. What is delivered adds up until it is taken; questions wait for the thread.
//   Threads   deliver() and wait_*() from the source's thread, the rest from any.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "ui/model/delivery.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

struct PoolChange {
  std::string pool;
  std::uint64_t buffers = 0;
};

class Mailbox {
 public:
  explicit Mailbox(Source::Wake wake) : wake_(std::move(wake)) {}

  void deliver(Delivery delivery);
  [[nodiscard]] Delivery take();

  void ask(const TimeRange& range);
  void change(PoolChange change);
  void stop();

  [[nodiscard]] bool is_stopped() const;
  // What is asked for next; nothing when nobody asked.
  [[nodiscard]] std::optional<TimeRange> next_question();
  [[nodiscard]] std::optional<PoolChange> next_change();
  [[nodiscard]] bool has_work() const;
  // Until somebody asks for something, the end, or `time`.
  void wait_for_work(std::chrono::steady_clock::time_point time);
  // Until all was taken, or as wait_for_work().
  void wait_until_taken();

 private:
  [[nodiscard]] bool has_work_locked() const { return stopped_ || question_ || change_; }

  Source::Wake wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Delivery waiting_;
  bool is_full_ = false;
  std::optional<TimeRange> question_;
  std::optional<PoolChange> change_;
  bool stopped_ = false;
};

}  // namespace poolscope::viewer

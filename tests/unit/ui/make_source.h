#pragma once
// Takes what a source delivers, as the window would.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "ui/model/viewer_state.h"
#include "ui/source/source.h"

namespace poolscope::viewer_test {

using namespace viewer;

// Wakes who waits.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rings_ = true;
    rung_.notify_all();
  }
  void wait(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    rung_.wait_for(lock, longest, [this] { return rings_; });
    rings_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool rings_ = false;
};

// Until `state` is as it should be; false after ten seconds.
inline bool take_until(Source& source, Bell& bell, ViewerState& state, const std::function<bool()>& is_right) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    state.take(source.take());
    if (const auto range = state.take_question()) source.ask_for(*range);
    if (is_right()) return true;
    bell.wait(std::chrono::milliseconds(100));
  }
  return false;
}

}  // namespace poolscope::viewer_test

#pragma once
// Background: a value that takes long to make, made on a thread of its own while frames go on.
//   Threads   `make` runs on another one: it may use only what never changes, such as shared snapshots, and must not throw.
//   End       the destructor waits until what is under way is made.

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace poolscope::viewer {

template <typename Value>
class Background {
 public:
  using Shared = std::shared_ptr<const Value>;

  // While none is under way. `wake` is called from that thread once take() has the value; may be nullptr.
  void start(std::function<Value()> make, void (*wake)()) {
    std::promise<Shared> promise;
    coming_ = promise.get_future();
    thread_ = std::jthread([promise = std::move(promise), make = std::move(make), wake]() mutable {
      auto made = std::make_shared<const Value>(make());
      make = nullptr;  // what it held is let go here, too
      promise.set_value(std::move(made));
      if (wake != nullptr) wake();
    });
  }
  [[nodiscard]] bool is_busy() const { return coming_.valid(); }
  // The value, once; nullptr while it is not there.
  [[nodiscard]] Shared take() {
    if (!coming_.valid() || coming_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return nullptr;
    return coming_.get();
  }

 private:
  std::future<Shared> coming_;
  std::jthread thread_;
};

}  // namespace poolscope::viewer

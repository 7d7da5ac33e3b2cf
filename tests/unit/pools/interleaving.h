#pragma once
// Interleaving: runs a few threads one step at a time in a given order, and all orders one after the other. A step
// ends at each named switch point of the code under test (Races of BatchStack). Depth first: a run takes the choices
// it was given, then always the first thread that can go on; the next run changes the last choice that leaves
// another one.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "poolscope/detail/batch_stack.h"

namespace poolscope::detail::test {

class Interleaving {
 public:
  Interleaving(std::size_t threads, std::vector<std::size_t> choices)
      : threads_(threads), choices_(std::move(choices)) {}

  void run(const std::vector<std::function<void()>>& bodies) {
    is_done_.assign(threads_, false);
    std::vector<std::thread> running;
    for (std::size_t i = 0; i < threads_; ++i) {
      running.emplace_back([this, i, &bodies] {
        current = this;
        number = i;
        wait_for_turn();
        bodies[i]();
        finish();
      });
    }
    {
      const std::lock_guard lock(mutex_);
      turn_ = choose();
    }
    turned_.notify_all();
    for (auto& thread : running) thread.join();
    current = nullptr;
  }

  void switch_point() {
    {
      const std::lock_guard lock(mutex_);
      turn_ = choose();
    }
    turned_.notify_all();
    wait_for_turn();
  }

  // The choices of the next run; empty: this was the last one.
  [[nodiscard]] std::vector<std::size_t> next() const {
    std::vector<std::size_t> choices(taken_.begin(), taken_.end());
    while (!choices.empty()) {
      if (++choices.back() < options_[choices.size() - 1]) return choices;
      choices.pop_back();
    }
    return choices;
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const std::size_t choice : taken_) text += std::to_string(choice);
    return text;
  }

  static inline thread_local Interleaving* current = nullptr;

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  // The `choice`-th of the threads that can go on.
  std::size_t choose() {
    std::vector<std::size_t> able;
    for (std::size_t i = 0; i < threads_; ++i) {
      if (!is_done_[i]) able.push_back(i);
    }
    if (able.empty()) return kNobody;
    const std::size_t choice = taken_.size() < choices_.size() ? choices_[taken_.size()] : 0;
    taken_.push_back(choice);
    options_.push_back(able.size());
    return able[choice];
  }
  void wait_for_turn() {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [this] { return turn_ == number; });
  }
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      is_done_[number] = true;
      turn_ = choose();
    }
    turned_.notify_all();
  }

  static inline thread_local std::size_t number = kNobody;
  std::size_t threads_;
  std::vector<std::size_t> choices_, taken_, options_;
  std::vector<bool> is_done_;
  std::size_t turn_ = kNobody;
  std::mutex mutex_;
  std::condition_variable turned_;
};

struct StepRaces {
  static void at(RacePoint) {
    if (Interleaving::current != nullptr) Interleaving::current->switch_point();
  }
};

// Calls `once` for every order until it returns false; how many there were.
inline std::size_t for_every_order(std::size_t threads, const std::function<bool(Interleaving&)>& once) {
  std::size_t orders = 0;
  for (std::vector<std::size_t> choices;;) {
    Interleaving interleaving(threads, choices);
    ++orders;
    if (!once(interleaving)) return orders;
    choices = interleaving.next();
    if (choices.empty()) return orders;
  }
}

}  // namespace poolscope::detail::test

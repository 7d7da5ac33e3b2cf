#pragma once
// Detacher: closes links on threads of its own, because close() of a probe waits 18-250 ms for a grace period of the kernel's RCU. Its traps
// are gone at the beginning of that, so no link waits for another: each is closed by the next of kWorkers threads that is free. Links
// closed at the same time share a grace period.
//   Threads   detach() and wait_idle() from any thread.
//   Order     `done` is called when the links handed in before are gone, too: first in, first out. The destructor closes what is
//             left, then joins.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "probes/attach/uprobe_link.h"

namespace poolscope::attach {

class Detacher {
 public:
  static constexpr std::size_t kWorkers = 8;

  Detacher();
  ~Detacher();
  Detacher(const Detacher&) = delete;
  Detacher& operator=(const Detacher&) = delete;

  // Returns at once. `done` is called on a worker after the links are gone; it must not block nor call the Detacher.
  void detach(UprobeLinks links, std::function<void()> done = {});
  // CPU time of the workers so far.
  [[nodiscard]] std::uint64_t cpu_ns() const { return cpu_ns_.load(std::memory_order_relaxed); }
  // Until everything handed in so far is closed.
  void wait_idle();

 private:
  struct Job {
    UniqueFd link;  // none: there is only `done` to do
    std::function<void()> done;
    enum class State { kWaiting, kClosing, kClosed } state = State::kWaiting;
  };
  void work();
  Job* next_waiting();
  void finish_closed();

  std::mutex mutex_;
  std::condition_variable work_came_, became_idle_;
  std::deque<Job> jobs_;  // in the order of detach(); references stay valid while others come and the front goes
  bool stopping_ = false;
  std::atomic<std::uint64_t> cpu_ns_{0};
  std::array<std::thread, kWorkers> workers_;  // last: they start when everything above exists
};

}  // namespace poolscope::attach

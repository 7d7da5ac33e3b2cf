#pragma once
// Detacher: closes links on a thread of its own, because close() of a probe waits for the kernel 18-250 ms.
//   Threads   detach() and wait_idle() from any thread.
//   Order     first in, first out. The destructor closes what is left, then joins.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "probes/attach/uprobe_link.h"

namespace poolscope::attach {

class Detacher {
 public:
  Detacher();
  ~Detacher();
  Detacher(const Detacher&) = delete;
  Detacher& operator=(const Detacher&) = delete;

  // Returns at once. `done` is called on the worker after the links are gone; it must not block.
  void detach(UprobeLinks links, std::function<void()> done = {});
  // Until everything handed in so far is closed.
  void wait_idle();

 private:
  struct Job {
    UprobeLinks links;
    std::function<void()> done;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread worker_;  // last: starts when everything above exists
};

}  // namespace poolscope::attach

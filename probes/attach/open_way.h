#pragma once
// OpenWay: lets the probes of a burst come at a random moment, and go at once.
//
// To place a uprobe or to take one away the kernel first waits for a grace period (dup_mmap_sem), unless it did so for another one just before: the
// way stays open for some 20 ms after each. That does harm at both ends of a burst:
//   Beginning  a grace period ends when every CPU has been through its scheduler: just after something has woken up, and on a machine with
//              little to do that is the target or who feeds it. Bursts would begin in step with it, and see too many of its busy moments or too few.
//   End        the target pays for every hit until its probes are gone: taken away 10 ms after the last change they go within 0.2 ms, after 50 ms
//              half of the time later than 6 ms, after 200 ms 15 ms.
// So a probe is placed in ourselves, on a function that nobody calls: before those of a burst, and again and again while it lasts.
//   Threads   one. Cost: some 0.1 ms of our own time per probe, and as much when it is taken away.

#include <cstdint>
#include <random>

#include "probes/attach/uprobe_link.h"

namespace poolscope::attach {

class OpenWay {
 public:
  static constexpr std::uint64_t kLongestWaitNs = 5'000'000;
  static constexpr std::uint64_t kOpenNs = 12'000'000;

  OpenWay(AttachMethod method, int program_fd) : method_(method), program_fd_(program_fd) {}
  // Waits for the grace period, then for up to kLongestWaitNs.
  void wait_for_random_moment(std::mt19937_64& random);
  // Call every few milliseconds: opens the way again when it is about to close.
  void keep_open();
  // Of the probes in ourselves, to be taken away after those of the target. None, when they cannot be placed; nothing was waited for then.
  [[nodiscard]] UprobeLinks take_links();

 private:
  void open();

  AttachMethod method_;
  int program_fd_;
  UprobeLinks links_;
  std::uint64_t opened_ns_ = 0;
};

}  // namespace poolscope::attach

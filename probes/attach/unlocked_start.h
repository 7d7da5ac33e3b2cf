#pragma once
// Makes the moment at which probes appear random.
//
// Placing the first uprobe after a while waits for a grace period of the kernel (dup_mmap_sem), which ends when every CPU has been through its
// scheduler: just after something has woken up, and on a machine with little to do that is the target or who feeds it. Bursts would begin
// in step with it, and see too many of its busy moments or too few. So a probe is placed in ourselves first, on a function that nobody calls:
// the kernel keeps the way open for some ten milliseconds, and after a random part of that the probes of a burst come at once.

#include <random>

#include "probes/attach/uprobe_link.h"

namespace poolscope::attach {

// Waits for a grace period and then kLongestWaitNs at most. The links are of the probe in ourselves: to be taken away with the others. None, when
// it cannot be placed; nothing was waited for then.
inline constexpr std::uint64_t kLongestWaitNs = 5'000'000;
[[nodiscard]] UprobeLinks wait_for_random_moment(AttachMethod method, int program_fd, std::mt19937_64& random);

}  // namespace poolscope::attach

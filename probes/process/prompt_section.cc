#include "probes/process/prompt_section.h"

#include <utility>

#include <sched.h>

namespace poolscope::process {

PromptSection::PromptSection() {
  if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != SCHED_OTHER) return;
  sched_param first{};
  first.sched_priority = sched_get_priority_min(SCHED_FIFO);
  entered_ = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0;
}

void PromptSection::leave() {
  const sched_param usual{};
  if (std::exchange(entered_, false)) sched_setscheduler(0, SCHED_OTHER, &usual);
}

}  // namespace poolscope::process

#pragma once
// PromptSection: while one exists, its thread goes before those of usual priority.
//
// On a busy machine a thread that has slept waits for a CPU. Probes would stay for milliseconds that nobody counts, and a window
// would end long after its counts were read. Who opens or closes one goes first; it sleeps most of that time.
// Not while probes are placed: that takes half a millisecond without sleeping, and a thread of the target that is on this CPU would have to wait for it, with
// the other CPUs idle.
//   Right     CAP_SYS_NICE; without it windows are a little less sharp.
//   Nested    the outermost decides.

namespace poolscope::process {

class PromptSection {
 public:
  PromptSection();
  ~PromptSection() { leave(); }
  PromptSection(const PromptSection&) = delete;
  PromptSection& operator=(const PromptSection&) = delete;
  void leave();

 private:
  bool entered_ = false;
};

}  // namespace poolscope::process

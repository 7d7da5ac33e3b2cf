#pragma once
// SimulatedThread: a thread of an observed process that calls probed functions. Each call becomes the hits that the
// programs of alloc_burst.bpf.c get, with the stack as they find it.
//   In flight  the kernel puts a page-aligned trampoline address over the return address of a call whose return it awaits,
//              after the entry program ran; the hit at the return finds the stack pointer just above that word.
//   kSession   a return is awaited only where the entry program says so; kPair: always.

#include <array>
#include <cstdint>
#include <vector>

#include "tests/unit/probes/fake_kernel.h"

namespace poolscope::probes::test {

// A function with a probe; `number` tells functions apart, as in a plan.
struct Probed {
  alloc_function function;
  std::uint64_t number;
  [[nodiscard]] std::uint64_t cookie() const { return static_cast<std::uint64_t>(function) | number << 3; }
};
inline constexpr Probed kMalloc{ALLOC_FN_SIZE, 0}, kCalloc{ALLOC_FN_COUNT_SIZE, 1}, kMemalign{ALLOC_FN_ALIGN_SIZE, 2},
    kPosixMemalign{ALLOC_FN_OUT_ALIGN_SIZE, 3}, kRealloc{ALLOC_FN_REALLOC, 4}, kReallocarray{ALLOC_FN_REALLOCARRAY, 5},
    kFree{ALLOC_FN_FREE, 6}, kDelete{ALLOC_FN_FREE, 7}, kSizedDelete{ALLOC_FN_FREE, 8};

enum class Mode { kSession, kPair, kRate };

class SimulatedThread {
 public:
  using Arguments = std::array<std::uint64_t, 3>;
  static constexpr std::uint64_t kTrampoline = 0x7ffff7fbd000;

  SimulatedThread(FakeKernel& kernel, std::uint32_t tgid, std::uint32_t tid, Mode mode = Mode::kSession)
      : kernel_(kernel),
        tgid_(tgid),
        tid_(tid),
        mode_(mode),
        stack_top_(0x7fff'0000'0000 + (std::uint64_t{tid} << 20)) {}

  // A call instruction whose return address is `from`, and the entry of the function.
  void enter(const Probed& probed, const Arguments& arguments, std::uint64_t from) {
    const std::uint64_t stack_pointer = (frames_.empty() ? stack_top_ : frames_.back().stack_pointer) - kFrameBytes;
    kernel_.memory[stack_pointer] = from;
    hit_entry(probed, arguments, stack_pointer);
  }
  // The function in flight ends with a jump to `probed`: same stack, same return address.
  void continue_in(const Probed& probed, const Arguments& arguments) {
    hit_entry(probed, arguments, frames_.back().stack_pointer);
  }
  // The last call returns, with everything that was reached from it by jumps.
  void leave(std::uint64_t result = 0) {
    const std::uint64_t stack_pointer = frames_.back().stack_pointer;
    while (!frames_.empty() && frames_.back().stack_pointer == stack_pointer) {
      const bool is_awaited = frames_.back().is_awaited;
      frames_.pop_back();
      if (is_awaited) hit_return(stack_pointer, result);
    }
  }
  // longjmp, or an exception: every call in flight is left without a return.
  void unwind() { frames_.clear(); }

  // A whole call; gives its result.
  std::uint64_t call(const Probed& probed, const Arguments& arguments, std::uint64_t result = 0,
                     std::uint64_t from = kSite) {
    enter(probed, arguments, from);
    leave(result);
    return result;
  }

  [[nodiscard]] bool is_in_call() const { return !frames_.empty(); }
  // Where the next enter() puts its return address.
  [[nodiscard]] std::uint64_t next_stack_pointer() const {
    return (frames_.empty() ? stack_top_ : frames_.back().stack_pointer) - kFrameBytes;
  }

  static constexpr std::uint64_t kSite = 0x401234;
  std::uint64_t frame_pointer = 0;
  std::uint32_t slot = 0;

 private:
  static constexpr std::uint64_t kFrameBytes = 0x40;
  struct Frame {
    std::uint64_t stack_pointer;
    bool is_awaited;
  };

  [[nodiscard]] bool is_measured() const {
    return kernel_.control.armed != 0 && (kernel_.control.tgid == 0 || kernel_.control.tgid == tgid_);
  }

  [[nodiscard]] alloc_call begin(std::uint64_t stack_pointer) const {
    alloc_call call{};
    call.control = &kernel_.control;
    call.counts = &kernel_.counts;
    call.now_ns = kernel_.now_ns;
    call.stack_pointer = stack_pointer;
    call.slot = slot;
    call.tgid = tgid_;
    call.tid = tid_;
    return call;
  }

  void hit_entry(const Probed& probed, const Arguments& arguments, std::uint64_t stack_pointer) {
    frames_.push_back({stack_pointer, false});
    bool wants_return = false;
    if (is_measured()) {
      alloc_call call = begin(stack_pointer);
      call.frame_pointer = frame_pointer;
      call.cookie = probed.cookie();
      call.function = probed.function;
      std::copy(arguments.begin(), arguments.end(), call.arguments);
      if (user_read(&call.return_address, stack_pointer)) call.return_address = 0;
      wants_return = run_entry(call);
    }
    const bool has_return_probe = probed.function != ALLOC_FN_FREE && mode_ != Mode::kRate;
    if (!has_return_probe || (mode_ == Mode::kSession && !wants_return)) return;
    frames_.back().is_awaited = true;
    kernel_.memory[stack_pointer] = kTrampoline;
  }

  // As free_entry, rate_entry and life_entry do; true when the return is awaited.
  bool run_entry(const alloc_call& call) const {
    if (call.function == ALLOC_FN_FREE) {
      alloc_on_free(&call);
      return false;
    }
    if (mode_ != Mode::kRate) return alloc_on_entry(&call) == 0;
    if (kernel_.control.armed & ALLOC_ARMED_ALLOCATIONS) alloc_on_rate_entry(&call);
    return false;
  }

  // As life_return does.
  void hit_return(std::uint64_t stack_pointer, std::uint64_t result) {
    if (!is_measured()) return;
    const alloc_call call = begin(stack_pointer);
    alloc_on_return(&call, result);
  }

  FakeKernel& kernel_;
  const std::uint32_t tgid_, tid_;
  const Mode mode_;
  const std::uint64_t stack_top_;
  std::vector<Frame> frames_;
};

}  // namespace poolscope::probes::test

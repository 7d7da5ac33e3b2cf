#pragma once
// EndedChildren: CPU time that children of one process used and nobody read, because they ended between two looks. The kernel adds what a
// child used to its parent when the parent waits for it.
//   Whose     all children of the process: where some belong to the target, all that it starts are taken to. Nothing is counted before
//             belongs() was called: a shell's children are not its own work.
//   Order     a child may be missed before or after its parent has waited for it; over a few strata the sum is right.

#include <cstdint>

namespace poolscope::sampler {

class EndedChildren {
 public:
  // A child is watched itself.
  void belongs() { counts_ = true; }
  // It has ended. `known_ns`: what it had used when it was read last, with its own children.
  void left(std::uint64_t known_ns) { owed_ns_ += known_ns; }
  // `waited_ns`: of all children waited for so far. What of it is new and was not read from the children themselves.
  [[nodiscard]] std::uint64_t take(std::uint64_t waited_ns) {
    const std::uint64_t more_ns = waited_ns > waited_ns_ ? waited_ns - waited_ns_ : 0;
    waited_ns_ = waited_ns;
    if (!counts_) return 0;
    const std::uint64_t known_ns = more_ns < owed_ns_ ? more_ns : owed_ns_;
    owed_ns_ -= known_ns;
    return more_ns - known_ns;
  }
  [[nodiscard]] std::uint64_t waited_ns() const { return waited_ns_; }

 private:
  bool counts_ = false;
  std::uint64_t waited_ns_ = 0;
  std::uint64_t owed_ns_ = 0;  // read from children that ended, and not yet seen in waited_ns
};

}  // namespace poolscope::sampler

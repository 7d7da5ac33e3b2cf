#pragma once
// CallerSteps: what a target's allocation wrappers are, learnt from the call sites that bursts saw, so that the next
// burst follows callers out of them: zmalloc, operator new, the inside of std::vector, or code without a name that
// carries over 20 % of the calls. Places are kept as (object, offset): they hold for every process of the target.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "probes/bpf/alloc_burst.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/process_image.h"

namespace poolscope::probes {

class CallerSteps {
 public:
  // Gives the slot's programs the rows for the code of `image`.
  void apply(AllocPrograms& programs, std::uint32_t slot, const ProcessImage& image) const;
  // Learns the wrappers that their names give away, before any call was seen. Bounded: kMaxSeeds functions per object.
  void seed(ProcessImage& image);
  // Looks for wrappers among the last callers of `sites`; true when something new was learnt.
  bool learn(ProcessImage& image, const std::vector<std::pair<site_key, site>>& sites);
  // Raised by every learn() that returned true: call sites of different generations do not mix.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  static constexpr std::size_t kMaxSeeds = 64;
  static constexpr std::size_t kMaxRows = 512;  // half of map `steps`, which both slots share
  bool learn_row(ProcessImage& image, std::uint64_t return_address);

  std::map<std::pair<std::string, std::uint64_t>, step> rows_;  // (object, offset of the return address) -> row
  std::uint64_t generation_ = 0;
};

}  // namespace poolscope::probes

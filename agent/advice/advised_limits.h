#pragma once
// What `pools resize --advised` makes of the advice in a snapshot: of each pool the change of a limit, or why there is none.
//   Pools     those whose limits can be changed from outside: hosted ones, and those of libpoolscope, whose service has to allow it. Others
//             are refused when they are asked for by name.
//   Change    only what advice recommends, for a limit that is still what the advice was given for.
//   Threads   a pure function.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "poolscope/result.h"

namespace poolscope::advice {

struct AdvisedLimit {
  enum class What { kChange, kKeep, kRefuse };
  const model::TargetSnapshot* target = nullptr;
  std::string pool;
  bool is_hosted = false;
  What what = What::kRefuse;
  std::string limit, unit;  // kChange: "max_idle_buffers", "buffers"
  std::uint64_t from = 0, to = 0;
  std::string why;  // what the advice says, or why nothing is done
};

// `pools`: names; empty: all that can be resized. The error names a pool that is not there. The answer points into `snapshot`.
[[nodiscard]] Result<std::vector<AdvisedLimit>, std::string> advised_limits(const model::Snapshot& snapshot,
                                                                            std::span<const std::string> pools);

}  // namespace poolscope::advice

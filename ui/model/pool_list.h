#pragma once
// The list of all pools of all targets, by what they would gain. Their words are made for the rows that are drawn alone: there may be
// tens of thousands. A pure function of the state.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ui/model/history.h"
#include "ui/model/table.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// Columns of the table of pools by what they would gain, and its rows: what gains most first, then by gets.
namespace pool_columns {
enum : std::size_t { kPool, kTarget, kGets, kHitRatio, kMisses, kIdle, kGain, kCount };
}
[[nodiscard]] Table make_pool_table();

// A pool of a list; it points into the snapshots that the list holds.
struct ListedPool {
  const model::TargetSnapshot* target = nullptr;
  const model::PoolSummary* pool = nullptr;
  const model::TargetSnapshot* advised = nullptr;  // whose advice is of the pool; nullptr: none was given
  const model::Advice* advice = nullptr;           // on the pool: what saves most; nullptr: nothing is to be changed
  [[nodiscard]] Subject subject() const { return {target->name, pool->name}; }
  [[nodiscard]] bool is(const Subject& subject) const {
    return pool->name == subject.pool && target->name == subject.target;
  }
};
struct PoolList {
  std::vector<ListedPool> pools;  // what gains most first, then by gets
  SharedSnapshot shown, latest;
};
[[nodiscard]] std::shared_ptr<const PoolList> list_pools(const ViewerState& state);
// Rows for these columns of make_pool_table().
[[nodiscard]] RowMaker pool_rows(std::shared_ptr<const PoolList> list, std::vector<std::size_t> columns);
// What Row::id of a pool is, and the name of its row for scripts.
[[nodiscard]] std::string pool_id(const Subject& subject);

}  // namespace poolscope::viewer

#pragma once
// Pools that publish what they count (model::PoolPageRecord) -> what we say about each. Pools of several processes of a target that
// have the same name, kind and element are one pool.
//   Counters  are added up when a record comes in and kept for the life of the target; they do not fall when a process ends. They begin
//             with the process, not with the agent.
//   Rates     over the time of the records that are given: counts over time, without error, `low` and `high` equal the value.
//   Ratios    and distributions are of these records; where they saw no get (no value), of all there ever was.
//   State     what is borrowed and idle, limits and marks: of the processes that run; when none does, of the last one, as it was.
//   Known     what one of the pools does not keep is absent.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "exporters/model/pool_page_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

struct PublishedTotal {
  std::uint64_t known = ~std::uint64_t{0};
  model::PoolPageCounts counted;
  std::map<std::pair<model::ProcessKey, std::uint64_t>, model::PoolPageState> states;  // by process and page
  std::optional<model::PoolPageState> ended_last;
};

class PublishedTotals {
 public:
  // A service that names a pool after each request would fill the memory: more are counted as one, "(other)".
  static constexpr std::size_t kMaxPools = 1024;

  // Makes one of the pools in `record` that are too many.
  void add(model::PoolPageRecord& record);
  // The process has ended, or is not looked at any more.
  void end(const model::ProcessKey& process);
  [[nodiscard]] const std::map<model::PoolIdentity, PublishedTotal>& pools() const { return pools_; }

 private:
  void fold_surplus(model::PoolPageRecord& record) const;
  std::map<model::PoolIdentity, PublishedTotal> pools_;
};

// Adds them to `pools`, busiest first among these, with names that none there has.
void add_published_pools(std::vector<model::PoolSummary>& pools, const PublishedTotals& totals,
                         std::span<const model::PoolPageRecord> records);

}  // namespace poolscope::estimate

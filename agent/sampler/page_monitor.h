#pragma once
// PageMonitor: the pools that the processes of one target publish (probes::PoolPages). Costs the target nothing, so it needs no budget.
//   Memory    records of the last TargetMonitor::keep_ns(), one per page and kRecordNs; sums are kept for the life of the target.
//   Threads   one.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/estimate/published_pools.h"
#include "exporters/model/pool_page_record.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"
#include "probes/collectors/pool_pages.h"

namespace poolscope::sampler {

class PageMonitor {
 public:
  static constexpr std::uint64_t kRecordNs = 10'000'000'000;

  void set_sink(const model::TargetSink& sink) { sink_ = sink; }
  // The processes that the target has now: opens their pages, so that a short life is counted, too. Those that it has no more are
  // read a last time.
  void set_processes(std::span<const model::ProcessKey> keys, std::uint64_t now_ns);
  // One more.
  void add(const model::ProcessKey& key);
  // It has ended, or runs another program: what it counted is read a last time.
  void forget(const model::ProcessKey& key, std::uint64_t now_ns);
  // Every page. A thousand pools take us some 20 ms: only when somebody wants to know.
  void read(std::uint64_t now_ns);
  // One more; read() calls it.
  void keep(model::PoolPageRecord record);
  void forget_before(std::uint64_t oldest_ns);

  // How often anything of it has changed so far.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool has_data() const { return !totals_.pools().empty(); }
  [[nodiscard]] const std::vector<model::PoolPageRecord>& records() const { return records_; }
  // Of every record there was, and of those that are not kept any more.
  [[nodiscard]] const estimate::PublishedTotals& total() const { return totals_; }
  [[nodiscard]] const estimate::PublishedTotals& forgotten() const { return forgotten_; }
  // The records that are kept and the ends of processes, in their order.
  void retell(const model::TargetSink& sink) const;
  // Nothing while no process has a page: most have none.
  [[nodiscard]] std::optional<model::CollectorStatus> collector() const;

 private:
  void read_last(const model::ProcessKey& key, probes::PoolPages& pages, std::uint64_t now_ns);
  void keep_all(std::vector<model::PoolPageRecord> records);

  // Of processes that left the target and live on as well: who comes back is counted once.
  std::map<model::ProcessKey, probes::PoolPages> processes_;
  std::set<model::ProcessKey> watched_;
  std::vector<model::PoolPageRecord> records_;  // by the time of their beginning
  std::vector<model::PagesEndRecord> ends_;     // since the last record that is not kept
  estimate::PublishedTotals totals_, forgotten_;
  std::uint64_t changes_ = 0;
  model::TargetSink sink_;
};

}  // namespace poolscope::sampler

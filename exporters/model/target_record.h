#pragma once
// Everything that a snapshot of a target is made of, as it comes: records of collectors, what is known of the target itself, and what was
// counted before the first record. A live agent, its HTTP interface and recordings hand these on in the order in which they were made.
//   Target    a number that the agent gives to a configured target for as long as it runs; names may change or be alike.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exporters/model/gc_record.h"
#include "exporters/model/pool_page_record.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::model {

using TargetId = std::uint64_t;

// A burst that saw growths of Go slices and nothing else.
struct SliceGrowthRecord {
  BurstRecord burst;
  bool operator==(const SliceGrowthRecord&) const = default;
};

// The process has ended, or its pages are not looked at any more: what lies in its pools is no part of the target now.
struct PagesEndRecord {
  ProcessKey process;
  std::uint64_t at_ns = 0;  // CLOCK_MONOTONIC
  bool operator==(const PagesEndRecord&) const = default;
};

// What the records before this one add up to, where sums are kept for the life of a target. Takes the place of all of them.
struct CarriedTotals {
  std::uint64_t at_ns = 0;
  GcCounters gc;
  std::vector<PoolPageRecord> pages;  // length_ns 0: counts until then, and what lay in the pools of processes that ran
  std::vector<PoolPageRecord> ended_pages;  // the same of pools that no process has any more
  bool operator==(const CarriedTotals&) const = default;
};

// What is said of a target beside numbers; holds until the next one.
struct TargetStatus {
  std::uint64_t at_ns = 0;
  std::string name, runtime, allocator;
  std::map<std::string, std::string> labels;
  std::vector<ProcessInfo> processes;
  std::vector<CollectorStatus> collectors;
  std::vector<ProcessKey> gc_running;  // processes whose garbage collector was read, and that still run that program
  std::optional<ProcessKey> gc_ended_last;  // whose heap is told when no process runs any more
  bool exact = false;                       // every event is in the records
  bool operator==(const TargetStatus&) const = default;
};

using TargetRecord =
    std::variant<BurstRecord, SliceGrowthRecord, StratumRecord, PoolBurstRecord, PoolWatchRecord, GcRecord,
                 PoolPageRecord, PagesEndRecord, CarriedTotals, TargetStatus, CpuShareRecord>;

// A moment at which a snapshot was made: all records before it are in it.
struct Moment {
  std::uint64_t at_ns = 0;         // CLOCK_MONOTONIC, as in all records
  std::uint64_t time_unix_ns = 0;  // the same by the wall clock
  AgentInfo agent;
  std::vector<TargetId> targets;  // in the order of the snapshot
  bool operator==(const Moment&) const = default;
};

// The two clocks of a moment are read one after the other. Who turns the end of a range from one into the other adds this, so that the time of
// a snapshot asks for that snapshot.
inline constexpr std::uint64_t kClockSlackNs = 1'000'000;

// CLOCK_MONOTONIC; both ends belong to it.
struct TimeRange {
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = ~std::uint64_t{0};
};

// Who wants to have records when they are made.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void take(TargetId target, const TargetRecord& record) = 0;
  virtual void take(const Moment& moment) = 0;
  // What comes next can be read without what came before: it begins with the status and the totals of every target.
  [[nodiscard]] virtual bool wants_state() const = 0;
};

// The sink of one target; takes nothing where there is none.
class TargetSink {
 public:
  TargetSink() = default;
  TargetSink(RecordSink* sink, TargetId target) : sink_(sink), target_(target) {}
  template <typename Record>
  void take(const Record& record) const {
    if (sink_ != nullptr) sink_->take(target_, TargetRecord(record));
  }

 private:
  RecordSink* sink_ = nullptr;
  TargetId target_ = 0;
};

}  // namespace poolscope::model

#pragma once
// PoolProbes: the pools of one process, whatever tells where to probe: GoPools, CustomPools.
//   Watch     rare events (misses, garbage collections), for as long as watch() says. Exact, but for what happens before it.
//   Burst     every get and put for a moment: gets, misses, puts, sizes, time from get to put.
//   Exact     every event from start_exact() on, without a budget.
//   Threads   one.
//   Limits    of pool_events.h; what is lost is counted in `dropped`.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/pool_record.h"
#include "poolscope/result.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/burst_clock.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/collectors/pool_order.h"
#include "probes/collectors/pool_programs.h"

namespace poolscope::probes {

// What a hit takes from the target: calibrated.
struct PoolHitCosts {
  std::uint64_t emulated_ns = 0;
  std::uint64_t single_step_extra_ns = 0;
  std::uint64_t trap_ns = 0;  // of a hit whose program adds itself what it took
};

struct PoolLimits {
  std::uint64_t length_ns = 5'000'000;
  std::uint64_t hits = 0;        // 0: none
  bool follows_objects = false;  // hold times and objects put twice; dearer
  bool in_order = false;         // every event one by one: miss curve and misuse; dearer still
};

// So many events of a burst in order are enough; the ring holds more.
inline constexpr std::uint64_t kMaxOrderedEvents = 4096;

class PoolProbes {
 public:
  static constexpr std::uint64_t kIdleEveryNs = 1'000'000'000;

  virtual ~PoolProbes() = default;
  [[nodiscard]] const model::ProcessKey& process() const { return process_; }
  PoolProbes(const PoolProbes&) = delete;
  PoolProbes& operator=(const PoolProbes&) = delete;

  // Of the collector, in snapshots: "go_pools", "custom_pools".
  [[nodiscard]] virtual const char* collector() const = 0;
  // What is not seen or not proved in this process, for people; empty when nothing.
  [[nodiscard]] virtual std::string caveat() const = 0;

  // Where the process counts the bytes that it allocates: windows then say how far it got (model::Work).
  void count_work_at(std::uint64_t allocated_bytes_address) { allocated_bytes_address_ = allocated_bytes_address; }

  // Watches misses (or collections alone) from now on. Calling it again with the same answer changes nothing.
  [[nodiscard]] std::optional<BurstFailure> watch(bool misses);
  // What the watch saw since the last call; length_ns 0 when there is none.
  [[nodiscard]] model::PoolWatchRecord take_watch();

  // Returns when it is over.
  [[nodiscard]] Result<model::PoolBurstRecord, BurstFailure> burst(CpuClock clock, const PoolLimits& limits);
  // The same for a burst so long that nobody should wait for it: between these two the kernel keeps the limits.
  [[nodiscard]] std::optional<BurstFailure> begin_burst(CpuClock clock, const PoolLimits& limits);
  [[nodiscard]] Result<model::PoolBurstRecord, BurstFailure> end_burst();
  [[nodiscard]] bool has_open_burst() const { return open_burst_.has_value(); }
  // The kernel ended it before its time: it counts no more, and its probes cost until end_burst().
  [[nodiscard]] bool open_burst_stopped() const;

  [[nodiscard]] std::optional<BurstFailure> start_exact();
  // Learns what the events so far tell about later ones (element types), and remembers what is gone when the process ends. Call it
  // several times a second while tracing.
  void keep_up();
  [[nodiscard]] model::PoolBurstRecord read_exact();

 protected:
  PoolProbes(PoolPrograms& programs, const model::ProcessKey& process) : programs_(programs), process_(process) {}

  // `follows_objects`: whoever remembers an object must know when its address may have become another one's.
  [[nodiscard]] virtual std::vector<PoolSite> burst_sites(bool follows_objects) const = 0;
  // Nothing to watch: empty.
  [[nodiscard]] virtual std::vector<PoolSite> watch_sites(bool misses) const = 0;
  [[nodiscard]] virtual bool watches_collections() const { return false; }
  // Address of sync.oldPools in the process; 0: none.
  [[nodiscard]] virtual std::uint64_t old_pools() const { return 0; }
  // Fills what is not counted: identity, object size, whether misses are known.
  virtual void describe(const pool_key& key, std::uint64_t type, model::PoolSums& sums) = 0;
  virtual void learn(const PoolResults& results) { (void)results; }
  // What lies in the pool now; asked for at most every kIdleEveryNs.
  [[nodiscard]] virtual std::optional<model::PoolIdle> idle_of(const pool_key& key) {
    (void)key;
    return std::nullopt;
  }
  // For events of other kinds: a slot of a burst or an exact run was attached but counts nothing yet; it is being read.
  virtual void on_open(PoolSlot& slot) { (void)slot; }
  virtual void on_read(PoolSlot& slot) { (void)slot; }

  PoolPrograms& programs_;
  model::ProcessKey process_;

 private:
  enum class When { kNow, kAtRandomMoment };
  [[nodiscard]] Result<PoolSlot, BurstFailure> open_slot(const std::vector<PoolSite>& sites, When when);
  [[nodiscard]] ClockReading read_clocks(const CpuClock& clock) const;
  void close_window();
  // From the first probe to the last, and nothing else.
  [[nodiscard]] std::optional<BurstFailure> take_window(CpuClock clock, const PoolLimits& limits);
  [[nodiscard]] model::PoolBurstRecord burst_record(PoolSlot& slot, PoolOrder& order, std::uint64_t end_ns);

  struct Watch {
    PoolSlot slot;
    bool misses = false;      // as asked for
    bool has_misses = false;  // there are points that tell them
    std::uint64_t since_ns = 0;
    std::uint64_t collections = 0, hits = 0, charge_ns = 0;  // up to the last take_watch()
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::pair<std::uint64_t, std::uint64_t>>
        seen;  // address and number of a pool -> misses, thrown away
  };
  std::optional<Watch> watch_;
  struct OpenBurst {
    PoolSlot slot;
    CpuClock clock;
    std::uint64_t hits_before = 0;  // traps between attaching and arming
    ClockReading begin;
    std::uint64_t hits = 0;  // between the two readings
    std::optional<ClockReading> end;
  };
  std::optional<OpenBurst> open_burst_;
  struct Exact {
    PoolSlot slot;
    std::uint64_t start_ns = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t last_cpu_ns = 0;  // a process that has ended tells it no more
    PoolOrder order;
  };
  std::optional<Exact> exact_;
  std::uint64_t idle_read_ns_ = 0;
  std::uint64_t allocated_bytes_address_ = 0;
};

}  // namespace poolscope::probes

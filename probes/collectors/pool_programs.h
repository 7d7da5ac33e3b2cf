#pragma once
// PoolPrograms: the loaded BPF programs and maps of pool_events.bpf.c, and the slots in them. Loaded once.
//   Slot      one set of probes in one process, held by PoolSlot; a watch keeps it for as long as the process lives.
//   Threads   one thread, except that a Detacher gives slots back.
//   Memory    maps are bounded (pool_events.h); when they are full events are dropped and counted.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/attach/open_way.h"
#include "probes/attach/uprobe_link.h"
#include "probes/bpf/pool_events.h"

struct pool_events;  // the skeleton
struct ring_buffer;

namespace poolscope::probes {

// A place to probe, and what a hit there tells.
struct PoolSite {
  std::string open_path;  // what the kernel opens
  std::string object;     // what errors call it
  std::uint64_t file_offset = 0;
  pool_point point{};
};

// What a slot has counted so far.
struct PoolResults {
  std::vector<std::pair<pool_key, pool_sums>> sums;
};

class PoolSlot;

class PoolPrograms {
 public:
  // `order_bytes`: of the ring for events in order, a power of two.
  [[nodiscard]] static Result<std::unique_ptr<PoolPrograms>, attach::AttachError> load(attach::AttachMethod method,
                                                                                       attach::Detacher& detacher,
                                                                                       std::uint32_t order_bytes);
  ~PoolPrograms();
  PoolPrograms(const PoolPrograms&) = delete;
  PoolPrograms& operator=(const PoolPrograms&) = delete;

  // A slot for process `tgid`, cleared; nothing when all are taken.
  [[nodiscard]] std::optional<PoolSlot> acquire(std::uint32_t tgid);
  // Where a type of a process keeps length and capacity. False when the map is full.
  bool set_element(const pool_type_key& type, const pool_element& element);
  // What writing an event to the ring takes from the target besides counting it.
  void set_order_extra_ns(std::uint64_t ns) { order_extra_ns_ = ns; }
  [[nodiscard]] std::uint64_t order_extra_ns() const { return order_extra_ns_; }

  // Until `when_ns` (CLOCK_MONOTONIC), or until a program stops an armed burst of any slot: true then. The same again for stops meanwhile.
  [[nodiscard]] bool sleep_until_stop(std::uint64_t when_ns);

 private:
  friend class PoolSlot;
  PoolPrograms(attach::AttachMethod method, attach::Detacher& detacher) : method_(method), detacher_(detacher) {}
  [[nodiscard]] std::optional<attach::AttachError> open_and_load(std::uint32_t order_bytes);
  [[nodiscard]] std::optional<attach::AttachError> map_controls();
  [[nodiscard]] std::optional<std::uint32_t> take_point(const pool_point& point);
  void clear(std::uint32_t slot);
  // Empties the rings: events of slots that want them wait in `order_` and `growths_`.
  void consume_rings();
  static int keep_ordered(void* self, void* data, std::size_t bytes);
  static int keep_growth(void* self, void* data, std::size_t bytes);
  void release(std::uint32_t slot, const std::vector<std::uint32_t>& points);

  attach::AttachMethod method_;
  attach::Detacher& detacher_;
  pool_events* skeleton_ = nullptr;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  std::array<pool_control*, POOL_SLOTS> controls_{};
  std::array<std::atomic<bool>, POOL_SLOTS> busy_{};
  std::array<std::atomic<bool>, POOL_POINTS> point_taken_{};
  std::uint64_t generation_ = 0;
  std::uint64_t order_extra_ns_ = 150;  // until it is measured
  ring_buffer* ring_ = nullptr;
  ring_buffer* stops_ = nullptr;
  std::mt19937_64 random_{std::random_device{}()};
  std::map<std::uint32_t, std::vector<pool_order_event>> order_;  // by generation of the slot
  std::map<std::uint32_t, std::vector<growth_event>> growths_;
};

// Probes of one slot. The destructor hands the links to the detacher; the slot is free once they are gone.
class PoolSlot {
 public:
  PoolSlot(PoolSlot&& other) noexcept;
  PoolSlot& operator=(PoolSlot&&) = delete;
  ~PoolSlot();

  // Before attach(), for windows: returns at a random moment, and the probes come at once then (attach::OpenWay).
  void wait_for_random_moment();
  // Call it every few milliseconds from then on: the probes go at once, too.
  void keep_way_open();
  // Cleanups and growths go to programs of their own. Nothing stays attached when one fails.
  [[nodiscard]] std::optional<attach::AttachError> attach(const std::vector<PoolSite>& sites);
  // Takes the probes away, as the destructor does; what they counted can still be read.
  void detach();
  [[nodiscard]] pool_control& control() { return *programs_->controls_[slot_]; }
  [[nodiscard]] const pool_control& control() const { return *programs_->controls_[slot_]; }
  [[nodiscard]] PoolResults read() const;
  // From now on every get and put is written down, too: take_order() gives those since the last call, nearly in order. Call it before the
  // ring is full, which holds 16 000 events per MiB.
  void start_order();
  [[nodiscard]] std::vector<pool_order_event> take_order();
  // The same for growths of slices (POOL_ROLE_GROWTH_*): written down from now on. 11 000 fit per MiB.
  void start_growths();
  [[nodiscard]] std::vector<growth_event> take_growths();

 private:
  friend class PoolPrograms;
  PoolSlot(PoolPrograms& programs, std::uint32_t slot) : programs_(&programs), slot_(slot) {}
  // All of them; those in ourselves last.
  [[nodiscard]] attach::UprobeLinks take_links();

  PoolPrograms* programs_;
  std::uint32_t slot_;
  attach::UprobeLinks links_;
  std::optional<attach::OpenWay> way_;
  std::vector<std::uint32_t> points_;
};

}  // namespace poolscope::probes

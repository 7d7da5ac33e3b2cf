#pragma once
// PoolPrograms: the loaded BPF programs and maps of pool_events.bpf.c, and the slots in them. Loaded once.
//   Slot      one set of probes in one process, held by PoolSlot; a watch keeps it for as long as the process lives.
//   Threads   one thread, except that a Detacher gives slots back.
//   Memory    maps are bounded (pool_events.h); when they are full events are dropped and counted.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/attach/uprobe_link.h"
#include "probes/bpf/pool_events.h"

struct pool_events;  // the skeleton

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
  std::vector<pool_object> objects;  // of the last collection; empty unless objects were followed
};

class PoolSlot;

class PoolPrograms {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PoolPrograms>, attach::AttachError> load(attach::AttachMethod method,
                                                                                       attach::Detacher& detacher);
  ~PoolPrograms();
  PoolPrograms(const PoolPrograms&) = delete;
  PoolPrograms& operator=(const PoolPrograms&) = delete;

  // A slot for process `tgid`, cleared; nothing when all are taken.
  [[nodiscard]] std::optional<PoolSlot> acquire(std::uint32_t tgid);
  // Where a type of a process keeps length and capacity. False when the map is full.
  bool set_element(const pool_type_key& type, const pool_element& element);

 private:
  friend class PoolSlot;
  PoolPrograms(attach::AttachMethod method, attach::Detacher& detacher) : method_(method), detacher_(detacher) {}
  [[nodiscard]] std::optional<attach::AttachError> open_and_load();
  [[nodiscard]] std::optional<attach::AttachError> map_controls();
  [[nodiscard]] std::optional<std::uint32_t> take_point(const pool_point& point);
  void clear(std::uint32_t slot);
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
};

// Probes of one slot. The destructor hands the links to the detacher; the slot is free once they are gone.
class PoolSlot {
 public:
  PoolSlot(PoolSlot&& other) noexcept;
  PoolSlot& operator=(PoolSlot&&) = delete;
  ~PoolSlot();

  // Cleanups (POOL_ROLE_CLEANUP) go to their own program. Nothing stays attached when one fails.
  [[nodiscard]] std::optional<attach::AttachError> attach(const std::vector<PoolSite>& sites);
  [[nodiscard]] pool_control& control() { return *programs_->controls_[slot_]; }
  [[nodiscard]] const pool_control& control() const { return *programs_->controls_[slot_]; }
  [[nodiscard]] PoolResults read() const;

 private:
  friend class PoolPrograms;
  PoolSlot(PoolPrograms& programs, std::uint32_t slot) : programs_(&programs), slot_(slot) {}

  PoolPrograms* programs_;
  std::uint32_t slot_;
  attach::UprobeLinks links_;
  std::vector<std::uint32_t> points_;
};

}  // namespace poolscope::probes

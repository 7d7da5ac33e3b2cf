#pragma once
// CustomPoolPlan: where the functions of described pools are in one process, and where to probe each.
//
//   Counts    A role of a pool (get, put, ...) is measured only when all its functions that are not optional were found:
//             with one missing the count would be too small, and nobody could tell.
//   Clones    (get.constprop.0 beside get) take calls away that would be missing: such a function is not measured.
//   Aliases   names for the same code are probed once, or each call would count twice. Several functions of one name (static
//             ones, versions, IFUNC candidates) are all probed.
//   Objects   are followed only where every get and every put says which it is: an object seen at puts only would seem
//             to be put twice.
//   Bounds    kMaxPoolPoints points of a plan, kMaxNearNames names in a message.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probes/collectors/custom_pool_spec.h"
#include "probes/collectors/process_image.h"
#include "probes/elf/probe_point.h"

namespace poolscope::probes {

inline constexpr std::size_t kMaxPoolPoints = 512;
inline constexpr std::size_t kMaxNearNames = 3;

struct PlannedPoolPoint {
  PoolRole role = PoolRole::kGet;
  std::uint32_t pool_number = 0;
  std::string function;     // as the specification names it
  std::string object_name;  // last part of the path, for messages
  std::string open_path;    // for the kernel
  elf::ProbePoint point;    // file offset, flags condition, bytes pushed since the entry, cost class
  std::optional<elf::Register> size, object, pool;  // where they are at that point; absent: not given
};

struct PlannedPool {
  std::string name;
  std::uint32_t number = 0;  // position among the specifications
  bool follows_objects = false;
  std::array<bool, kPoolRoles.size()> measured{};  // by role
  std::vector<PlannedPoolPoint> points;            // of all functions that were found

  [[nodiscard]] bool measures(PoolRole role) const { return measured[static_cast<std::size_t>(role)]; }
};

struct CustomPoolProblem {
  // kOtherProgram, kObjectNotMapped: the pool is not in this process, which is normal; the others are faults.
  enum class Reason {
    kOtherProgram,
    kObjectNotMapped,
    kFunctionNotFound,
    kNoProbePoint,
    kSameCode,
    kCloned,
    kTooManyPoints
  };
  Reason reason;
  std::uint32_t pool_number = 0;
  std::string function;  // empty: the pool as a whole
  std::string detail;    // for a person: what is missing, and near names
};

struct CustomPoolPlan {
  std::vector<PlannedPool> pools;  // those with a function in this process
  std::vector<CustomPoolProblem> problems;
};

[[nodiscard]] CustomPoolPlan plan_custom_pools(const ProcessImage& image, std::span<const CustomPoolSpec> specs);

// The points of measured roles, those of a pool without measured gets left out: what is worth a probe.
[[nodiscard]] std::vector<PlannedPoolPoint> points_to_probe(const CustomPoolPlan& plan);

}  // namespace poolscope::probes

#pragma once
// GcPlaces: what the collector go_runtime reads in a Go program, and where its probe goes.
//   Variables by symbol or DWARF; in a stripped program by the code of runtime.gcMarkTermination, which names fields of all three
//             by address: the one base under which all anchors of the layout (go_gc_layout.h) are among these addresses.
//   Probe     the function literal in which gcMarkTermination restarts the world. It runs once per cycle, on the system stack
//             (which never grows, so no entry is counted twice), when the cycle is counted, the pause booked and the next goal
//             set, and before any goroutine runs again: what is read there belongs together.
//   Addresses are ELF virtual addresses, without load bias.

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/collectors/go_gc_layout.h"
#include "probes/elf/probe_point.h"
#include "probes/go/go_program.h"

namespace poolscope::probes {

struct GcPlacesError {
  enum class Reason { kUnverifiedVersion, kNoVariables, kNoCycleEnd };
  Reason reason;
  std::string detail;  // for a person
};

struct GcPlaces {
  GcLayout layout;
  bool layout_is_from_dwarf = false;
  bool variables_are_from_code = false;
  std::array<std::optional<std::uint64_t>, kGcVariables> variables;  // by GcVariable; all but kWork are there
  // Absent: the books can be read from memory at any time, but not at the end of a cycle; the reason is in `absent`.
  std::optional<elf::ProbePoint> cycle_end;
  std::vector<std::string> absent;  // what could not be found, and why
};

[[nodiscard]] Result<GcPlaces, GcPlacesError> find_gc_places(const go::GoProgram& program);

// Addresses that the code of a function names relative to the instruction pointer. Empty when it cannot be decoded.
[[nodiscard]] std::set<std::uint64_t> addresses_named_by(const go::GoProgram& program, const go::GoFunction& function);
// The base under which all `offsets` (at least two) are among `addresses`; nothing when there is none or more than one.
[[nodiscard]] std::optional<std::uint64_t> base_of(const std::set<std::uint64_t>& addresses,
                                                   std::span<const std::uint32_t> offsets);

}  // namespace poolscope::probes

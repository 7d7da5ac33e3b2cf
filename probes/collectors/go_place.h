#pragma once
// Where a value is at a probe point, from the words of probes/go to those of the BPF programs.

#include <optional>

#include "probes/bpf/pool_events.h"
#include "probes/go/value_flow.h"

namespace poolscope::probes {

inline pool_value place_of(const go::ValueLocation& location) {
  if (location.kind == go::ValueLocation::Kind::kRegister) {
    return {POOL_PLACE_REGISTER, static_cast<__u16>(go::ValueFlow::number(location.reg)), 0};
  }
  return {POOL_PLACE_STACK, 0, location.rsp_offset};
}
inline pool_value place_of(const std::optional<go::ValueLocation>& location) {
  return location ? place_of(*location) : pool_value{};
}

}  // namespace poolscope::probes

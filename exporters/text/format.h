#pragma once
// Numbers for people that report.h does not offer to others.

#include <cstdint>
#include <string>

namespace poolscope::text {

// Every digit, in groups of three: 61204 -> "61 204".
[[nodiscard]] std::string format_exact(std::uint64_t count);

}  // namespace poolscope::text

#pragma once
// What pools of a native program look like from outside: which functions take objects out and put them back, and in which
// arguments size, object and pool are. Arguments count from 1; 0: not given.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace poolscope::probes {

enum class PoolRole { kGet, kPut, kMiss, kGrow };
inline constexpr std::array kPoolRoles = {PoolRole::kGet, PoolRole::kPut, PoolRole::kMiss, PoolRole::kGrow};

struct PoolFunctionSpec {
  std::string name;  // the symbol
  unsigned size_argument = 0;
  unsigned object_argument = 0;
  unsigned pool_argument = 0;  // tells pools with the same functions apart
  bool optional = false;       // a program without it has no such calls
};

struct CustomPoolSpec {
  std::string name;
  std::string executable_glob;  // the process runs this; empty: whatever it runs
  std::string object_glob;      // mapped file with the functions, by path, last part or soname; empty: the executable
  std::array<std::vector<PoolFunctionSpec>, kPoolRoles.size()> functions;  // by role

  [[nodiscard]] std::vector<PoolFunctionSpec>& of(PoolRole role) { return functions[static_cast<std::size_t>(role)]; }
  [[nodiscard]] const std::vector<PoolFunctionSpec>& of(PoolRole role) const {
    return functions[static_cast<std::size_t>(role)];
  }
};

}  // namespace poolscope::probes

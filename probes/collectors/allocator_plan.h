#pragma once
// AllocatorPlan: which functions of which objects of a process allocate and free, and where to probe each.
//
// Every mapped object that defines malloc and free is planned: when jemalloc is preloaded, libc's functions are probed
// too, cost nothing because nobody calls them, and catch the caller that does. The first in lookup order names the
// allocator: the executable itself, then any library that is not the C library, then the C library.
// operator new and delete are planned only where the allocator defines them itself (jemalloc, tcmalloc, mimalloc inline
// their fast path into them); libstdc++'s are thin wrappers around malloc and would count twice.

#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/bpf/alloc_burst.h"
#include "probes/collectors/process_image.h"
#include "probes/elf/probe_point.h"

namespace poolscope::probes {

struct PlannedFunction {
  std::string name;
  alloc_function function = ALLOC_FN_SIZE;
  elf::ProbePoint entry;     // where calls are counted
  elf::ProbePoint lives;     // where entry and return are observed; meaningless for ALLOC_FN_FREE
  std::uint32_t number = 0;  // position in the plan, over all objects
};

struct PlannedObject {
  std::string allocator;  // "glibc", "musl", "jemalloc", "tcmalloc", "mimalloc" or "malloc of NAME"
  std::string name;       // basename, for messages
  std::string open_path;  // for the kernel
  std::uint64_t bias = 0;
  std::vector<PlannedFunction> functions;
};

struct CodeRange {
  std::uint64_t start = 0, end = 0;  // addresses in the process
};

struct AllocatorPlan {
  std::vector<PlannedObject> objects;    // the one that names the allocator first
  std::vector<CodeRange> internal_code;  // calls from here are the allocator's own
  bool moves_large_blocks_by_mremap = false;
  [[nodiscard]] const std::string& allocator() const { return objects.front().allocator; }
};

struct PlanError {
  enum class Reason { kNoAllocator };
  Reason reason;
  std::string detail;
};

[[nodiscard]] Result<AllocatorPlan, PlanError> plan_allocators(const ProcessImage& image);

// The cookie of a probe at `point`; `number` tells functions of a plan apart (its low 8 bits count).
[[nodiscard]] std::uint64_t pack_cookie(alloc_function function, const elf::ProbePoint& point, std::uint32_t slot,
                                        std::uint32_t number);

// The plan's internal code as the programs want it.
[[nodiscard]] alloc_code code_of(const AllocatorPlan& plan);

// True for functions that only pass allocations on: zmalloc, xstrdup, operator new, std::vector<>::_M_realloc_insert.
// `symbol` is demangled.
[[nodiscard]] bool is_allocation_wrapper(const std::string& symbol);

}  // namespace poolscope::probes

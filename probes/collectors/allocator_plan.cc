#include "probes/collectors/allocator_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace poolscope::probes {
namespace {

struct KnownFunction {
  std::string_view name;
  alloc_function function;
};

constexpr KnownFunction kMallocFamily[] = {
    {"malloc", ALLOC_FN_SIZE},
    {"calloc", ALLOC_FN_COUNT_SIZE},
    {"realloc", ALLOC_FN_REALLOC},
    {"reallocarray", ALLOC_FN_REALLOCARRAY},
    {"posix_memalign", ALLOC_FN_OUT_ALIGN_SIZE},
    {"aligned_alloc", ALLOC_FN_ALIGN_SIZE},
    {"memalign", ALLOC_FN_ALIGN_SIZE},
    {"valloc", ALLOC_FN_SIZE},
    {"pvalloc", ALLOC_FN_SIZE},
    {"free", ALLOC_FN_FREE},
    {"cfree", ALLOC_FN_FREE},
};

// jemalloc's own interface; flags come after the arguments we read.
constexpr KnownFunction kJemallocFamily[] = {
    {"mallocx", ALLOC_FN_SIZE},
    {"rallocx", ALLOC_FN_REALLOC},
    {"dallocx", ALLOC_FN_FREE},
    {"sdallocx", ALLOC_FN_FREE},
};

constexpr std::string_view kPrefixes[] = {"", "je_", "_rjem_", "tc_", "mi_"};

// operator new and new[] take the size first, delete and delete[] the block, whatever follows (Itanium C++ ABI names).
constexpr std::string_view kOperatorNew[] = {"_Znwm", "_Znam"};
constexpr std::string_view kOperatorDelete[] = {"_ZdlPv", "_ZdaPv"};

constexpr std::uint32_t kCookieMaxStackBytes = 0xff * 8;

std::string basename_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool defines(const elf::ElfFile& file, std::string_view name) {
  return !file.find_function(name).empty();
}

std::string allocator_of(const LoadedObject& object) {
  const elf::ElfFile& file = *object.file;
  if (defines(file, "mallctl") || defines(file, "je_mallctl") || defines(file, "_rjem_mallctl")) return "jemalloc";
  if (defines(file, "tc_malloc") || defines(file, "MallocExtension_Internal_GetStats")) return "tcmalloc";
  if (defines(file, "mi_malloc")) return "mimalloc";
  if (defines(file, "gnu_get_libc_version") || defines(file, "__libc_memalign")) return "glibc";
  if (defines(file, "__libc_malloc_impl") || object.mapped.path.find("musl") != std::string::npos) return "musl";
  return "malloc of " + basename_of(object.mapped.path);
}

bool inlines_operator_new(const std::string& allocator) {
  return allocator == "jemalloc" || allocator == "tcmalloc" || allocator == "mimalloc";
}

class ObjectPlanner {
 public:
  ObjectPlanner(const LoadedObject& object, std::string allocator) : file_(*object.file) {
    plan_.allocator = std::move(allocator);
    plan_.name = basename_of(object.mapped.path);
    plan_.open_path = object.open_path;
    plan_.bias = object.bias;
  }

  PlannedObject plan() && {
    for (const auto prefix : kPrefixes) {
      for (const auto& known : kMallocFamily) add_named(std::string(prefix) + std::string(known.name), known.function);
      if (plan_.allocator != "jemalloc") continue;
      for (const auto& known : kJemallocFamily)
        add_named(std::string(prefix) + std::string(known.name), known.function);
    }
    if (inlines_operator_new(plan_.allocator)) add_operators();
    return std::move(plan_);
  }

 private:
  void add_named(const std::string& name, alloc_function function) {
    for (const elf::Symbol* symbol : file_.find_function(name)) add(*symbol, function);
  }

  void add_operators() {
    const auto starts_with_any = [](const std::string& name, const auto& prefixes) {
      return std::any_of(std::begin(prefixes), std::end(prefixes),
                         [&](auto prefix) { return name.starts_with(prefix); });
    };
    for (const auto& symbol : file_.functions()) {
      if (starts_with_any(symbol.name, kOperatorNew)) add(symbol, ALLOC_FN_SIZE);
      if (starts_with_any(symbol.name, kOperatorDelete)) add(symbol, ALLOC_FN_FREE);
    }
  }

  void add(const elf::Symbol& symbol, alloc_function function) {
    if (!symbol.is_ifunc) return add_address(symbol.name, symbol.address, function);
    for (const auto address : elf::ifunc_candidates(file_, symbol.address)) add_address(symbol.name, address, function);
  }

  // Aliases share an address and are probed once.
  void add_address(const std::string& name, std::uint64_t address, alloc_function function) {
    if (!seen_.insert(address).second) return;
    const unsigned arguments = function == ALLOC_FN_OUT_ALIGN_SIZE || function == ALLOC_FN_REALLOCARRAY ? 3
                               : function == ALLOC_FN_SIZE || function == ALLOC_FN_FREE                 ? 1
                                                                                                        : 2;
    auto entry = elf::choose_probe_point(file_, address, elf::ProbeRequest{arguments, false});
    if (entry && entry->stack_bytes > kCookieMaxStackBytes) {
      entry = elf::entry_probe_point(file_, address, elf::ProbeRequest{arguments, false});
    }
    if (!entry) return;
    auto lives =
        function == ALLOC_FN_FREE ? entry : elf::choose_probe_point(file_, address, elf::ProbeRequest{arguments, true});
    if (!lives) return;
    plan_.functions.push_back(PlannedFunction{name, function, *entry, *lives, 0});
  }

  const elf::ElfFile& file_;
  PlannedObject plan_;
  std::set<std::uint64_t> seen_;
};

// Position in symbol lookup order, as far as /proc tells it.
int lookup_rank(const LoadedObject& object, const std::string& allocator, const std::string& executable) {
  if (object.mapped.path == executable) return 0;
  return allocator == "glibc" || allocator == "musl" ? 2 : 1;
}

std::vector<CodeRange> planned_extents(const LoadedObject& object, const PlannedObject& plan) {
  std::vector<CodeRange> extents;
  for (const auto& function : plan.functions) {
    const std::uint64_t start = function.entry.function_address;
    const elf::Symbol* symbol = object.file->function_at(start);
    const std::uint64_t bytes = symbol != nullptr && symbol->size_bytes != 0 ? symbol->size_bytes : 64;
    extents.push_back({start + object.bias, start + bytes + object.bias});
  }
  std::sort(extents.begin(), extents.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  return extents;
}

// A library that is nothing but an allocator is internal as a whole. In glibc malloc.c is one object file, so everything
// between its exported functions is its own; elsewhere only the functions themselves are.
std::vector<CodeRange> internal_code(const LoadedObject& object, const PlannedObject& plan, bool is_executable) {
  if (plan.allocator != "glibc" && plan.allocator != "musl" && !is_executable) {
    return {{object.mapped.code.front().start, object.mapped.code.back().end}};
  }
  constexpr std::uint64_t kGapInsideMallocBytes = 16 << 10;
  const std::uint64_t gap = plan.allocator == "glibc" ? kGapInsideMallocBytes : 16;
  std::vector<CodeRange> merged;
  for (const auto& extent : planned_extents(object, plan)) {
    if (!merged.empty() && extent.start <= merged.back().end + gap) {
      merged.back().end = std::max(merged.back().end, extent.end);
    } else {
      merged.push_back(extent);
    }
  }
  return merged;
}

}  // namespace

Result<AllocatorPlan, PlanError> plan_allocators(const ProcessImage& image) {
  std::multimap<int, std::pair<const LoadedObject*, PlannedObject>> ranked;
  const auto status = process::read_status(image.key().pid);
  const std::string executable = status ? status->executable : "";
  for (const auto& object : image.objects()) {
    const bool has_allocator = std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](auto prefix) {
      return defines(*object.file, std::string(prefix) + "malloc") &&
             defines(*object.file, std::string(prefix) + "free");
    });
    if (!has_allocator) continue;
    std::string allocator = allocator_of(object);
    const int rank = lookup_rank(object, allocator, executable);
    PlannedObject plan = ObjectPlanner(object, std::move(allocator)).plan();
    if (!plan.functions.empty()) ranked.emplace(rank, std::make_pair(&object, std::move(plan)));
  }
  if (ranked.empty()) {
    return Failure{
        PlanError{PlanError::Reason::kNoAllocator,
                  "no mapped file of the process has symbols for malloc and free (a stripped static executable, "
                  "or a runtime with an allocator of its own)"}};
  }
  AllocatorPlan result;
  std::uint32_t number = 0;
  for (auto& [rank, entry] : ranked) {
    auto& [object, plan] = entry;
    for (auto& function : plan.functions) function.number = number++;
    for (const auto& range : internal_code(*object, plan, rank == 0)) result.internal_code.push_back(range);
    result.objects.push_back(std::move(plan));
  }
  if (result.internal_code.size() > ALLOC_CODE_RANGES) result.internal_code.resize(ALLOC_CODE_RANGES);
  result.moves_large_blocks_by_mremap = result.allocator() == "glibc";
  return result;
}

alloc_code code_of(const AllocatorPlan& plan) {
  alloc_code code{};
  for (std::size_t i = 0; i < plan.internal_code.size() && i < ALLOC_CODE_RANGES; ++i) {
    code.start[i] = plan.internal_code[i].start;
    code.end[i] = plan.internal_code[i].end;
  }
  return code;
}

std::uint64_t pack_cookie(alloc_function function, const elf::ProbePoint& point, std::uint32_t slot,
                          std::uint32_t number) {
  std::uint64_t cookie = function;
  cookie |= static_cast<std::uint64_t>(number & 0x1f) << 3;
  cookie |= static_cast<std::uint64_t>(number >> 5 & 0x7) << 29;
  for (std::size_t i = 0; i < point.arguments.size() && i < 3; ++i) {
    cookie |= static_cast<std::uint64_t>(point.arguments[i]) << (8 + 4 * i);
  }
  cookie |= static_cast<std::uint64_t>(point.stack_bytes / 8 & 0xff) << 20;
  cookie |= static_cast<std::uint64_t>(slot & 1) << 28;
  cookie |= static_cast<std::uint64_t>(point.flags.mask & 0xffff) << 32;
  cookie |= static_cast<std::uint64_t>(point.flags.value & 0xffff) << 48;
  return cookie;
}

}  // namespace poolscope::probes

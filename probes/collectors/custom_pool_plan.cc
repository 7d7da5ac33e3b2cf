#include "probes/collectors/custom_pool_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fnmatch.h>

#include "probes/collectors/near_names.h"

namespace poolscope::probes {
namespace {

using Reason = CustomPoolProblem::Reason;

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool matches(const std::string& glob, const std::string& text) {
  return ::fnmatch(glob.c_str(), text.c_str(), FNM_PATHNAME) == 0;
}

// As a target's `executable`: with '/' the whole path counts, without its last part.
bool matches_path(const std::string& glob, const std::string& path) {
  return !path.empty() && matches(glob, glob.find('/') == std::string::npos ? last_part(path) : path);
}

bool is_described(const CustomPoolSpec& spec, const LoadedObject& object, const std::string& executable) {
  if (spec.object_glob.empty()) return object.mapped.path == executable;
  return matches_path(spec.object_glob, object.mapped.path) ||
         matches(spec.object_glob, std::string(object.file->soname()));
}

std::vector<std::uint64_t> addresses_of(const elf::ElfFile& file, const std::string& name) {
  std::vector<std::uint64_t> addresses;
  for (const elf::Symbol* symbol : file.find_function(name)) {
    if (!symbol->is_ifunc) {
      addresses.push_back(symbol->address);
      continue;
    }
    for (const auto address : elf::ifunc_candidates(file, symbol->address)) addresses.push_back(address);
  }
  return addresses;
}

// A copy of the function that the compiler calls instead of it where it knows more; empty when there is none.
std::string clone_of(const elf::ElfFile& file, const std::string& name) {
  constexpr std::string_view kKinds[] = {".constprop.", ".isra.", ".part."};
  for (const elf::Symbol& symbol : file.functions()) {
    if (!symbol.name.starts_with(name)) continue;
    const auto rest = std::string_view(symbol.name).substr(name.size());
    if (std::ranges::any_of(kKinds, [&](auto kind) { return rest.starts_with(kind); })) return symbol.name;
  }
  return "";
}

unsigned last_argument(const PoolFunctionSpec& function) {
  return std::max({function.size_argument, function.object_argument, function.pool_argument});
}

std::optional<elf::Register> register_of(const elf::ProbePoint& point, unsigned argument) {
  if (argument == 0) return std::nullopt;
  return point.arguments[argument - 1];
}

bool says_every_object(const CustomPoolSpec& spec) {
  const auto says = [](const PoolFunctionSpec& function) { return function.object_argument != 0; };
  return !spec.of(PoolRole::kPut).empty() && std::ranges::all_of(spec.of(PoolRole::kGet), says) &&
         std::ranges::all_of(spec.of(PoolRole::kPut), says);
}

// Plans one pool. `points` counts those of all pools.
class PoolPlanner {
 public:
  PoolPlanner(const CustomPoolSpec& spec, std::uint32_t number, std::vector<const LoadedObject*> objects,
              CustomPoolPlan& plan, std::size_t& points)
      : spec_(spec), objects_(std::move(objects)), plan_(plan), points_(points) {
    pool_.name = spec.name;
    pool_.number = number;
    pool_.follows_objects = says_every_object(spec);
  }

  void run() {
    for (const PoolRole role : kPoolRoles) {
      bool complete = !spec_.of(role).empty();
      for (const auto& function : spec_.of(role)) complete = add(role, function) && complete;
      pool_.measured[static_cast<std::size_t>(role)] = complete;
    }
    if (!pool_.points.empty()) plan_.pools.push_back(std::move(pool_));
  }

 private:
  // False when calls of the function would be missing from the counts.
  bool add(PoolRole role, const PoolFunctionSpec& function) {
    bool found = false, probed = true;
    for (const LoadedObject* object : objects_) {
      for (const std::uint64_t address : addresses_of(*object->file, function.name)) {
        found = true;
        probed = add_address(role, function, *object, address) && probed;
      }
      if (const std::string clone = clone_of(*object->file, function.name); found && !clone.empty()) {
        problem(
            Reason::kCloned, function.name,
            "the compiler made `" + clone + "` of `" + function.name +
                "` and calls that in some places, so some calls would be missed; mark the function noinline, noclone");
        probed = false;
      }
    }
    if (!found) report_missing(function);
    return found ? probed : function.optional;
  }

  bool add_address(PoolRole role, const PoolFunctionSpec& function, const LoadedObject& object, std::uint64_t address) {
    const auto [first, is_new] = seen_.try_emplace({&object, address}, role, function.name);
    if (!is_new) return is_same_meaning(role, function, first->second);
    if (points_ == kMaxPoolPoints) {
      problem(Reason::kTooManyPoints, function.name,
              "more than " + std::to_string(kMaxPoolPoints) + " probe points; describe fewer pools or narrow `match`");
      return false;
    }
    auto point = elf::choose_probe_point(*object.file, address, elf::ProbeRequest{last_argument(function), false});
    if (!point) {
      problem(Reason::kNoProbePoint, function.name, elf::describe(point.error()));
      return false;
    }
    ++points_;
    pool_.points.push_back(make_point(role, function, object, std::move(*point)));
    return true;
  }

  bool is_same_meaning(PoolRole role, const PoolFunctionSpec& function, const std::pair<PoolRole, std::string>& first) {
    if (first.first == role) return true;
    problem(Reason::kSameCode, function.name,
            "`" + function.name + "` is the same code as `" + first.second + "`; its calls can mean one thing");
    return false;
  }

  PlannedPoolPoint make_point(PoolRole role, const PoolFunctionSpec& function, const LoadedObject& object,
                              elf::ProbePoint point) const {
    PlannedPoolPoint planned;
    planned.role = role;
    planned.pool_number = pool_.number;
    planned.function = function.name;
    planned.object_name = last_part(object.mapped.path);
    planned.open_path = object.open_path;
    planned.size = register_of(point, function.size_argument);
    if (pool_.follows_objects) planned.object = register_of(point, function.object_argument);
    planned.pool = register_of(point, function.pool_argument);
    planned.point = std::move(point);
    return planned;
  }

  void report_missing(const PoolFunctionSpec& function) {
    std::string where, near;
    bool stripped = false;
    for (const LoadedObject* object : objects_) {
      where += (where.empty() ? "" : ", ") + last_part(object->mapped.path);
      stripped |= !object->file->has_full_symbols();
      for (const auto& name : near_names(*object->file, function.name, kMaxNearNames))
        near += (near.empty() ? "" : ", ") + name;
    }
    std::string detail = "no function `" + function.name + "` in " + where;
    if (stripped) detail += ", which shows only what it exports: it is stripped and has no debug file";
    if (!near.empty()) detail += "; near: " + near;
    problem(Reason::kFunctionNotFound, function.name, std::move(detail));
  }

  void problem(Reason reason, std::string function, std::string detail) {
    plan_.problems.push_back({reason, pool_.number, std::move(function), std::move(detail)});
  }

  const CustomPoolSpec& spec_;
  std::vector<const LoadedObject*> objects_;
  CustomPoolPlan& plan_;
  std::size_t& points_;
  PlannedPool pool_;
  std::map<std::pair<const LoadedObject*, std::uint64_t>, std::pair<PoolRole, std::string>> seen_;
};

std::vector<const LoadedObject*> described_objects(const ProcessImage& image, const CustomPoolSpec& spec,
                                                   const std::string& executable) {
  std::vector<const LoadedObject*> objects;
  for (const auto& object : image.objects()) {
    if (is_described(spec, object, executable)) objects.push_back(&object);
  }
  return objects;
}

// Why the process has no such pool.
CustomPoolProblem absent(const CustomPoolSpec& spec, std::uint32_t number, const std::string& executable) {
  const std::string runs = executable.empty() ? "an executable that cannot be read" : executable;
  if (!spec.executable_glob.empty() && !matches_path(spec.executable_glob, executable)) {
    return {Reason::kOtherProgram, number, "", "the process runs " + runs + ", not `" + spec.executable_glob + "`"};
  }
  const std::string file = spec.object_glob.empty() ? runs : "`" + spec.object_glob + "`";
  return {Reason::kObjectNotMapped, number, "", "no code of " + file + " is mapped that can be read as ELF"};
}

}  // namespace

CustomPoolPlan plan_custom_pools(const ProcessImage& image, std::span<const CustomPoolSpec> specs) {
  const auto status = process::read_status(image.key().pid);
  const std::string executable = status ? status->executable : "";
  CustomPoolPlan plan;
  std::size_t points = 0;
  for (std::uint32_t number = 0; number < specs.size(); ++number) {
    const CustomPoolSpec& spec = specs[number];
    const bool runs_it = spec.executable_glob.empty() || matches_path(spec.executable_glob, executable);
    auto objects = runs_it ? described_objects(image, spec, executable) : std::vector<const LoadedObject*>{};
    if (objects.empty()) {
      plan.problems.push_back(absent(spec, number, executable));
    } else {
      PoolPlanner(spec, number, std::move(objects), plan, points).run();
    }
  }
  return plan;
}

std::vector<PlannedPoolPoint> points_to_probe(const CustomPoolPlan& plan) {
  std::vector<PlannedPoolPoint> points;
  for (const auto& pool : plan.pools) {
    if (!pool.measures(PoolRole::kGet)) continue;
    for (const auto& point : pool.points) {
      if (pool.measures(point.role)) points.push_back(point);
    }
  }
  return points;
}

}  // namespace poolscope::probes

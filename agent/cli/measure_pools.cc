#include "agent/cli/measure_pools.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/measure_plan.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "agent/config/value_rules.h"
#include "agent/targets/pool_specs.h"
#include "probes/collectors/custom_pool_plan.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

using probes::CustomPoolPlan;
using probes::CustomPoolSpec;
using probes::PlannedPool;
using probes::PlannedPoolPoint;
using probes::PoolRole;

struct RoleWords {
  const char* key;
  const char* events;
};
constexpr std::array kRoleWords = {RoleWords{"get", "gets"}, RoleWords{"put", "puts"}, RoleWords{"miss", "misses"},
                                   RoleWords{"grow", "regrowths"}};

const RoleWords& words(PoolRole role) {
  return kRoleWords[static_cast<std::size_t>(role)];
}

constexpr std::array<const char*, 16> kRegisterNames = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string places_text(const PlannedPoolPoint& point) {
  std::string text;
  const auto add = [&text](const char* value, std::optional<elf::Register> place) {
    if (place) text += fmt::format("{}{} in {}", text.empty() ? "" : ", ", value, kRegisterNames[std::size_t(*place)]);
  };
  add("size", point.size);
  add("object", point.object);
  add("pool", point.pool);
  return text;
}

std::string point_line(const PlannedPoolPoint& point) {
  std::string line = fmt::format("  {:<4} {:<30} +{:<3} {:<26} {:<14} {}", words(point.role).key, point.function,
                                 point.point.address - point.point.function_address, point.point.instruction,
                                 cost_words(point.point.cost), places_text(point));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// "  measured: gets, puts; not measured: misses (no function is given), regrowths (...)"
std::string measured_line(const PlannedPool& pool, const CustomPoolSpec& spec) {
  std::string yes, no;
  for (const PoolRole role : probes::kPoolRoles) {
    const bool counts = pool.measures(role) && pool.measures(PoolRole::kGet);
    std::string& list = counts ? yes : no;
    list += (list.empty() ? "" : ", ") + std::string(words(role).events);
    if (counts) continue;
    list += spec.of(role).empty() ? " (no function is given)"
            : pool.measures(role) ? " (without gets)"
                                  : " (see above)";
  }
  return fmt::format("  measured: {}{}{}\n", yes.empty() ? "nothing" : yes, no.empty() ? "" : "; not measured: ", no);
}

std::string objects_line(const PlannedPool& pool) {
  if (pool.follows_objects) return "  objects are followed from get to put\n";
  return "  objects are not followed: not every get and put says in which argument they are\n";
}

const PlannedPool* find_pool(const CustomPoolPlan& plan, std::uint32_t number) {
  for (const auto& pool : plan.pools) {
    if (pool.number == number) return &pool;
  }
  return nullptr;
}

bool is_optional(const CustomPoolSpec& spec, const std::string& name) {
  for (const auto& functions : spec.functions) {
    for (const auto& function : functions) {
      if (function.name == name) return function.optional;
    }
  }
  return false;
}

std::string pool_text(const CustomPoolPlan& plan, std::uint32_t number, const CustomPoolSpec& spec) {
  std::string text = "\n" + spec.name + "\n";
  const PlannedPool* pool = find_pool(plan, number);
  if (pool != nullptr) {
    for (const auto& point : pool->points) text += point_line(point);
  }
  for (const auto& problem : plan.problems) {
    if (problem.pool_number != number) continue;
    text += fmt::format("  {}: {}\n", is_optional(spec, problem.function) ? "optional" : "MISSING", problem.detail);
  }
  return pool == nullptr ? text : text + measured_line(*pool, spec) + objects_line(*pool);
}

using PoolsOrError = Result<std::vector<config::CustomPool>, std::string>;

PoolsOrError asked_pools(const PoolQuestion& question) {
  if (!question.preset.empty()) return config::preset_pools(question.preset);
  auto config = config::load_config(question.config_file);
  if (!config) return Failure{config::describe(config.error().front())};
  if (config->custom_pools.empty()) return Failure{question.config_file + " has no `custom_pools`"};
  return std::move(config->custom_pools);
}

}  // namespace

void add_pool_question(CLI::App& command, PoolQuestion& question) {
  auto* preset = command.add_option("--preset", question.preset, "show where the pools of this preset are in --pid")
                     ->type_name("NAME");
  auto* file = command.add_option("--config.file", question.config_file, "show where its `custom_pools` are in --pid")
                   ->type_name("FILE");
  auto* pid = command
                  .add_option("--pid", question.pid,
                              "also show what would be probed in this process; with --preset or --config.file where "
                              "their pools are in it")
                  ->type_name("PID")
                  ->check(CLI::Range(1, config::kMaxPid));
  preset->needs(pid)->excludes(file);
  file->needs(pid);
}

int explain_pools(const PoolQuestion& question) {
  const auto pools = asked_pools(question);
  if (!pools) return fail("doctor: " + pools.error());
  const auto status = process::check_observable(question.pid);
  if (!status) return fail("doctor: " + process::describe(status.error()));
  probes::ElfCache cache;
  const auto image = probes::ProcessImage::read(status->key, cache);
  if (!image) return fail("doctor: " + process::describe(image.error()));
  const auto specs = targets::pool_specs(*pools);
  const CustomPoolPlan plan = probes::plan_custom_pools(*image, specs);
  std::string text = fmt::format("{} (pid {}, {})\n", status->command, status->key.pid, status->executable);
  for (std::uint32_t number = 0; number < specs.size(); ++number) text += pool_text(plan, number, specs[number]);
  const int printed = print(text);
  return probes::points_to_probe(plan).empty() ? kExitFailed : printed;
}

}  // namespace poolscope::cli

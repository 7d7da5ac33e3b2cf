#include "agent/cli/go_plan.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/cli/measure_plan.h"
#include "agent/sampler/pool_monitor.h"
#include "exporters/text/report.h"
#include "probes/collectors/go_gc_places.h"
#include "probes/collectors/go_pools.h"
#include "probes/collectors/go_runtime.h"
#include "probes/go/growth_points.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

std::string seconds_text(double seconds) {
  return text::format_seconds(seconds);
}

// One line of a point: what it tells, the function, the instruction, its cost, and when it is hit.
struct PointLine {
  const char* tells;
  std::string function;
  std::uint64_t offset = 0;
  std::string instruction;
  elf::CostClass cost = elf::CostClass::kEmulated;
  std::string when;
};

std::string text_of(const PointLine& line) {
  return fmt::format("    {:<5} {:<34} +{:<4} {:<24} {:<15} {}\n", line.tells, line.function, line.offset,
                     line.instruction, cost_words(line.cost), line.when);
}

std::string function_name(const go::GoProgram& program, std::uint64_t address) {
  const auto function = program.function_at(address);
  return function ? function->name : fmt::format("{:#x}", address);
}

PointLine point_line(const char* tells, const go::GoProgram& program, const go::PoolPoint& point, std::string when) {
  return {tells,
          function_name(program, point.function_address),
          point.address - point.function_address,
          point.instruction,
          elf::CostClass::kEmulated,
          std::move(when)};
}

// How often the program collects garbage, from its own counters: "16 so far, one per 4.2 s".
struct Collections {
  std::optional<std::uint64_t> count;
  double program_seconds = 0;  // since it started

  [[nodiscard]] std::string text() const {
    if (!count) return "once per garbage collection";
    if (*count == 0) return "once per garbage collection: none so far";
    return fmt::format("once per garbage collection: {} so far, one per {}", *count,
                       seconds_text(program_seconds / static_cast<double>(*count)));
  }
};

Collections collections_of(const model::ProcessKey& process, probes::GoRuntime& runtime) {
  Collections result;
  const auto status = process::read_status(process.pid);
  if (!status) return result;
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  result.program_seconds = std::max(now - static_cast<double>(status->start_time_unix_ns) * 1e-9, 0.0);
  result.count = runtime.take_life()->counted.cycles;
  return result;
}

std::optional<PointLine> cleanup_line(const probes::GoExecutable& executable, const go::PoolPoints& points,
                                      const Collections& collections) {
  if (!points.pool_cleanup_address) return std::nullopt;
  const std::uint64_t address = *points.pool_cleanup_address;
  const auto code = executable.object.file->read_code(address, elf::kMaxInstructionBytes);
  const auto instruction = elf::decode(code, address, 0);
  if (!instruction) return std::nullopt;
  const auto cost = elf::kernel_emulates(*instruction) ? elf::CostClass::kEmulated : elf::CostClass::kSingleStep;
  return PointLine{
      "gc", function_name(*executable.program, address), 0, elf::text_of(*instruction), cost, collections.text()};
}

std::string pool_lines(const probes::GoExecutable& executable, const probes::GoPools& pools,
                       const Collections& collections) {
  const go::PoolPoints& points = pools.points();
  const go::GoProgram& program = *executable.program;
  std::string lines = "  all the time\n";
  if (points.miss) lines += text_of(point_line("miss", program, *points.miss, "once per miss, while that is cheap"));
  if (const auto line = cleanup_line(executable, points, collections)) lines += text_of(*line);
  lines += "  in bursts\n";
  lines += text_of(point_line("get", program, *points.get, "once per Get"));
  lines += text_of(point_line("put", program, *points.put, "once per Put"));
  if (const std::string caveat = pools.caveat(); !caveat.empty()) lines += "  " + caveat + "\n";
  return lines;
}

std::string pools_text(sampler::Probing& probing, const model::ProcessKey& process,
                       const std::shared_ptr<const probes::GoExecutable>& executable, const Collections& collections,
                       const config::BudgetConfig& budget) {
  auto programs = probing.pool_programs();
  if (!programs) return collector_line({"go_pools", kPoolsGive, attach::describe(programs.error())});
  const auto pools = probes::GoPools::open(**programs, process, executable, probing.pool_hit_costs());
  if (!pools) return collector_line({"go_pools", kPoolsGive, pools.error().detail});
  const auto price_ns = static_cast<double>(probing.pool_hit_costs().emulated_ns);
  return collector_line({"go_pools", kPoolsGive, std::nullopt}) + pool_lines(*executable, **pools, collections) +
         burst_lines("gets and puts per CPU second", {price_ns, price_ns, price_ns}, budget) +
         fmt::format("  where probes slow it by less than {}, a burst lasts as long as the budget pays for, up to {}\n",
                     text::format_ratio(sampler::PoolMonitor::slowdown_of_long_bursts(budget.burst_slowdown)),
                     seconds_text(static_cast<double>(sampler::PoolMonitor::kLongestBurstNs) * 1e-9));
}

std::string runtime_text(const probes::GoExecutable& executable, const Collections& collections) {
  std::string lines = collector_line({"go_runtime", kRuntimeGives, std::nullopt});
  lines += "  counters are read from memory, without a probe\n";
  const auto places = probes::find_gc_places(*executable.program);
  if (!places) return lines;
  if (places->cycle_end) {
    const elf::ProbePoint& point = *places->cycle_end;
    lines += "  all the time\n";
    lines += text_of({"cycle", function_name(*executable.program, point.function_address),
                      point.address - point.function_address, point.instruction, point.cost, collections.text()});
  }
  for (const auto& absent : places->absent) lines += "  " + absent + "\n";
  return lines;
}

std::string growth_text(sampler::Probing& probing, const go::GoProgram& program, const config::BudgetConfig& budget) {
  const auto points = go::find_growth_points(program);
  if (!points) return collector_line({"go_growth", kGrowthGives, go::describe(points.error())});
  const auto line = [&](const char* tells, std::uint64_t address, const std::string& instruction, const char* when) {
    return text_of({tells, function_name(program, points->function_address), address - points->function_address,
                    instruction, elf::CostClass::kEmulated, when});
  };
  const auto price_ns = static_cast<double>(probing.pool_hit_costs().emulated_ns);
  return collector_line({"go_growth", kGrowthGives, std::nullopt}) + "  in bursts\n" +
         line("call", points->call_address, points->call_instruction, "once per append that needs a larger array") +
         line("copy", points->copy_address, points->copy_instruction, "the same") +
         burst_lines("these two per CPU second", {price_ns, price_ns, price_ns}, budget);
}

}  // namespace

std::string go_plan_text(sampler::Probing& probing, const model::ProcessKey& process,
                         const std::shared_ptr<const probes::GoExecutable>& executable,
                         const config::BudgetConfig& budget) {
  auto runtime = probes::GoRuntime::start(process, executable->object, *executable->program, std::nullopt);
  const Collections collections = runtime ? collections_of(process, **runtime) : Collections{};
  std::string text = pools_text(probing, process, executable, collections, budget);
  text += runtime ? runtime_text(*executable, collections)
                  : collector_line({"go_runtime", kRuntimeGives, runtime.error().detail});
  text += growth_text(probing, *executable->program, budget);
  return text;
}

}  // namespace poolscope::cli

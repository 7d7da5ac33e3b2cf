#include "probes/collectors/go_gc_places.h"

#include <algorithm>
#include <utility>

#include "probes/go/function_code.h"

namespace poolscope::probes {
namespace {

using Reason = GcPlacesError::Reason;

constexpr const char* kMarkTermination = "runtime.gcMarkTermination";
constexpr const char* kStartTheWorld = "runtime.startTheWorldWithSema";
constexpr int kMaxLiterals = 9;  // function literals of gcMarkTermination that are looked at; Go 1.19 has four

bool calls(const go::FunctionCode& code, std::uint64_t callee) {
  return std::ranges::any_of(code.instructions(), [&](const elf::Instruction& instruction) {
    return instruction.info.meta.category == ZYDIS_CATEGORY_CALL && elf::direct_target(instruction) == callee;
  });
}

// The function literal that restarts the world; nothing when there is none, or more than one.
std::optional<go::FunctionCode> find_cycle_end(const go::GoProgram& program) {
  const auto start = program.find_function(kStartTheWorld);
  if (!start) return std::nullopt;
  std::optional<go::FunctionCode> found;
  for (int i = 1; i <= kMaxLiterals; ++i) {
    const auto literal = program.find_function(std::string(kMarkTermination) + ".func" + std::to_string(i));
    if (!literal) continue;
    auto code = go::FunctionCode::read(program.file(), literal->address, literal->size_bytes);
    if (!code || !calls(*code, start->address)) continue;
    if (found) return std::nullopt;
    found = std::move(code);
  }
  return found;
}

// The first instruction that the kernel emulates, before the world runs again: the jump of the stack check. Else the entry.
std::optional<elf::ProbePoint> point_in(const elf::ElfFile& file, const go::FunctionCode& code) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < code.size() && code[i].info.meta.category != ZYDIS_CATEGORY_CALL; ++i) {
    if (!elf::kernel_emulates(code[i]) || !code.runs_once_per_call(i)) continue;
    index = i;
    break;
  }
  const auto file_offset = file.file_offset(code[index].address);
  if (!file_offset) return std::nullopt;
  elf::ProbePoint point;
  point.function_address = code[0].address;
  point.address = code[index].address;
  point.file_offset = *file_offset;
  point.cost = elf::kernel_emulates(code[index]) ? elf::CostClass::kEmulated : elf::CostClass::kSingleStep;
  point.instruction = elf::text_of(code[index]);
  return point;
}

void place_probe(const go::GoProgram& program, GcPlaces& places) {
  const auto code = find_cycle_end(program);
  if (code) places.cycle_end = point_in(program.file(), *code);
  if (places.cycle_end) return;
  places.absent.push_back(std::string("sums per cycle: no single function literal of ") + kMarkTermination + " calls " +
                          kStartTheWorld);
}

void find_variables(const go::GoProgram& program, GcPlaces& places) {
  std::set<std::uint64_t> addresses;
  for (std::size_t i = 0; i < kGcVariables; ++i) {
    const auto variable = static_cast<GcVariable>(i);
    if (const auto symbol = program.find_variable(name_of(variable))) {
      places.variables[i] = symbol->address;
      continue;
    }
    const auto function = program.find_function(kMarkTermination);
    if (addresses.empty() && function) addresses = addresses_named_by(program, *function);
    places.variables[i] = base_of(addresses, gc_anchor_offsets(variable));
    places.variables_are_from_code = true;
  }
}

}  // namespace

std::set<std::uint64_t> addresses_named_by(const go::GoProgram& program, const go::GoFunction& function) {
  std::set<std::uint64_t> addresses;
  const auto code = go::FunctionCode::read(program.file(), function.address, function.size_bytes);
  if (!code) return addresses;
  for (const elf::Instruction& instruction : code->instructions()) {
    for (const auto& operand : instruction.operands()) {
      if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == ZYDIS_REGISTER_RIP)
        addresses.insert(instruction.end_address() + static_cast<std::uint64_t>(operand.mem.disp.value));
    }
  }
  return addresses;
}

std::optional<std::uint64_t> base_of(const std::set<std::uint64_t>& addresses, std::span<const std::uint32_t> offsets) {
  std::optional<std::uint64_t> found;
  if (offsets.size() < 2) return found;
  for (const std::uint64_t address : addresses) {
    const std::uint64_t base = address - offsets.front();
    if (!std::ranges::all_of(offsets, [&](std::uint32_t offset) { return addresses.contains(base + offset); }))
      continue;
    if (found) return std::nullopt;
    found = base;
  }
  return found;
}

Result<GcPlaces, GcPlacesError> find_gc_places(const go::GoProgram& program) {
  const std::string& version = program.build_info().version_text;
  const auto verified = gc_layout_of(program.version());
  if (!verified) return Failure{GcPlacesError{Reason::kUnverifiedVersion, unverified_text(version)}};
  GcPlaces places;
  const auto described = gc_layout_from_dwarf(program.file());
  places.layout = described.value_or(*verified);
  places.layout_is_from_dwarf = described.has_value();
  find_variables(program, places);
  for (const GcVariable variable : {GcVariable::kMemstats, GcVariable::kController}) {
    if (places.variables[static_cast<std::size_t>(variable)]) continue;
    return Failure{GcPlacesError{Reason::kNoVariables, std::string("cannot find ") + name_of(variable) + " in " +
                                                           program.file().display_name() + ": it has no symbol, and " +
                                                           kMarkTermination + " does not use it as " + version +
                                                           " does; keep the symbol table (build without -ldflags=-s)"}};
  }
  if (!places.variables[static_cast<std::size_t>(GcVariable::kWork)])
    places.absent.push_back(std::string("GC CPU: ") + name_of(GcVariable::kWork) + " was not found in the code of " +
                            kMarkTermination);
  place_probe(program, places);
  return places;
}

}  // namespace poolscope::probes

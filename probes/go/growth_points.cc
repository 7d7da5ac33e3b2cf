#include "probes/go/growth_points.h"

#include <optional>
#include <utility>
#include <vector>

#include "probes/go/function_code.h"
#include "probes/go/stack_check.h"

namespace poolscope::go {
namespace {

using elf::Register;
using Reason = GrowthPointsError::Reason;

constexpr const char* kGrowName = "runtime.growslice";
constexpr const char* kCopyName = "runtime.memmove";
constexpr GoVersion kArrayFirst{1, 20};

// Of memmove: to, from, bytes.
constexpr Register kNewArray = Register::kRax, kOldArray = Register::kRbx, kCopiedBytes = Register::kRcx;
// Of the slice that growslice returns.
constexpr Register kCapacityResult = Register::kRcx;

ValueLocation in(Register reg) {
  return {ValueLocation::Kind::kRegister, reg, 0};
}

// The one call of memmove.
std::optional<std::size_t> find_copy(const GoProgram& program, const FunctionCode& code) {
  const auto memmove = program.find_function(kCopyName);
  if (!memmove) return std::nullopt;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i].info.meta.category != ZYDIS_CATEGORY_CALL || elf::direct_target(code[i]) != memmove->address) continue;
    if (found) return std::nullopt;
    found = i;
  }
  const bool is_usable = found && elf::kernel_emulates(code[*found]) && code.runs_at_most_once_per_call(*found);
  return is_usable ? found : std::nullopt;
}

// From the copy on there is one way, to the return: what it hands out as capacity is somewhere at the copy, too.
std::optional<ValueLocation> find_new_capacity(const FunctionCode& code, ValueFlow& flow, std::size_t copy) {
  constexpr std::size_t kMaxToReturn = 16;  // instructions
  const auto& at_copy = flow.before(copy);
  if (!at_copy) return std::nullopt;
  ValueFlow::State state = *at_copy;
  std::optional<std::size_t> index = copy;
  for (std::size_t steps = 0; index && steps < kMaxToReturn; ++steps) {
    if (code[*index].info.meta.category == ZYDIS_CATEGORY_RET) {
      return flow.locate(state.registers[ValueFlow::number(kCapacityResult)], *at_copy);
    }
    const auto after = code.successors(*index);
    if (after.target) return std::nullopt;
    flow.step(code[*index], state);
    index = after.next;
  }
  return std::nullopt;
}

}  // namespace

std::string describe(const GrowthPointsError& error) {
  switch (error.reason) {
    case Reason::kNotLinked:
      return error.object + " never appends: runtime.growslice is not linked in";
    case Reason::kNoStackCheck:
      return error.object + ": runtime.growslice does not begin as in released versions of Go";
    case Reason::kUndecodable:
      return error.object + ": runtime.growslice cannot be decoded";
    case Reason::kNoCopy:
      return error.object + ": runtime.growslice does not copy once, as it does in released versions of Go";
    case Reason::kCapacityLost:
      return error.object + ": the new capacity is in no register or stack slot when runtime.growslice copies";
  }
  return "";
}

std::string reason_label(GrowthPointsError::Reason reason) {
  switch (reason) {
    case Reason::kNotLinked:
      return "no_append";
    case Reason::kNoStackCheck:
    case Reason::kUndecodable:
    case Reason::kNoCopy:
    case Reason::kCapacityLost:
      return "no_probe_point";
  }
  return "failed";
}

Result<GrowthPoints, GrowthPointsError> find_growth_points(const GoProgram& program) {
  const auto fail = [&](Reason reason) { return Failure{GrowthPointsError{reason, program.file().display_name()}}; };
  const auto grow = program.find_function(kGrowName);
  if (!grow) return fail(Reason::kNotLinked);
  const auto check = find_stack_check(program, *grow);
  if (!check) return fail(Reason::kNoStackCheck);
  const auto code = FunctionCode::read(program.file(), grow->address, grow->size_bytes);
  if (!code || code->has_indirect_jump()) return fail(Reason::kUndecodable);
  const auto copy = find_copy(program, *code);
  const auto copy_offset = copy ? program.file().file_offset((*code)[*copy].address) : std::nullopt;
  if (!copy || !copy_offset) return fail(Reason::kNoCopy);
  auto flow = ValueFlow::run(*code);
  const auto new_capacity = flow ? find_new_capacity(*code, *flow, *copy) : std::nullopt;
  if (!new_capacity) return fail(Reason::kCapacityLost);

  const bool array_first = program.version() >= kArrayFirst;
  GrowthPoints points;
  points.function_address = grow->address;
  points.call_address = check->jump.address;
  points.copy_address = (*code)[*copy].address;
  points.call_offset = check->file_offset;
  points.count_call_when = check->not_taken;
  points.old_capacity = in(array_first ? Register::kRcx : Register::kRdi);
  points.type = in(array_first ? Register::kRsi : Register::kRax);
  points.copy_offset = *copy_offset;
  points.new_array = in(kNewArray);
  points.old_array = in(kOldArray);
  points.copied_bytes = in(kCopiedBytes);
  points.new_capacity = *new_capacity;
  points.call_instruction = elf::text_of(check->jump);
  points.copy_instruction = elf::text_of((*code)[*copy]);
  return points;
}

}  // namespace poolscope::go

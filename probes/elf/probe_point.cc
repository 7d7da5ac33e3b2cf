#include "probes/elf/probe_point.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

#include "probes/elf/jump_targets.h"
#include "probes/elf/x86_instruction.h"

namespace poolscope::elf {
namespace {

constexpr unsigned kMaxWalkInstructions = 64;
constexpr std::size_t kMaxWalkBytes = 256;
constexpr std::int64_t kMaxStackBytes = 1 << 20;

constexpr unsigned kRspNumber = static_cast<unsigned>(Register::kRsp);

// How an instruction moves rsp, in bytes pushed; nothing when that cannot be said from the instruction alone.
std::optional<std::int64_t> pushed_bytes(const Instruction& instruction) {
  const auto operands = instruction.operands();
  const auto is_rsp = [](const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && enclosing_gpr64_number(operand.reg.value) == kRspNumber;
  };
  const auto writes_rsp = [&](const ZydisDecodedOperand& operand) { return is_rsp(operand) && writes(operand); };
  if (std::ranges::none_of(operands, writes_rsp)) return 0;

  const bool writes_rsp_by_name = instruction.info.operand_count_visible > 0 && writes_rsp(operands[0]);
  switch (instruction.info.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_PUSHFQ:
      if (instruction.info.operand_width == 64) return 8;
      return std::nullopt;
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_POPFQ:
      if (instruction.info.operand_width == 64 && !writes_rsp_by_name) return -8;
      return std::nullopt;
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_ADD: {
      if (!writes_rsp_by_name || operands[0].size != 64 || operands[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return std::nullopt;
      const std::int64_t bytes = operands[1].imm.value.s;  // a sign-extended 32-bit value: can be negated
      return instruction.info.mnemonic == ZYDIS_MNEMONIC_SUB ? bytes : -bytes;
    }
    default:
      return std::nullopt;
  }
}

// What is known before the next instruction of the walk: which register holds which argument, and where the stack is.
class PrologueState {
 public:
  explicit PrologueState(unsigned argument_count) : argument_count_(argument_count) {
    if (argument_count > kArgumentRegisters.size()) std::abort();
    for (unsigned argument = 0; argument < argument_count; ++argument)
      held_[static_cast<unsigned>(kArgumentRegisters[argument])] = argument;
  }

  // False when the position of the stack is no longer known; the state is of no use then.
  [[nodiscard]] bool apply(const Instruction& instruction) {
    const auto pushed = pushed_bytes(instruction);
    if (!pushed) return false;
    stack_bytes_ += *pushed;
    move_arguments(instruction);
    return 0 <= stack_bytes_ && stack_bytes_ <= kMaxStackBytes;
  }

  // Where the arguments are, each in its own register where it is still there; nothing when one is lost.
  [[nodiscard]] std::optional<std::vector<Register>> arguments() const {
    std::vector<Register> registers;
    for (unsigned argument = 0; argument < argument_count_; ++argument) {
      const auto original = static_cast<std::size_t>(kArgumentRegisters[argument]);
      const auto copy = std::ranges::find(held_, std::optional(argument));
      if (copy == held_.end()) return std::nullopt;
      const auto number = held_[original] == argument ? original : static_cast<std::size_t>(copy - held_.begin());
      registers.push_back(static_cast<Register>(number));
    }
    return registers;
  }

  [[nodiscard]] std::uint32_t stack_bytes() const { return static_cast<std::uint32_t>(stack_bytes_); }

 private:
  void move_arguments(const Instruction& instruction) {
    const auto operands = instruction.operands();
    if (const auto registers = two_registers(operands)) {
      const auto [to, from] = *registers;
      if (instruction.info.mnemonic == ZYDIS_MNEMONIC_MOV) {
        held_[to] = held_[from];
        return;
      }
      if (instruction.info.mnemonic == ZYDIS_MNEMONIC_XCHG) {
        std::swap(held_[to], held_[from]);
        return;
      }
    }
    for (const auto& operand : operands) {
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !writes(operand)) continue;
      if (const auto number = enclosing_gpr64_number(operand.reg.value)) held_[*number].reset();
    }
  }

  static std::optional<std::pair<unsigned, unsigned>> two_registers(std::span<const ZydisDecodedOperand> operands) {
    if (operands.size() != 2 || operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER)
      return std::nullopt;
    const auto first = gpr64_number(operands[0].reg.value);
    const auto second = gpr64_number(operands[1].reg.value);
    if (!first || !second) return std::nullopt;
    return std::pair(*first, *second);
  }

  unsigned argument_count_;
  std::array<std::optional<unsigned>, 16> held_;  // by register number: the argument it holds
  std::int64_t stack_bytes_ = 0;
};

std::string name_for_people(const ElfFile& file, std::uint64_t function_address) {
  const Symbol* symbol = file.function_at(function_address);
  if (symbol != nullptr && symbol->address == function_address) return file.display_name() + ":" + symbol->name;
  std::array<char, 24> hex{};
  std::snprintf(hex.data(), hex.size(), "0x%llx", static_cast<unsigned long long>(function_address));
  return file.display_name() + ":" + hex.data();
}

ProbePoint make_point(std::uint64_t function_address, const Instruction& instruction, std::vector<Register> arguments,
                      std::uint32_t stack_bytes) {
  ProbePoint point;
  point.function_address = function_address;
  point.address = instruction.address;
  point.arguments = std::move(arguments);
  point.stack_bytes = stack_bytes;
  point.cost = kernel_emulates(instruction) ? CostClass::kEmulated : CostClass::kSingleStep;
  point.instruction = text_of(instruction);
  return point;
}

// The walk stays in front of the next symbol too: a name in the middle of a function is a second entry that other objects
// can call without a jump we could see.
std::uint64_t walk_end(const ElfFile& file, std::uint64_t function_address) {
  const auto functions = file.functions();
  const auto next = std::ranges::upper_bound(functions, function_address, {}, &Symbol::address);
  const std::uint64_t next_symbol = next == functions.end() ? std::numeric_limits<std::uint64_t>::max() : next->address;
  return std::min({function_address + kMaxWalkBytes, function_end(file, function_address), next_symbol});
}

struct Candidate {
  ProbePoint point;
  bool is_push = false;
};

// The emulated instructions that run once per call as long as nothing jumps in between, by address.
std::vector<Candidate> find_candidates(const ElfFile& file, std::uint64_t function_address,
                                       const ProbeRequest& request) {
  const std::uint64_t end = walk_end(file, function_address);
  const auto code = file.read_code(function_address, end - function_address);
  PrologueState state(request.argument_count);
  std::vector<Candidate> candidates;
  std::size_t offset = 0;
  for (unsigned count = 0; count < kMaxWalkInstructions; ++count) {
    const auto instruction = decode(code, function_address, offset);
    if (!instruction) break;
    auto arguments = state.arguments();
    const bool return_is_found = !request.needs_return || state.stack_bytes() == 0;
    if (kernel_emulates(*instruction) && arguments && return_is_found) {
      candidates.push_back({make_point(function_address, *instruction, std::move(*arguments), state.stack_bytes()),
                            instruction->info.mnemonic == ZYDIS_MNEMONIC_PUSH});
    }
    if (ends_straight_line(*instruction) || !state.apply(*instruction)) break;
    offset += instruction->info.length;
  }
  return candidates;
}

// The first candidate such that nothing can jump to it or to an instruction between the entry and it.
// In a function that dispatches through a table only a push is trusted: an instruction of compiled code always runs at one
// stack depth (its unwind row says which), and whatever comes after the push runs at a greater one.
const Candidate* first_exact(const ElfFile& file, std::uint64_t function_address,
                             const std::vector<Candidate>& candidates) {
  if (candidates.empty()) return nullptr;
  if (candidates.front().point.address == function_address) return &candidates.front();
  const auto jump_target = lowest_jump_target(file, function_address, candidates.back().point.address);
  std::optional<bool> dispatches;
  for (const auto& candidate : candidates) {
    if (jump_target && *jump_target <= candidate.point.address) return nullptr;
    if (candidate.is_push) return &candidate;
    if (!dispatches) dispatches = may_dispatch_through_table(file, function_address);
    if (!*dispatches) return &candidate;
  }
  return nullptr;
}

Result<ProbePoint, ProbePointError> with_file_offset(const ElfFile& file, ProbePoint point) {
  const auto offset = file.file_offset(point.address);
  if (!offset)
    return Failure{ProbePointError{ProbePointError::Reason::kNoCode, name_for_people(file, point.function_address)}};
  point.file_offset = *offset;
  return point;
}

}  // namespace

std::string describe(const ProbePointError& error) {
  const std::string what = "cannot place a probe in " + error.function + ": ";
  switch (error.reason) {
    case ProbePointError::Reason::kNoCode:
      return what + "the file has no executable bytes at that address; is it truncated, or the symbol no function?";
    case ProbePointError::Reason::kUndecodable:
      return what + "its first bytes are no x86-64 instruction; is the symbol data, or the code packed?";
  }
  std::abort();
}

Result<ProbePoint, ProbePointError> entry_probe_point(const ElfFile& file, std::uint64_t function_address,
                                                      const ProbeRequest& request) {
  using Reason = ProbePointError::Reason;
  const auto code = file.read_code(function_address, kMaxInstructionBytes);
  if (code.empty()) return Failure{ProbePointError{Reason::kNoCode, name_for_people(file, function_address)}};
  const auto instruction = decode(code, function_address, 0);
  if (!instruction) return Failure{ProbePointError{Reason::kUndecodable, name_for_people(file, function_address)}};
  // At the entry every argument is in its own register.
  auto arguments = *PrologueState(request.argument_count).arguments();
  return with_file_offset(file, make_point(function_address, *instruction, std::move(arguments), 0));
}

Result<ProbePoint, ProbePointError> choose_probe_point(const ElfFile& file, std::uint64_t function_address,
                                                       const ProbeRequest& request) {
  const auto candidates = find_candidates(file, function_address, request);
  if (const Candidate* exact = first_exact(file, function_address, candidates))
    return with_file_offset(file, exact->point);
  return entry_probe_point(file, function_address, request);
}

}  // namespace poolscope::elf

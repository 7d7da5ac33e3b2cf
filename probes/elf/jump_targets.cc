#include "probes/elf/jump_targets.h"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <span>
#include <unordered_map>
#include <vector>

#include "probes/elf/probe_point.h"
#include "probes/elf/x86_instruction.h"

namespace poolscope::elf {
namespace {

constexpr std::uint64_t kGuessedFunctionBytes = 4096;
constexpr std::uint64_t kMaxFunctionBytes = 256 * 1024;
// Each dismissed branch decodes a whole function: a file made of such bytes must not keep us busy.
constexpr std::size_t kMaxDismissedBranches = 32;

struct Branch {
  std::uint64_t opcode_address;  // of the opcode byte: prefixes may stand before it
  std::uint64_t target;
};

bool is_short_branch_opcode(std::uint8_t byte) {
  return byte == 0xeb || (byte & 0xf0) == 0x70 || (byte & 0xfc) == 0xe0;  // jmp, jcc, loop and jrcxz
}

// How many bytes before a 32-bit displacement at `at` its opcode starts; 0 when the bytes there are no branch.
unsigned near_branch_opcode_bytes(std::span<const std::uint8_t> code, std::size_t at) {
  if (at >= 1 && (code[at - 1] & 0xfe) == 0xe8) return 1;                          // call, jmp
  if (at >= 2 && code[at - 2] == 0x0f && (code[at - 1] & 0xf0) == 0x80) return 2;  // jcc
  if (at >= 2 && code[at - 2] == 0xc7 && code[at - 1] == 0xf8) return 2;           // xbegin
  return 0;
}

// Every byte is tried as a displacement and compared with the window first: nearly none passes, so the loop has one
// predictable branch per byte.
void find_near_branches(const ElfFile::CodeSegment& segment, std::uint64_t first, std::uint64_t last,
                        std::vector<Branch>& found) {
  const auto code = segment.bytes;
  const auto width = static_cast<std::uint32_t>(last - first);
  constexpr std::size_t kDisplacementBytes = 4;
  for (std::size_t at = 0; at + kDisplacementBytes <= code.size(); ++at) {
    std::int32_t displacement;
    std::memcpy(&displacement, code.data() + at, sizeof displacement);
    const auto target =
        segment.address + at + kDisplacementBytes + static_cast<std::uint64_t>(std::int64_t{displacement});
    if (static_cast<std::uint32_t>(target - first) > width || target < first || target > last) continue;
    if (const unsigned opcode_bytes = near_branch_opcode_bytes(code, at); opcode_bytes != 0)
      found.push_back({segment.address + at - opcode_bytes, target});
  }
}

void find_short_branches(const ElfFile::CodeSegment& segment, std::uint64_t first, std::uint64_t last,
                         std::vector<Branch>& found) {
  constexpr std::uint64_t kReachBytes = 130;  // an instruction of 2 bytes and -128..127 from its end
  const std::uint64_t segment_end = segment.address + segment.bytes.size();
  const std::uint64_t from = first - std::min(first - segment.address, kReachBytes);
  const std::uint64_t to = last + std::min(segment_end - last, kReachBytes);
  for (std::uint64_t address = from; address + 1 < to; ++address) {
    const std::size_t at = address - segment.address;
    if (!is_short_branch_opcode(segment.bytes[at])) continue;
    const auto displacement = static_cast<std::int8_t>(segment.bytes[at + 1]);
    const auto target = address + 2 + static_cast<std::uint64_t>(std::int64_t{displacement});
    if (first <= target && target <= last) found.push_back({address, target});
  }
}

struct CodeRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Code around `address` between two places where instructions are known to start: the sized function that holds it, or
// else what lies between the end of the symbol before and the start of the next (local functions and padding).
std::optional<CodeRange> synchronized_range(const ElfFile& file, std::uint64_t address) {
  const auto functions = file.functions();
  const auto next = std::ranges::upper_bound(functions, address, {}, &Symbol::address);
  if (next == functions.begin()) return std::nullopt;
  const std::uint64_t before = std::prev(next)->address;
  std::uint64_t size_bytes = 0;
  for (auto alias = next; alias != functions.begin() && std::prev(alias)->address == before; --alias)
    size_bytes = std::max(size_bytes, std::prev(alias)->size_bytes);
  if (address - before < size_bytes) return CodeRange{before, before + size_bytes};
  if (next == functions.end()) return std::nullopt;
  return CodeRange{before + size_bytes, next->address};
}

// A byte scan also finds branches inside other instructions. One is dismissed only when the code around it decodes from one
// known start to the next without a rest, and the instruction that holds the opcode byte does something else.
bool is_surely_no_branch(const ElfFile& file, const Branch& branch) {
  const auto range = synchronized_range(file, branch.opcode_address);
  if (!range || range->end - range->begin > kMaxFunctionBytes) return false;
  const auto code = file.read_code(range->begin, range->end - range->begin);
  if (code.size() != range->end - range->begin) return false;
  bool something_else = false;
  std::size_t offset = 0;
  while (offset < code.size()) {
    const auto instruction = decode(code, range->begin, offset);
    if (!instruction) return false;
    if (instruction->address <= branch.opcode_address && branch.opcode_address < instruction->end_address())
      something_else = direct_target(*instruction) != branch.target;
    offset += instruction->info.length;
  }
  return something_else;
}

// Which registers hold a plain pointer: an argument, or what was loaded from one place, or a copy of either. Followed forward
// through the function in the order of its bytes; what comes back on a backward jump is not followed, since compilers put the
// instructions that index a table and the jump through it next to each other.
class PointerOrigin {
 public:
  PointerOrigin() {
    for (const auto reg : kArgumentRegisters) plain_.set(static_cast<std::size_t>(reg));
  }

  [[nodiscard]] bool is_plain_pointer(ZydisRegister reg) const {
    const auto number = gpr64_number(reg);
    return number && plain_[*number];
  }

  // Joins what is known from jumps to `address` with what is known from the instruction before it.
  void arrive(std::uint64_t address) {
    const auto jumps = at_target_.find(address);
    if (jumps == at_target_.end()) return;
    plain_ = falls_through_ ? plain_ & jumps->second : jumps->second;
    falls_through_ = true;
  }

  void apply(const Instruction& instruction) {
    write_registers(instruction);
    if (const auto target = direct_target(instruction);
        target && instruction.info.meta.category != ZYDIS_CATEGORY_CALL) {
      const auto [known, is_new] = at_target_.emplace(*target, plain_);
      if (!is_new) known->second &= plain_;
    }
    const auto category = instruction.info.meta.category;
    if (category == ZYDIS_CATEGORY_UNCOND_BR || category == ZYDIS_CATEGORY_RET) {
      falls_through_ = false;
      plain_.reset();
    }
  }

 private:
  void write_registers(const Instruction& instruction) {
    const auto operands = instruction.operands();
    const bool plain =
        instruction.info.mnemonic == ZYDIS_MNEMONIC_MOV && operands.size() >= 2 && is_plain_source(operands[1]);
    for (const auto& operand : operands) {
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !writes(operand)) continue;
      if (const auto number = enclosing_gpr64_number(operand.reg.value))
        plain_.set(*number, plain && operand.size == 64);
    }
  }
  [[nodiscard]] bool is_plain_source(const ZydisDecodedOperand& source) const {
    if (source.type == ZYDIS_OPERAND_TYPE_REGISTER) return is_plain_pointer(source.reg.value);
    return source.type == ZYDIS_OPERAND_TYPE_MEMORY && source.mem.index == ZYDIS_REGISTER_NONE;
  }

  using Registers = std::bitset<16>;
  Registers plain_;
  bool falls_through_ = true;
  std::unordered_map<std::uint64_t, Registers> at_target_;
};

bool may_be_table_jump(const Instruction& instruction, const PointerOrigin& origin) {
  if (instruction.info.mnemonic != ZYDIS_MNEMONIC_JMP || direct_target(instruction)) return false;
  const auto& operand = instruction.all_operands[0];
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) return !origin.is_plain_pointer(operand.reg.value);
  return operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.index != ZYDIS_REGISTER_NONE;
}

}  // namespace

std::uint64_t function_end(const ElfFile& file, std::uint64_t function_address) {
  const auto functions = file.functions();
  auto symbol = std::ranges::lower_bound(functions, function_address, {}, &Symbol::address);
  std::uint64_t size_bytes = 0;
  for (; symbol != functions.end() && symbol->address == function_address; ++symbol)
    size_bytes = std::max(size_bytes, symbol->size_bytes);
  if (size_bytes != 0) return function_address + std::min(size_bytes, kMaxFunctionBytes);
  const std::uint64_t guess = function_address + kGuessedFunctionBytes;
  return symbol == functions.end() ? guess : std::min(guess, symbol->address);
}

std::optional<std::uint64_t> lowest_jump_target(const ElfFile& file, std::uint64_t function_address,
                                                std::uint64_t last) {
  const std::uint64_t first = function_address + 1;
  const auto segment = file.code_segment(function_address);
  const std::uint64_t segment_end = segment.address + segment.bytes.size();
  if (function_address < segment.address || last >= segment_end) return first;
  std::vector<Branch> branches;
  find_near_branches(segment, first, last, branches);
  find_short_branches(segment, first, last, branches);
  std::ranges::sort(branches, {}, &Branch::target);
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (i == kMaxDismissedBranches || !is_surely_no_branch(file, branches[i])) return branches[i].target;
  }
  return std::nullopt;
}

bool may_dispatch_through_table(const ElfFile& file, std::uint64_t function_address) {
  const auto code = file.read_code(function_address, function_end(file, function_address) - function_address);
  PointerOrigin origin;
  std::size_t offset = 0;
  while (offset < code.size()) {
    const auto instruction = decode(code, function_address, offset);
    if (!instruction) return true;
    origin.arrive(instruction->address);
    if (may_be_table_jump(*instruction, origin)) return true;
    origin.apply(*instruction);
    offset += instruction->info.length;
  }
  return false;
}

}  // namespace poolscope::elf

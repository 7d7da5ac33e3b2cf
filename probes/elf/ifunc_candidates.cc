#include <algorithm>
#include <optional>
#include <ranges>

#include "probes/elf/jump_targets.h"
#include "probes/elf/probe_point.h"
#include "probes/elf/x86_instruction.h"

namespace poolscope::elf {
namespace {

constexpr std::uint64_t kMaxResolverBytes = 4096;
constexpr unsigned kMaxResolverInstructions = 1024;

// The address an instruction loads into a register: `lea reg, [rip + x]`, or `mov reg, x` in code of a fixed address.
std::optional<std::uint64_t> loaded_address(const Instruction& instruction) {
  const auto operands = instruction.operands();
  if (operands.size() < 2 || operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER) return std::nullopt;
  const auto& source = operands[1];
  if (instruction.info.mnemonic == ZYDIS_MNEMONIC_LEA && source.mem.base == ZYDIS_REGISTER_RIP)
    return instruction.end_address() + static_cast<std::uint64_t>(source.mem.disp.value);
  if (instruction.info.mnemonic == ZYDIS_MNEMONIC_MOV && source.type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
      operands[0].size >= 32)
    return source.imm.value.u;
  return std::nullopt;
}

// A resolver also loads addresses of data and plain numbers. With all symbols known, only the start of a function will do;
// the functions behind an IFUNC are local, so a file with nothing but exported symbols cannot name them.
bool can_be_function(const ElfFile& file, std::uint64_t address) {
  if (!file.file_offset(address)) return false;
  const Symbol* symbol = file.function_at(address);
  const bool is_start = symbol != nullptr && symbol->address == address;
  if (file.has_full_symbols()) return is_start;
  return is_start || symbol == nullptr || symbol->size_bytes == 0 || address - symbol->address >= symbol->size_bytes;
}

}  // namespace

std::vector<std::uint64_t> ifunc_candidates(const ElfFile& file, std::uint64_t resolver_address) {
  const std::uint64_t function_bytes = function_end(file, resolver_address) - resolver_address;
  const auto code = file.read_code(resolver_address, std::min(function_bytes, kMaxResolverBytes));
  std::vector<std::uint64_t> found;
  std::size_t offset = 0;
  for (unsigned count = 0; count < kMaxResolverInstructions; ++count) {
    const auto instruction = decode(code, resolver_address, offset);
    if (!instruction) break;
    const auto address = loaded_address(*instruction);
    if (address && *address != resolver_address && can_be_function(file, *address)) found.push_back(*address);
    offset += instruction->info.length;
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace poolscope::elf

#include "probes/go/function_code.h"

#include <algorithm>

namespace poolscope::go {
namespace {

constexpr std::uint8_t kPadding = 0xcc;
constexpr std::uint64_t kMaxFunctionBytes = kMaxFunctionInstructions * elf::kMaxInstructionBytes;

bool stops(const elf::Instruction& instruction) {
  const auto mnemonic = instruction.info.mnemonic;
  return mnemonic == ZYDIS_MNEMONIC_UD2 || mnemonic == ZYDIS_MNEMONIC_INT3 || mnemonic == ZYDIS_MNEMONIC_HLT;
}

}  // namespace

bool is_conditional_jump(const elf::Instruction& instruction) {
  return instruction.info.meta.category == ZYDIS_CATEGORY_COND_BR;
}

std::optional<FunctionCode> FunctionCode::read(const elf::ElfFile& file, std::uint64_t address,
                                               std::uint64_t size_bytes) {
  if (size_bytes > kMaxFunctionBytes) return std::nullopt;
  auto bytes = file.read_code(address, size_bytes);
  if (bytes.size() != size_bytes) return std::nullopt;
  while (!bytes.empty() && bytes.back() == kPadding) bytes.pop_back();
  FunctionCode code;
  for (std::size_t offset = 0; offset < bytes.size();) {
    auto instruction = elf::decode(bytes, address, offset);
    if (!instruction || code.instructions_.size() == kMaxFunctionInstructions) return std::nullopt;
    offset += instruction->info.length;
    code.instructions_.push_back(*instruction);
  }
  if (code.instructions_.empty()) return std::nullopt;
  return code;
}

std::optional<std::size_t> FunctionCode::index_of(std::uint64_t address) const {
  const auto found = std::ranges::lower_bound(instructions_, address, {}, &elf::Instruction::address);
  if (found == instructions_.end() || found->address != address) return std::nullopt;
  return static_cast<std::size_t>(found - instructions_.begin());
}

FunctionCode::Successors FunctionCode::successors(std::size_t index) const {
  const elf::Instruction& instruction = instructions_[index];
  const auto category = instruction.info.meta.category;
  Successors result;
  const bool falls_through =
      category != ZYDIS_CATEGORY_UNCOND_BR && category != ZYDIS_CATEGORY_RET && !stops(instruction);
  if (falls_through && index + 1 < size()) result.next = index + 1;
  result.leaves = category == ZYDIS_CATEGORY_RET;
  if (category != ZYDIS_CATEGORY_UNCOND_BR && category != ZYDIS_CATEGORY_COND_BR) return result;
  const auto target = elf::direct_target(instruction);
  if (target == instructions_.front().address) {
    result.restarts = true;
  } else {
    if (target) result.target = index_of(*target);
    result.leaves = !result.target;
  }
  return result;
}

bool FunctionCode::has_indirect_jump() const {
  return std::ranges::any_of(instructions_, [](const elf::Instruction& instruction) {
    return instruction.info.meta.category == ZYDIS_CATEGORY_UNCOND_BR && !elf::direct_target(instruction);
  });
}

FunctionCode::Reach FunctionCode::reach(std::vector<std::size_t> starts, std::optional<std::size_t> barrier) const {
  Reach result{std::vector<bool>(size()), false};
  while (!starts.empty()) {
    const std::size_t index = starts.back();
    starts.pop_back();
    if (result.visited[index]) continue;
    result.visited[index] = true;
    if (index == barrier) continue;
    const Successors after = successors(index);
    result.leaves = result.leaves || after.leaves;
    if (after.next) starts.push_back(*after.next);
    if (after.target) starts.push_back(*after.target);
  }
  return result;
}

bool FunctionCode::runs_once_per_call(std::size_t index) const {
  return !reach({0}, index).leaves && runs_at_most_once_per_call(index);
}

bool FunctionCode::runs_at_most_once_per_call(std::size_t index) const {
  const Successors after = successors(index);
  std::vector<std::size_t> starts;
  if (after.next) starts.push_back(*after.next);
  if (after.target) starts.push_back(*after.target);
  return !reach(std::move(starts), std::nullopt).visited[index];
}

}  // namespace poolscope::go

#include "probes/go/value_flow.h"

#include <algorithm>

namespace poolscope::go {
namespace {

constexpr std::int64_t kWordBytes = 8;
constexpr std::uint32_t kSlotBase = 16;  // Value::base of a joined slot: no register has this number
constexpr std::int64_t kPassedVariableBytes =
    16;  // an interface, the largest thing whose address these functions pass on
constexpr std::int64_t kMaxFrameBytes = 1 << 20;
constexpr std::uint32_t kRsp = static_cast<std::uint32_t>(elf::Register::kRsp);

bool is_kept_by_calls(std::uint32_t number) {
  return number == kRsp || number == ValueFlow::number(elf::Register::kRbp) ||
         number == ValueFlow::number(elf::Register::kR14);
}

std::optional<unsigned> register64(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return std::nullopt;
  return elf::gpr64_number(operand.reg.value);
}

bool is_word_in_memory(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.size == 64 && operand.mem.type == ZYDIS_MEMOP_TYPE_MEM;
}

bool is_immediate(const ZydisDecodedOperand& operand, std::int64_t value) {
  return operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand.imm.value.s == value;
}

bool writes_zero_flag(const elf::Instruction& instruction) {
  const auto* flags = instruction.info.cpu_flags;
  if (flags == nullptr) return false;
  return ((flags->modified | flags->set_0 | flags->set_1 | flags->undefined) & ZYDIS_CPUFLAG_ZF) != 0;
}

}  // namespace

std::optional<ValueId> StackSlots::find(std::int64_t offset) const {
  const auto found = std::ranges::find(slots_, offset, &Slot::offset);
  if (found == slots_.end()) return std::nullopt;
  return found->value;
}

void StackSlots::set(std::int64_t offset, ValueId value) {
  const auto found = std::ranges::find(slots_, offset, &Slot::offset);
  if (found != slots_.end()) {
    found->value = value;
  } else if (slots_.size() < kMaxSlots) {
    slots_.push_back({offset, value});
  }
}

void StackSlots::forget(std::int64_t offset, std::int64_t bytes) {
  std::erase_if(slots_,
                [&](const Slot& slot) { return slot.offset > offset - kWordBytes && slot.offset < offset + bytes; });
}

std::optional<ValueFlow> ValueFlow::run(const FunctionCode& code) {
  ValueFlow flow(code);
  if (!flow.run_to_fixpoint()) return std::nullopt;
  return flow;
}

ValueId ValueFlow::intern(const Value& value) {
  const auto [known, is_new] = ids_.try_emplace(value, static_cast<ValueId>(values_.size()));
  if (is_new) values_.push_back(value);
  return known->second;
}

ValueFlow::State ValueFlow::state_at_entry() {
  State entry;
  for (std::uint32_t i = 0; i < entry.registers.size(); ++i)
    entry.registers[i] = intern({Value::Kind::kAtEntry, i, 0, 0});
  entry.registers[kRsp] = intern({Value::Kind::kStackAddress, 0, 0, 0});
  return entry;
}

bool ValueFlow::run_to_fixpoint() {
  std::vector<std::vector<std::size_t>> comes_from(code_->size());
  for (std::size_t i = 0; i < code_->size(); ++i) {
    const auto after = code_->successors(i);
    if (after.next) comes_from[*after.next].push_back(i);
    if (after.target && after.target != after.next) comes_from[*after.target].push_back(i);
  }
  std::vector<std::optional<State>> states_after(code_->size());
  std::vector<std::size_t> work{0};
  for (std::size_t steps = 0; !work.empty();) {
    const std::size_t index = work.back();
    work.pop_back();
    steps += 1 + comes_from[index].size();
    if (steps > kMaxSteps) return false;
    State state = index == 0 ? state_at_entry() : join(index, comes_from[index], states_after);
    if (states_[index] == state) continue;
    states_[index] = state;
    step((*code_)[index], state);
    states_after[index] = std::move(state);
    const auto after = code_->successors(index);
    if (after.next) work.push_back(*after.next);
    if (after.target) work.push_back(*after.target);
  }
  return true;
}

// What is known where control comes from several instructions. A value that once was a joined one stays so: that is
// what brings the iteration to an end.
ValueFlow::State ValueFlow::join(std::size_t index, const std::vector<std::size_t>& comes_from,
                                 const std::vector<std::optional<State>>& states_after) {
  const std::uint64_t where = (*code_)[index].address;
  std::optional<State> result;
  const auto meet = [&](ValueId& value, ValueId other, const Value& join) {
    if (value != other) value = intern(join);
  };
  for (const std::size_t from : comes_from) {
    const auto& incoming = states_after[from];
    if (!incoming) continue;
    if (!result) {
      result = incoming;
      continue;
    }
    for (std::uint32_t i = 0; i < result->registers.size(); ++i)
      meet(result->registers[i], incoming->registers[i], {Value::Kind::kJoined, i, 0, where});
    result->slots.change_all([&](StackSlots::Slot& slot) {
      const auto other = incoming->slots.find(slot.offset);
      if (other) meet(slot.value, *other, {Value::Kind::kJoined, kSlotBase, slot.offset, where});
      return other.has_value();
    });
    if (result->compared_with_zero != incoming->compared_with_zero) result->compared_with_zero.reset();
  }
  if (comes_from.size() > 1 && states_[index]) keep_joined(*states_[index], where, *result);
  return *result;
}

void ValueFlow::keep_joined(const State& before, std::uint64_t where, State& now) {
  const auto is_joined_here = [&](ValueId id) {
    return values_[id].kind == Value::Kind::kJoined && values_[id].where == where;
  };
  for (std::size_t i = 0; i < now.registers.size(); ++i) {
    if (is_joined_here(before.registers[i])) now.registers[i] = before.registers[i];
  }
  now.slots.change_all([&](StackSlots::Slot& slot) {
    const auto known = before.slots.find(slot.offset);
    if (known && is_joined_here(*known)) slot.value = *known;
    return true;
  });
}

std::optional<std::int64_t> ValueFlow::stack_offset(ValueId id) const {
  const Value& value = values_[id];
  if (value.kind != Value::Kind::kStackAddress) return std::nullopt;
  return value.offset;
}

std::optional<ValueFlow::Place> ValueFlow::place_of(const elf::Instruction& instruction,
                                                    const ZydisDecodedOperand& operand, const State& state) {
  if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.index != ZYDIS_REGISTER_NONE ||
      (operand.mem.segment != ZYDIS_REGISTER_DS && operand.mem.segment != ZYDIS_REGISTER_SS))
    return std::nullopt;
  const std::int64_t displacement = operand.mem.disp.has_displacement ? operand.mem.disp.value : 0;
  if (operand.mem.base == ZYDIS_REGISTER_RIP) {
    const auto address =
        static_cast<std::int64_t>(instruction.end_address() + static_cast<std::uint64_t>(displacement));
    return Place{intern({Value::Kind::kAddress, 0, address, 0}), 0};
  }
  const auto base = elf::gpr64_number(operand.mem.base);
  if (!base) return std::nullopt;
  return Place{state.registers[*base], displacement};
}

ValueId ValueFlow::load(const Place& place, std::uint64_t where, State& state) {
  const auto stack = stack_offset(place.base);
  if (!stack) return intern({Value::Kind::kLoaded, place.base, place.offset, where});
  const std::int64_t slot = *stack + place.offset;
  if (const auto known = state.slots.find(slot)) return *known;
  const ValueId value = intern({Value::Kind::kLoaded, place.base, place.offset, where});
  state.slots.set(slot, value);
  return value;
}

void ValueFlow::store(const ZydisDecodedOperand& operand, const elf::Instruction& instruction,
                      std::optional<ValueId> value, State& state) {
  const auto place = place_of(instruction, operand, state);
  if (!place) return;
  const auto stack = stack_offset(place->base);
  if (!stack) return;
  const std::int64_t slot = *stack + place->offset;
  state.slots.forget(slot, operand.size / 8);
  if (value && operand.size == 64) state.slots.set(slot, *value);
}

void ValueFlow::step(const elf::Instruction& instruction, State& state) {
  if (instruction.info.meta.category == ZYDIS_CATEGORY_CALL) return step_call(instruction, state);
  const auto compared = value_compared_with_zero(instruction, state);
  if (!step_move(instruction, state) && !step_stack(instruction, state)) step_rest(instruction, state);
  if (writes_zero_flag(instruction)) state.compared_with_zero = compared;
}

void ValueFlow::step_call(const elf::Instruction& instruction, State& state) {
  for (std::uint32_t i = 0; i < state.registers.size(); ++i) {
    if (is_kept_by_calls(i)) continue;
    if (const auto passed = stack_offset(state.registers[i])) state.slots.forget(*passed, kPassedVariableBytes);
    state.registers[i] = intern({Value::Kind::kMade, i, 0, instruction.address});
  }
  state.compared_with_zero.reset();
}

std::optional<ValueId> ValueFlow::value_compared_with_zero(const elf::Instruction& instruction, State& state) {
  const auto operands = instruction.operands();
  if (instruction.info.operand_count_visible != 2) return std::nullopt;
  const auto first = register64(operands[0]);
  if (instruction.info.mnemonic == ZYDIS_MNEMONIC_TEST && first && first == register64(operands[1]))
    return state.registers[*first];
  if (instruction.info.mnemonic != ZYDIS_MNEMONIC_CMP || !is_immediate(operands[1], 0)) return std::nullopt;
  if (first) return state.registers[*first];
  if (!is_word_in_memory(operands[0])) return std::nullopt;
  const auto place = place_of(instruction, operands[0], state);
  if (!place) return std::nullopt;
  return load(*place, instruction.address, state);
}

// Moves between registers and 64-bit memory. False when the instruction is none, or its source is not known.
bool ValueFlow::step_move(const elf::Instruction& instruction, State& state) {
  const auto operands = instruction.operands();
  const auto mnemonic = instruction.info.mnemonic;
  if ((mnemonic != ZYDIS_MNEMONIC_MOV && mnemonic != ZYDIS_MNEMONIC_LEA) || operands.size() < 2) return false;
  const auto to = register64(operands[0]);
  const auto from = register64(operands[1]);
  if (to && from) {
    state.registers[*to] = state.registers[*from];
    return true;
  }
  if (from) {
    store(operands[0], instruction, state.registers[*from], state);
    return true;
  }
  const auto place = to ? place_of(instruction, operands[1], state) : std::nullopt;
  if (!place) return false;
  if (mnemonic == ZYDIS_MNEMONIC_MOV) {
    state.registers[*to] = load(*place, instruction.address, state);
    return true;
  }
  Value address = values_[place->base];
  if (address.kind != Value::Kind::kStackAddress && address.kind != Value::Kind::kAddress) return false;
  address.offset += place->offset;
  state.registers[*to] = intern(address);
  return true;
}

// Pushes, pops, and additions to a stack address.
bool ValueFlow::step_stack(const elf::Instruction& instruction, State& state) {
  const auto operands = instruction.operands();
  const auto mnemonic = instruction.info.mnemonic;
  const auto rsp = stack_offset(state.registers[kRsp]);
  if (operands.empty()) return false;
  const auto first = register64(operands[0]);
  if (!first) return false;
  ValueId& named = state.registers[*first];
  if (mnemonic == ZYDIS_MNEMONIC_PUSH && rsp) {
    const ValueId pushed = named;
    state.registers[kRsp] = intern({Value::Kind::kStackAddress, 0, *rsp - kWordBytes, 0});
    state.slots.forget(*rsp - kWordBytes, kWordBytes);
    state.slots.set(*rsp - kWordBytes, pushed);
    return true;
  }
  if (mnemonic == ZYDIS_MNEMONIC_POP && rsp) {
    named = load({state.registers[kRsp], 0}, instruction.address, state);
    state.registers[kRsp] = intern({Value::Kind::kStackAddress, 0, *rsp + kWordBytes, 0});
    return true;
  }
  const bool adds = mnemonic == ZYDIS_MNEMONIC_ADD, subtracts = mnemonic == ZYDIS_MNEMONIC_SUB;
  if ((!adds && !subtracts) || operands[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return false;
  const auto before = stack_offset(named);
  if (!before) return false;
  const std::int64_t bytes = operands[1].imm.value.s;  // a sign-extended 32-bit value
  const std::int64_t after = adds ? *before + bytes : *before - bytes;
  if (after < -kMaxFrameBytes || after > kMaxFrameBytes) return false;
  named = intern({Value::Kind::kStackAddress, 0, after, 0});
  return true;
}

void ValueFlow::step_rest(const elf::Instruction& instruction, State& state) {
  for (const auto& operand : instruction.operands()) {
    if (!elf::writes(operand)) continue;
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) store(operand, instruction, std::nullopt, state);
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    if (const auto number = elf::enclosing_gpr64_number(operand.reg.value))
      state.registers[*number] = intern({Value::Kind::kMade, *number, 0, instruction.address});
  }
}

std::optional<ValueFlow::Store> ValueFlow::store_to_variable(const elf::Instruction& instruction, const State& state) {
  const auto operands = instruction.operands();
  if (instruction.info.mnemonic != ZYDIS_MNEMONIC_MOV || operands.size() < 2 || !is_word_in_memory(operands[0]))
    return std::nullopt;
  const auto from = register64(operands[1]);
  const auto place = place_of(instruction, operands[0], state);
  if (!from || !place) return std::nullopt;
  const Value& base = values_[place->base];
  if (base.kind != Value::Kind::kAddress) return std::nullopt;
  return Store{static_cast<std::uint64_t>(base.offset + place->offset), state.registers[*from]};
}

std::optional<ValueLocation> ValueFlow::locate(ValueId id, const State& state) const {
  for (std::uint32_t i = 0; i < state.registers.size(); ++i) {
    if (i != kRsp && state.registers[i] == id)
      return ValueLocation{ValueLocation::Kind::kRegister, static_cast<elf::Register>(i), 0};
  }
  const auto rsp = stack_offset(state.registers[kRsp]);
  if (!rsp) return std::nullopt;
  for (const auto& [slot, value] : state.slots.all()) {
    const std::int64_t offset = slot - *rsp;
    if (value == id && 0 <= offset && offset <= kMaxFrameBytes)
      return ValueLocation{ValueLocation::Kind::kStack, elf::Register::kRsp, static_cast<std::int32_t>(offset)};
  }
  return std::nullopt;
}

}  // namespace poolscope::go

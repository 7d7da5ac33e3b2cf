#pragma once
// ValueFlow: which value every register and stack slot of a function holds before each instruction, by abstract
// execution.
//
// A value is a name for "whatever this expression gave": an argument, a word loaded through another value, the result
// of a call, the meeting of two values where control flow joins. Two places with the same value hold the same bits in
// every run.
//   Stack    slots of 8 bytes, by their offset from rsp at the entry (where the return address is). A slot whose
//            address is passed to a call is forgotten, as far as an interface reaches; other memory writes are taken
//            not to hit the frame.
//   Calls    of Go functions keep rsp, rbp and r14 (the goroutine) and nothing else.
//   Hostile  bounded by kMaxSteps abstract steps; a function that needs more gives nothing.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "probes/elf/probe_point.h"
#include "probes/go/function_code.h"

namespace poolscope::go {

inline constexpr std::size_t kMaxSteps = 20'000;
inline constexpr std::size_t kMaxSlots = 64;

using ValueId = std::uint32_t;

struct Value {
  enum class Kind {
    kAtEntry,       // of register `base` when the function was called
    kStackAddress,  // rsp at the entry + offset
    kAddress,       // the constant address `offset`
    kLoaded,        // the word at value `base` + offset, as read by the instruction at `where`
    kMade,          // what the instruction at `where` left in register `base`: a computation or a call
    kJoined,        // register `base` (16: the slot at `offset`) where control flow joins at `where`
  };
  Kind kind = Kind::kMade;
  std::uint32_t base = 0;
  std::int64_t offset = 0;
  std::uint64_t where = 0;
  // clang-tidy 14 takes a defaulted <=> for a null pointer
  auto operator<=>(const Value&) const = default;  // NOLINT(modernize-use-nullptr): sees a pointer in 0
};

// Where a value is at a probe point.
struct ValueLocation {
  enum class Kind { kRegister, kStack };
  Kind kind = Kind::kRegister;
  elf::Register reg = elf::Register::kRax;  // kRegister
  std::int32_t rsp_offset = 0;              // kStack: at rsp + this

  bool operator==(const ValueLocation&) const = default;
};

// The slots of a frame whose values are known, at most kMaxSlots: of more, the later ones stay unknown.
class StackSlots {
 public:
  struct Slot {
    std::int64_t offset = 0;
    ValueId value = 0;
    bool operator==(const Slot&) const = default;
  };
  [[nodiscard]] std::optional<ValueId> find(std::int64_t offset) const;
  void set(std::int64_t offset, ValueId value);
  // All that overlap the `bytes` at `offset`.
  void forget(std::int64_t offset, std::int64_t bytes);
  // Calls `change(slot)` for each, which may change its value; false forgets the slot.
  template <typename Change>
  void change_all(Change change) {
    std::erase_if(slots_, [&](Slot& slot) { return !change(slot); });
  }
  [[nodiscard]] std::span<const Slot> all() const { return slots_; }
  bool operator==(const StackSlots&) const = default;

 private:
  std::vector<Slot> slots_;  // in no order that matters; equal states were made in the same order
};

class ValueFlow {
 public:
  struct State {
    std::array<ValueId, 16> registers{};
    StackSlots slots;
    // the flags are those of comparing this value with 0: ZF says whether it is 0
    std::optional<ValueId> compared_with_zero;

    bool operator==(const State&) const = default;
  };
  struct Store {
    std::uint64_t address = 0;  // of the variable that is written
    ValueId value = 0;
  };

  // Nothing when it does not come to an end. `code` must outlive this.
  [[nodiscard]] static std::optional<ValueFlow> run(const FunctionCode& code);

  [[nodiscard]] const Value& value(ValueId id) const { return values_[id]; }
  // Before the instruction; nothing where no way from the entry leads to.
  [[nodiscard]] const std::optional<State>& before(std::size_t index) const { return states_[index]; }
  // The value that register `number` had when the function was called.
  [[nodiscard]] ValueId at_entry(elf::Register reg) { return intern({Value::Kind::kAtEntry, number(reg), 0, 0}); }

  // Executes one instruction.
  void step(const elf::Instruction& instruction, State& state);
  // The variable (an address in the instruction itself) that the instruction writes a 64-bit register to.
  [[nodiscard]] std::optional<Store> store_to_variable(const elf::Instruction& instruction, const State& state);
  [[nodiscard]] std::optional<ValueLocation> locate(ValueId id, const State& state) const;

  static std::uint32_t number(elf::Register reg) { return static_cast<std::uint32_t>(reg); }

 private:
  explicit ValueFlow(const FunctionCode& code) : code_(&code), states_(code.size()) {}

  struct Place {  // what a memory operand refers to
    ValueId base = 0;
    std::int64_t offset = 0;
  };
  ValueId intern(const Value& value);
  [[nodiscard]] std::optional<std::int64_t> stack_offset(ValueId id) const;
  [[nodiscard]] std::optional<Place> place_of(const elf::Instruction& instruction, const ZydisDecodedOperand& operand,
                                              const State& state);
  ValueId load(const Place& place, std::uint64_t where, State& state);
  void store(const ZydisDecodedOperand& operand, const elf::Instruction& instruction, std::optional<ValueId> value,
             State& state);
  void step_call(const elf::Instruction& instruction, State& state);
  std::optional<ValueId> value_compared_with_zero(const elf::Instruction& instruction, State& state);
  void step_rest(const elf::Instruction& instruction, State& state);
  bool step_move(const elf::Instruction& instruction, State& state);
  bool step_stack(const elf::Instruction& instruction, State& state);
  State state_at_entry();
  State join(std::size_t index, const std::vector<std::size_t>& comes_from,
             const std::vector<std::optional<State>>& states_after);
  void keep_joined(const State& before, std::uint64_t where, State& now);
  bool run_to_fixpoint();

  const FunctionCode* code_;
  std::vector<std::optional<State>> states_;
  std::vector<Value> values_;
  std::map<Value, ValueId> ids_;
};

}  // namespace poolscope::go

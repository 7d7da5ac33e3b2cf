#include "probes/elf/frame_program.h"

#include <vector>

#include <dwarf.h>

#include "probes/elf/byte_reader.h"
#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

// DWARF numbers of x86-64 registers (System V ABI, figure 3.36).
constexpr std::uint64_t kRbp = 6;
constexpr std::uint64_t kRsp = 7;
constexpr std::uint64_t kReturnAddress = 16;

// Where the caller's value of a register is.
struct Rule {
  enum class Kind { kUnchanged, kAtCfa, kOther };
  Kind kind = Kind::kOther;
  std::int64_t offset = 0;  // from the CFA, with kAtCfa
};

struct Row {
  bool cfa_is_constant = false;
  std::uint64_t cfa_register = 0;
  std::int64_t cfa_offset = 0;
  Rule rbp{Rule::Kind::kUnchanged, 0};
  Rule return_address;
};

// Offsets of hostile files overflow; the ABI's never come near it.
std::int64_t scaled(std::int64_t count, std::int64_t unit) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(count, unit, &product) ? 0 : product;
}

class Machine {
 public:
  Machine(const FrameProgram& program, std::uint64_t code_offset) : program_(program), wanted_(code_offset) {}

  std::optional<Row> run() {
    if (!run(program_.common)) return std::nullopt;
    initial_ = row_;
    at_ = 0;
    passed_ = false;
    return run(program_.own) ? std::optional(row_) : std::nullopt;
  }

 private:
  bool run(std::span<const std::uint8_t> instructions) {
    if (instructions.size() > kMaxFrameProgramBytes) return false;
    ByteReader reader(instructions);
    while (!reader.at_end() && !passed_) {
      if (!step(reader)) return false;
    }
    return !reader.failed();
  }

  // The upper two bits are an instruction with its operand in the other six, or 0 for the instructions without.
  bool step(ByteReader& reader) {
    const auto instruction = reader.fixed<std::uint8_t>();
    const std::uint64_t operand = instruction & 0x3f;
    switch (instruction & 0xc0) {
      case DW_CFA_advance_loc:
        return advance(operand);
      case DW_CFA_offset:
        return set(operand, at_cfa(static_cast<std::int64_t>(reader.uleb())));
      case DW_CFA_restore:
        return restore(operand);
      default:
        return step_plain(instruction, reader);
    }
  }

  bool step_plain(std::uint8_t instruction, ByteReader& reader) {
    switch (instruction) {
      case DW_CFA_nop:
        return true;
      case DW_CFA_advance_loc1:
        return advance(reader.fixed<std::uint8_t>());
      case DW_CFA_advance_loc2:
        return advance(reader.fixed<std::uint16_t>());
      case DW_CFA_advance_loc4:
        return advance(reader.fixed<std::uint32_t>());
      case DW_CFA_remember_state:
        return remember();
      case DW_CFA_restore_state:
        return recall();
      case DW_CFA_GNU_args_size:
        reader.uleb();
        return true;
      case DW_CFA_def_cfa:
      case DW_CFA_def_cfa_sf:
      case DW_CFA_def_cfa_register:
      case DW_CFA_def_cfa_offset:
      case DW_CFA_def_cfa_offset_sf:
      case DW_CFA_def_cfa_expression:
        return define_cfa(instruction, reader);
      default:
        return set_register(instruction, reader);
    }
  }

  bool define_cfa(std::uint8_t instruction, ByteReader& reader) {
    if (instruction == DW_CFA_def_cfa_expression) {
      reader.skip(reader.uleb());
      row_.cfa_is_constant = false;
      return true;
    }
    const bool is_whole = instruction == DW_CFA_def_cfa || instruction == DW_CFA_def_cfa_sf;
    if (is_whole || instruction == DW_CFA_def_cfa_register) row_.cfa_register = reader.uleb();
    if (instruction == DW_CFA_def_cfa || instruction == DW_CFA_def_cfa_offset) {
      row_.cfa_offset = static_cast<std::int64_t>(reader.uleb());
    } else if (instruction != DW_CFA_def_cfa_register) {
      row_.cfa_offset = scaled(reader.sleb(), program_.data_alignment);
    }
    // After an expression only a whole definition makes the CFA constant again.
    row_.cfa_is_constant = row_.cfa_is_constant || is_whole;
    return true;
  }

  bool set_register(std::uint8_t instruction, ByteReader& reader) {
    const std::uint64_t number = reader.uleb();
    switch (instruction) {
      case DW_CFA_offset_extended:
        return set(number, at_cfa(static_cast<std::int64_t>(reader.uleb())));
      case DW_CFA_offset_extended_sf:
        return set(number, at_cfa(reader.sleb()));
      case DW_CFA_restore_extended:
        return restore(number);
      case DW_CFA_same_value:
        return set(number, {Rule::Kind::kUnchanged, 0});
      case DW_CFA_undefined:
        return set(number, {});
      case DW_CFA_register:
      case DW_CFA_val_offset:
        reader.uleb();
        return set(number, {});
      case DW_CFA_val_offset_sf:
        reader.sleb();
        return set(number, {});
      case DW_CFA_expression:
      case DW_CFA_val_expression:
        reader.skip(reader.uleb());
        return set(number, {});
      default:
        return false;  // set_loc, and what other machines and later versions have
    }
  }

  bool advance(std::uint64_t count) {
    std::uint64_t bytes = 0, next = 0;
    const bool overflows =
        __builtin_mul_overflow(count, program_.code_alignment, &bytes) || __builtin_add_overflow(at_, bytes, &next);
    passed_ = overflows || next > wanted_;
    at_ = next;
    return true;
  }
  Rule at_cfa(std::int64_t count) const { return {Rule::Kind::kAtCfa, scaled(count, program_.data_alignment)}; }
  bool set(std::uint64_t number, Rule rule) {
    if (number == kRbp) row_.rbp = rule;
    if (number == kReturnAddress) row_.return_address = rule;
    return true;
  }
  bool restore(std::uint64_t number) {
    if (number == kRbp) row_.rbp = initial_.rbp;
    if (number == kReturnAddress) row_.return_address = initial_.return_address;
    return true;
  }
  bool remember() {
    remembered_.push_back(row_);
    return remembered_.size() <= kMaxRememberedRows;
  }
  bool recall() {
    if (remembered_.empty()) return false;
    row_ = remembered_.back();
    remembered_.pop_back();
    return true;
  }

  const FrameProgram& program_;
  std::uint64_t wanted_;
  std::uint64_t at_ = 0;
  bool passed_ = false;  // the next row begins after the wanted code
  Row row_, initial_;
  std::vector<Row> remembered_;
};

}  // namespace

std::optional<FrameStep> run_frame_program(const FrameProgram& program, std::uint64_t code_offset) {
  const auto row = Machine(program, code_offset).run();
  if (!row || !row->cfa_is_constant || (row->cfa_register != kRsp && row->cfa_register != kRbp)) return std::nullopt;
  if (row->return_address.kind != Rule::Kind::kAtCfa || row->return_address.offset != -8) return std::nullopt;
  if (row->rbp.kind == Rule::Kind::kOther) return std::nullopt;
  FrameStep step;
  step.cfa_base = row->cfa_register == kRsp ? FrameStep::Base::kStackPointer : FrameStep::Base::kFramePointer;
  step.cfa_offset = row->cfa_offset;
  if (row->rbp.kind == Rule::Kind::kAtCfa) step.saved_rbp_at_cfa = row->rbp.offset;
  return step;
}

}  // namespace poolscope::elf

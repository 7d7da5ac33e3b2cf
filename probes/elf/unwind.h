#pragma once
// Unwinder: frame steps out of .eh_frame.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "probes/elf/elf_file.h"
#include "probes/elf/frame_program.h"
#include "probes/elf/image.h"

namespace poolscope::elf {

class Unwinder {
 public:
  // Lists which code has rows. `image` must outlive this.
  explicit Unwinder(const Image& image);
  // Nothing when there is no row for `address`, or when it says anything but constants.
  [[nodiscard]] std::optional<FrameStep> step(std::uint64_t address) const;

 private:
  // What the descriptions (FDEs) of many functions have in common.
  struct Common {
    std::span<const std::uint8_t> instructions;
    std::uint64_t code_alignment = 1;
    std::int64_t data_alignment = 1;
    std::uint8_t pointer_encoding = 0;
    bool has_sized_augmentation = false;
    bool is_usable = false;  // of a plain function on x86-64, with nothing in it that we do not know
  };
  struct Function {
    std::uint64_t start, end;
    std::span<const std::uint8_t> instructions;
    const Common* common;
  };
  void read_functions(const Image& image);
  [[nodiscard]] const Common& common_at(const unsigned char* ident, std::uint64_t offset);
  void add_function(const Common& common, std::span<const std::uint8_t> description);

  std::span<const std::uint8_t> bytes_;      // of .eh_frame
  std::uint64_t address_ = 0;                // where it is loaded
  std::map<std::uint64_t, Common> commons_;  // by offset in .eh_frame
  std::vector<Function> functions_;          // ascending by start
};

}  // namespace poolscope::elf

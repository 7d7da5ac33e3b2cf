#pragma once
// Unwinder: frame steps out of .eh_frame.

#include <cstdint>
#include <memory>
#include <optional>

#include "probes/elf/elf_file.h"
#include "probes/elf/image.h"

struct Dwarf_CFI_s;

namespace poolscope::elf {

class Unwinder {
 public:
  // `image` must outlive this.
  explicit Unwinder(const Image& image);
  // Nothing when there is no row for `address`, or when it says anything but constants.
  [[nodiscard]] std::optional<FrameStep> step(std::uint64_t address) const;

 private:
  struct EndCfi {
    void operator()(Dwarf_CFI_s* cfi) const;
  };
  std::unique_ptr<Dwarf_CFI_s, EndCfi> cfi_;  // nullptr: the file has no usable .eh_frame
};

}  // namespace poolscope::elf

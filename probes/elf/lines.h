#pragma once
// Lines: source file and line of an address, from DWARF.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "probes/elf/image.h"

struct Dwarf;

namespace poolscope::elf {

class Lines {
 public:
  // Reads which compilation unit covers what (not the lines themselves). `image` must outlive this.
  //   Trust  libdw never opens another file: not the .dwo files and not the dwz file that the image may name.
  explicit Lines(const Image& image);
  // "file.c:123", or empty.
  [[nodiscard]] std::string at(std::uint64_t address) const;

  [[nodiscard]] static bool present_in(const Image& image);

 private:
  struct Range {
    std::uint64_t start, end;
    std::uint64_t unit_offset;  // of the unit's DIE in .debug_info
  };
  struct EndDwarf {
    void operator()(Dwarf* dwarf) const;
  };
  void read_ranges();

  std::unique_ptr<Dwarf, EndDwarf> dwarf_;
  std::vector<Range> ranges_;  // ascending by start
};

}  // namespace poolscope::elf

#pragma once
// Disassembly: what `objdump -d` says of a whole file, as a second opinion that shares no code with probes/elf.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace poolscope::elf {

class Disassembly {
 public:
  struct Line {
    std::string mnemonic;  // AT&T: "push"
    std::string operands;  // "%r12"; without the "<symbol+offset>" note
  };

  // Nothing when objdump cannot be run or gives no instructions.
  [[nodiscard]] static std::optional<Disassembly> of(const std::string& path);

  [[nodiscard]] const Line* at(std::uint64_t address) const;
  // Whether a direct jump or call of the file goes to an address in (after, last].
  [[nodiscard]] bool has_jump_into(std::uint64_t after, std::uint64_t last) const;

  // The first emulated instruction of the straight-line start of a function at which each of the first `argument_count`
  // arguments is still in some register: where it is, and which registers hold the arguments ("rdi", ...).
  struct Eligible {
    std::uint64_t address = 0;
    std::vector<std::set<std::string>> holders;
  };
  [[nodiscard]] std::optional<Eligible> first_eligible(std::uint64_t entry, unsigned argument_count,
                                                       bool needs_return) const;

 private:
  std::map<std::uint64_t, Line> lines_;
  std::set<std::uint64_t> targets_;
};

}  // namespace poolscope::elf

#pragma once
// SymbolTable: the functions of one file, searched by address and by name.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/code_map.h"
#include "probes/elf/elf_file.h"
#include "probes/elf/image.h"

namespace poolscope::elf {

class SymbolTable {
 public:
  enum class Source { kDynamic, kFull };  // .dynsym, .symtab

  // Adds the defined functions of one table of `image` that lie in `code`. Says whether the table was there;
  // fails when it is damaged or too large.
  [[nodiscard]] Result<bool, ElfError> add(const Image& image, Source source, const CodeMap& code);
  // Sorts, merges what .dynsym and .symtab both have, and gives every function an end. After the last add().
  void finish(const CodeMap& code);

  // The rest only after finish(). By address; at one address exported names first, then the plainest.
  [[nodiscard]] std::span<const Symbol> functions() const { return functions_; }
  [[nodiscard]] std::vector<const Symbol*> find(std::string_view name) const;
  [[nodiscard]] const Symbol* at(std::uint64_t address) const;

 private:
  void merge_duplicates();
  void give_ends(const CodeMap& code);

  std::vector<Symbol> functions_;
  std::vector<std::uint32_t> by_name_;      // indices into functions_: by name, what a new link would bind to first
  std::vector<std::uint64_t> ends_before_;  // [i]: highest end of functions_[0..i]; how far back at() must look
  std::uint64_t name_bytes_ = 0;
};

}  // namespace poolscope::elf

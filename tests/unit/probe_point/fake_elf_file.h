#pragma once
// FakeElfFile: one executable segment whose bytes and symbols a test writes itself. Bytes nobody wrote are int3.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probes/elf/elf_file.h"

namespace poolscope::elf {

// "48 89 f8" as bytes.
inline std::vector<std::uint8_t> bytes_of(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  std::string digits;
  std::ranges::remove_copy(hex, std::back_inserter(digits), ' ');
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

class FakeElfFile : public ElfFile {
 public:
  static constexpr std::uint64_t kSegmentAddress = 0x401000;
  static constexpr std::uint64_t kSegmentFileOffset = 0x1000;
  static constexpr std::size_t kSegmentBytes = 0x2000;

  FakeElfFile() : code_(kSegmentBytes, 0xcc) {}

  FakeElfFile& code(std::uint64_t address, std::string_view hex) {
    std::ranges::copy(bytes_of(hex), code_.begin() + static_cast<std::ptrdiff_t>(address - kSegmentAddress));
    return *this;
  }
  FakeElfFile& symbol(std::string name, std::uint64_t address, std::uint64_t size_bytes) {
    symbols_.push_back({.name = std::move(name), .version = {}, .address = address, .size_bytes = size_bytes});
    std::ranges::sort(symbols_, {}, &Symbol::address);
    return *this;
  }
  FakeElfFile& ends_at(std::uint64_t address) {
    code_.resize(address - kSegmentAddress);
    return *this;
  }
  FakeElfFile& full_symbols(bool present) {
    full_symbols_ = present;
    return *this;
  }
  // The walk can read the function, but the segment as a whole cannot be read.
  FakeElfFile& without_segment() {
    has_segment_ = false;
    return *this;
  }

  const std::string& display_name() const override { return display_name_; }
  const std::string& build_id() const override { return build_id_; }
  std::string_view soname() const override { return {}; }
  bool is_shared_object_or_pie() const override { return true; }
  bool has_interpreter() const override { return false; }
  bool has_full_symbols() const override { return full_symbols_; }
  std::uint64_t entry_address() const override { return kSegmentAddress; }
  std::span<const Symbol> functions() const override { return symbols_; }
  std::vector<const Symbol*> find_function(std::string_view name) const override {
    std::vector<const Symbol*> found;
    for (const auto& symbol : symbols_)
      if (symbol.name == name) found.push_back(&symbol);
    return found;
  }
  const Symbol* function_at(std::uint64_t address) const override {
    const auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
    if (after == symbols_.begin()) return nullptr;
    const Symbol& symbol = *std::prev(after);
    return symbol.size_bytes == 0 || address < symbol.address + symbol.size_bytes ? &symbol : nullptr;
  }
  std::optional<std::uint64_t> file_offset(std::uint64_t address) const override {
    if (address < kSegmentAddress || address >= kSegmentAddress + code_.size()) return std::nullopt;
    return address - kSegmentAddress + kSegmentFileOffset;
  }
  std::optional<std::uint64_t> address_of_file_offset(std::uint64_t offset) const override {
    if (offset < kSegmentFileOffset || offset >= kSegmentFileOffset + code_.size()) return std::nullopt;
    return offset - kSegmentFileOffset + kSegmentAddress;
  }
  std::vector<std::uint8_t> read_code(std::uint64_t address, std::size_t max_bytes) const override {
    if (!file_offset(address)) return {};
    const auto rest = std::span(code_).subspan(address - kSegmentAddress);
    const auto part = rest.first(std::min(rest.size(), max_bytes));
    return {part.begin(), part.end()};
  }
  CodeSegment code_segment(std::uint64_t address) const override {
    if (!has_segment_ || !file_offset(address)) return {};
    return {kSegmentAddress, code_};
  }
  std::optional<FrameStep> frame_step(std::uint64_t) const override { return std::nullopt; }
  std::string source_line(std::uint64_t) const override { return {}; }

 private:
  std::string display_name_ = "libfake.so";
  std::string build_id_;
  std::vector<std::uint8_t> code_;
  std::vector<Symbol> symbols_;
  bool full_symbols_ = true;
  bool has_segment_ = true;
};

}  // namespace poolscope::elf

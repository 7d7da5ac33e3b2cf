#pragma once
// Debug information of types made up byte by byte, DWARF 4. For tests and fuzz targets.

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/unit/go/made_program.h"

namespace poolscope::go::test {

// The kinds of entries that make_type_abbreviations() describes, by their codes.
enum class Entry : std::uint8_t { kUnit = 1, kVariable, kStruct, kMember, kTypedef, kPointer, kArray };

// What kUnit and kStruct may have below them ends with a 0.
[[nodiscard]] inline Bytes make_type_abbreviations() {
  constexpr std::uint8_t kName = 0x03, kLocation = 0x02, kByteSize = 0x0b, kMemberLocation = 0x38, kType = 0x49;
  constexpr std::uint8_t kString = 0x08, kExpression = 0x18, kUnsigned = 0x0f, kReference = 0x13;
  constexpr std::uint8_t kEnd = 0;
  return {1, 0x11, 1, kEnd,  kEnd,                                                                  // unit
          2, 0x34, 0, kName, kString, kLocation,       kExpression, kType, kReference, kEnd, kEnd,  // variable
          3, 0x13, 1, kName, kString, kByteSize,       kUnsigned,   kEnd,  kEnd,                    // structure
          4, 0x0d, 0, kName, kString, kMemberLocation, kUnsigned,   kType, kReference, kEnd, kEnd,  // member
          5, 0x16, 0, kName, kString, kType,           kReference,  kEnd,  kEnd,                    // typedef
          6, 0x0f, 0, kName, kString, kType,           kReference,  kEnd,  kEnd,                    // pointer
          7, 0x01, 0, kName, kString, kByteSize,       kUnsigned,   kType, kReference, kEnd, kEnd, kEnd};
}

// One unit; references are offsets in it, as next() gives them.
class MadeTypes {
 public:
  MadeTypes() {
    append(bytes_, std::uint32_t{0});
    append(bytes_, std::uint16_t{4});
    append(bytes_, std::uint32_t{0});
    bytes_.push_back(8);
    bytes_.push_back(static_cast<std::uint8_t>(Entry::kUnit));
  }
  [[nodiscard]] std::uint32_t next() const { return static_cast<std::uint32_t>(bytes_.size()); }

  std::uint32_t variable(std::string_view name, std::uint64_t address, std::uint32_t type) {
    const std::uint32_t at = begin(Entry::kVariable, name);
    bytes_.push_back(9);
    bytes_.push_back(0x03);  // DW_OP_addr
    append(bytes_, address);
    append(bytes_, type);
    return at;
  }
  std::uint32_t begin_struct(std::string_view name, std::uint64_t size_bytes) {
    const std::uint32_t at = begin(Entry::kStruct, name);
    number(size_bytes);
    return at;
  }
  void member(std::string_view name, std::uint64_t offset, std::uint32_t type) {
    begin(Entry::kMember, name);
    number(offset);
    append(bytes_, type);
  }
  void end_struct() { bytes_.push_back(0); }
  std::uint32_t pool() {
    const std::uint32_t at = begin_struct("sync.Pool", 40);
    end_struct();
    return at;
  }
  std::uint32_t typedef_of(std::string_view name, std::uint32_t type) {
    const std::uint32_t at = begin(Entry::kTypedef, name);
    append(bytes_, type);
    return at;
  }
  std::uint32_t pointer_to(std::uint32_t type) {
    const std::uint32_t at = begin(Entry::kPointer, "p");
    append(bytes_, type);
    return at;
  }
  std::uint32_t array_of(std::uint32_t type, std::uint64_t size_bytes) {
    const std::uint32_t at = begin(Entry::kArray, "a");
    number(size_bytes);
    append(bytes_, type);
    return at;
  }

  // As it stands in .debug_info.
  [[nodiscard]] Bytes unit() const {
    Bytes bytes = bytes_;
    bytes.push_back(0);
    const auto length = static_cast<std::uint32_t>(bytes.size() - sizeof(std::uint32_t));
    for (unsigned i = 0; i < sizeof length; ++i) bytes[i] = static_cast<std::uint8_t>(length >> (8 * i));
    return bytes;
  }

 private:
  std::uint32_t begin(Entry entry, std::string_view name) {
    const std::uint32_t at = next();
    bytes_.push_back(static_cast<std::uint8_t>(entry));
    append_text(bytes_, name);
    bytes_.push_back(0);
    return at;
  }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }

  Bytes bytes_;
};

}  // namespace poolscope::go::test

#pragma once
// ByteReader: takes little-endian values off the front of foreign bytes.
//   Misuse  reading past the end, or a LEB128 number above 64 bits, gives 0 and makes failed() true for good.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace poolscope::elf {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return failed_ || position_ == bytes_.size(); }
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::span<const std::uint8_t> rest() const {
    return bytes_.subspan(failed_ ? bytes_.size() : position_);
  }

  template <typename T>
  T fixed() {
    T value{};
    if (!has(sizeof value)) return value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }
  void skip(std::uint64_t count) {
    if (has(count)) position_ += static_cast<std::size_t>(count);
  }
  std::uint64_t uleb() { return leb(/*is_signed=*/false); }
  std::int64_t sleb() { return static_cast<std::int64_t>(leb(/*is_signed=*/true)); }

 private:
  bool has(std::uint64_t count) {
    failed_ = failed_ || count > bytes_.size() - position_;
    return !failed_;
  }
  std::uint64_t leb(bool is_signed) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) != 0) continue;
      const bool is_negative = is_signed && (byte & 0x40) != 0 && shift + 7 < 64;
      return is_negative ? value | (~std::uint64_t{0} << (shift + 7)) : value;
    }
    failed_ = true;
    return 0;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace poolscope::elf

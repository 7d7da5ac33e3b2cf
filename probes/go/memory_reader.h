#pragma once
// MemoryReader: where bytes of a program come from, by address: its file (FileMemory), or a process that runs it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace poolscope::go {

class MemoryReader {
 public:
  virtual ~MemoryReader() = default;
  // All of `into`, or false; then what is in it means nothing.
  [[nodiscard]] virtual bool read(std::uint64_t address, std::span<std::byte> into) const = 0;

  template <typename T>
  [[nodiscard]] std::optional<T> value(std::uint64_t address) const {
    T result{};
    if (!read(address, std::as_writable_bytes(std::span(&result, 1)))) return std::nullopt;
    return result;
  }
};

}  // namespace poolscope::go

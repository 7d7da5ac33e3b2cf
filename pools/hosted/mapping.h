#pragma once
// Mapping: owns a shared mapping of a memfd. Both sides of a hosted pool use it; children of a fork() do not have it.

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/mman.h>

#include "poolscope/result.h"

namespace poolscope::hosted {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : base_(std::exchange(other.base_, nullptr)), bytes_(other.bytes_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping() {
    if (base_ != nullptr) ::munmap(base_, bytes_);
  }

  // Fails with the errno.
  [[nodiscard]] static Result<Mapping, int> of(int fd, std::size_t bytes, int protection) {
    return map(nullptr, fd, bytes, protection);
  }
  // Another memfd at the same addresses, in one step: threads that read meanwhile see the one or the other. 0 or the errno.
  [[nodiscard]] int replace(int fd, int protection) {
    auto fresh = map(base_, fd, bytes_, protection);
    if (!fresh) return fresh.error();
    fresh->base_ = nullptr;  // it is this one's
    return 0;
  }

  // In the child of a fork(), which does not have it.
  void forget() noexcept { base_ = nullptr; }

  [[nodiscard]] void* base() const noexcept { return base_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static Result<Mapping, int> map(void* where, int fd, std::size_t bytes, int protection) {
    const int place = where == nullptr ? 0 : MAP_FIXED;
    void* base = ::mmap(where, bytes, protection, MAP_SHARED | MAP_NORESERVE | place, fd, 0);
    if (base == MAP_FAILED) return Failure{errno};
    Mapping mapping;
    mapping.base_ = base;
    mapping.bytes_ = bytes;
    if (::madvise(base, bytes, MADV_DONTFORK) != 0 && where == nullptr) return Failure{errno};
    return mapping;
  }

  void* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace poolscope::hosted

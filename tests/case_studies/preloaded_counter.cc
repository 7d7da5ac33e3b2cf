#include "tests/case_studies/preloaded_counter.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <poolscope/unique_fd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poolscope::case_study {
namespace {

// Of struct counter_file: a header and 255 slots of a cache line each.
constexpr std::size_t kSlotWords = 8, kLines = 256;
enum Word { kAllocations, kAllocatedBytes, kReallocations, kReallocatedBytes };

}  // namespace

PreloadedCounter::PreloadedCounter() {
  const char* const prefix = std::getenv("POOLSCOPE_COUNTER_FILE");
  if (prefix == nullptr)
    throw std::runtime_error("nothing counts: POOLSCOPE_COUNTER_FILE and LD_PRELOAD=counter_preload.so are not set");
  const std::string path = std::string(prefix) + "." + std::to_string(::getpid());
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw std::runtime_error("nothing counts: cannot open " + path + "; is counter_preload.so preloaded?");
  void* const mapped =
      ::mmap(nullptr, kLines * kSlotWords * sizeof(std::uint64_t), PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  words_ = {static_cast<const volatile std::uint64_t*>(mapped), kLines * kSlotWords};
}

PreloadedCounter::~PreloadedCounter() {
  ::munmap(const_cast<std::uint64_t*>(words_.data()), words_.size_bytes());
}

Allocated PreloadedCounter::read() const {
  Allocated sum;
  for (std::size_t slot = kSlotWords; slot < words_.size(); slot += kSlotWords) {
    sum.allocations += words_[slot + kAllocations] + words_[slot + kReallocations];
    sum.bytes += words_[slot + kAllocatedBytes] + words_[slot + kReallocatedBytes];
  }
  return sum;
}

}  // namespace poolscope::case_study

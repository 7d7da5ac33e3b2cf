#pragma once
// Words of a hosted pool for tests, in memory that children of a fork() share, and a walk over them that uses nothing of the code
// under test but the layout of a slot word.

#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include <sys/mman.h>

#include "pools/hosted/audit.h"
#include "poolscope/detail/hosted_words.h"

namespace poolscope::hosted::test {

class SharedWords {
 public:
  explicit SharedWords(std::uint32_t buffers) : buffers_(buffers), bytes_(detail::HostedWords<>::bytes_for(buffers)) {
    base_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) std::abort();
    hint_all();
  }
  // A copy of the words at `base`.
  SharedWords(const void* base, std::uint32_t buffers) : SharedWords(buffers) { std::memcpy(base_, base, bytes_); }
  SharedWords(const SharedWords& other) : SharedWords(other.base_, other.buffers_) {}
  SharedWords& operator=(const SharedWords&) = delete;
  ~SharedWords() { ::munmap(base_, bytes_); }

  [[nodiscard]] void* base() const { return base_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint32_t buffers() const { return buffers_; }
  [[nodiscard]] detail::HostedWords<> words() const { return {base_, buffers_}; }
  template <typename Races>
  [[nodiscard]] detail::HostedWords<Races> words_with() const {
    return {base_, buffers_};
  }

 private:
  void hint_all() { (void)HostedAudit(base_, buffers_).pass(buffers_, LiveClients{}); }

  std::uint32_t buffers_;
  std::size_t bytes_;
  void* base_;
};

inline LiveClients live(std::initializer_list<std::uint16_t> clients) {
  LiveClients all{};
  for (const auto client : clients) all[client] = true;
  return all;
}

// Every slot once, read from the end of the memory: how many of them whom belong to; 0: free.
inline std::map<std::uint32_t, std::uint32_t> holders(const void* base, std::size_t bytes, std::uint32_t buffers) {
  std::vector<std::uint64_t> slots(buffers);
  std::memcpy(slots.data(), static_cast<const std::byte*>(base) + bytes - buffers * sizeof(std::uint64_t),
              buffers * sizeof(std::uint64_t));
  std::map<std::uint32_t, std::uint32_t> count;
  for (const std::uint64_t slot : slots) ++count[static_cast<std::uint32_t>(slot >> 16 & 0xffff)];
  return count;
}

// Takes until there is nothing: the indices, in order.
inline std::vector<std::uint32_t> drain(detail::HostedWords<> words, std::uint16_t client) {
  std::vector<std::uint32_t> taken;
  while (const auto slot = words.take(client, 0)) taken.push_back(slot->index);
  return taken;
}

}  // namespace poolscope::hosted::test

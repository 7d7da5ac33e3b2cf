#pragma once
// PoolMemory: the three memfds of a hosted pool, as the host has them.
//   control   what only the host writes: sealed against new writable mappings, so clients can read it and no more
//   words     slot words and hints (poolscope/detail/hosted_words.h); clients write them
//   payload   the buffers; the host never maps them
// All are sealed against a change of their size: nobody can make the host read beyond an end.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/host/host_state.h"
#include "pools/hosted/mapping.h"
#include "pools/hosted/wire.h"
#include "poolscope/detail/hosted_words.h"
#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::host {

class PoolMemory {
 public:
  // Fails with what could not be done.
  [[nodiscard]] static Result<PoolMemory, std::string> create(std::uint64_t buffer_bytes, std::uint32_t max_buffers);
  // Of a pool that another host made. Fails unless the descriptors are the very memfds that `record` tells of.
  [[nodiscard]] static Result<PoolMemory, std::string> adopt(const PoolRecord& record,
                                                             std::vector<UniqueFd> words_and_payload);

  void set_limit(std::uint32_t buffers) { control().limit_buffers.store(buffers, std::memory_order_relaxed); }
  [[nodiscard]] void* words() const { return words_.base(); }
  [[nodiscard]] int control_fd() const { return control_fd_.get(); }
  [[nodiscard]] int words_fd() const { return words_fd_.get(); }
  [[nodiscard]] int payload_fd() const { return payload_fd_.get(); }
  // Gives back the pages that lie in these buffers alone. 0 or the errno.
  [[nodiscard]] int punch(std::uint32_t first, std::uint32_t count) const;
  // Memory that the payload takes now.
  [[nodiscard]] std::uint64_t payload_bytes() const;

 private:
  [[nodiscard]] hosted::ControlPage& control() { return *static_cast<hosted::ControlPage*>(control_.base()); }
  Result<Done, std::string> make_control(std::uint64_t buffer_bytes, std::uint32_t max_buffers);
  Result<Done, std::string> map_words(std::uint32_t max_buffers);

  UniqueFd control_fd_, words_fd_, payload_fd_;
  hosted::Mapping control_, words_;
  std::uint64_t stride_bytes_ = 0;
};

// Tells memfds apart; 0: cannot be had.
[[nodiscard]] std::uint64_t inode_of(int fd);

}  // namespace poolscope::host

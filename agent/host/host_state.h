#pragma once
// What a host must know after it was killed, in a file that only its user can write: which memfds its pools were, and which
// clients had them. Written whole before a client gets its answer, so no client can be unknown.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "exporters/model/record.h"
#include "poolscope/result.h"

namespace poolscope::host {

// A process that has a pool open. pid 0: its pid is not visible here, nobody can tell whether it lives.
struct ClientRecord {
  std::uint16_t id = 0;
  uid_t uid = 0;
  model::ProcessKey process;
};

struct PoolRecord {
  std::string name;
  std::uint64_t words_inode = 0, payload_inode = 0;
  std::uint64_t buffer_bytes = 0;
  std::uint32_t max_buffers = 0, limit_buffers = 0;
  std::vector<ClientRecord> clients;
};

struct HostState {
  std::string boot_id;  // memfds do not outlive the machine
  std::vector<PoolRecord> pools;
};

[[nodiscard]] std::string text_of(const HostState& state);
// Fails with what is wrong: such a file is not believed at all.
[[nodiscard]] Result<HostState, std::string> parse_state(std::string_view text);

}  // namespace poolscope::host

#pragma once
// What host and clients of hosted pools say to each other over a Unix socket (SOCK_SEQPACKET: one message, one packet), and the page that
// only the host writes. Both sides are of one machine: structures as they are in memory.
//
//   open     Request                         -> Reply + {control, words, payload}; the connection is the client from then on
//   reopen   Request + {words, payload}      -> Reply + {control}; after another host has come
//   list     Request {from}                  -> Reply of the pool with that number; of no pool: one without a name
//   holders  Request {from}                  -> Holders: clients of the pool with ids above `from`
//   resize   Request                         -> Reply
//
// One question, one packet: no list can be longer than what a socket takes at once.
//
// Neither side believes the other's lengths: a packet of another size, or with another number of descriptors, ends the connection.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::hosted {

inline constexpr std::uint32_t kWireVersion = 1;
inline constexpr std::size_t kMaxNameBytes = 95;
inline constexpr std::size_t kMaxDescriptors = 3;
inline constexpr std::uint64_t kMaxBufferBytes = std::uint64_t{1} << 30;

enum class RequestKind : std::uint32_t { kOpen = 1, kReopen, kList, kResize, kHolders };
enum class Answer : std::uint32_t {
  kOk,
  kRetry,     // the pool waits for those who had it before the host was restarted
  kReplaced,  // there is another pool of that name by now: what the client has is its own
  kRefused,   // for good; `text` says why
  kUnknown,   // there is no pool of this name
};

struct Request {
  std::uint32_t version = kWireVersion;
  RequestKind kind = RequestKind::kList;
  std::uint32_t client = 0;   // kReopen: the id it has
  std::uint32_t buffers = 0;  // kResize
  std::uint32_t from = 0;     // kList, kHolders
  std::array<char, kMaxNameBytes + 1> pool{};
};

struct Reply {
  std::uint32_t version = kWireVersion;
  Answer answer = Answer::kOk;
  std::uint32_t client = 0;
  std::uint32_t more = 0;  // pools after this one
  std::uint64_t buffer_bytes = 0;
  std::uint32_t max_buffers = 0;
  std::uint32_t limit_buffers = 0;
  std::uint32_t borrowed = 0, idle = 0, retired = 0;
  std::uint32_t clients = 0;
  std::array<char, kMaxNameBytes + 1> pool{};
  std::array<char, 160> text{};
};

// Who has a pool open, and what it holds.
struct Holder {
  std::uint32_t client = 0;
  std::uint32_t borrowed = 0;
  std::uint32_t pid = 0;  // 0: not visible to the host
  std::uint32_t uid = 0;
  std::uint32_t is_connected = 0;  // 0: it has not come back since the host was restarted
  std::array<char, 16> command{};  // as ps shows it; empty: not known
};
inline constexpr std::size_t kHoldersInPacket = 64;
struct Holders {
  std::uint32_t version = kWireVersion;
  Answer answer = Answer::kOk;
  std::uint32_t count = 0;
  std::uint32_t more = 0;  // not 0: there are others with higher ids
  std::array<Holder, kHoldersInPacket> holders{};
  std::array<char, 160> text{};
};

inline constexpr std::uint64_t kControlMagic = 0x6c6f6f7074736f68;  // "hostpool" in memory

// The control memfd: sealed against writing by anybody but the host that made it.
struct ControlPage {
  std::uint64_t magic;
  std::uint32_t version;  // kWireVersion
  std::uint32_t max_buffers;
  std::uint64_t buffer_bytes;
  std::uint64_t stride_bytes;  // from one buffer to the next
  std::atomic<std::uint32_t> limit_buffers;
};
inline constexpr std::size_t kControlBytes = 4096;
static_assert(sizeof(ControlPage) <= kControlBytes);

// Buffers start at lines of their own, larger ones at pages of their own, so that these can be given back one by one.
[[nodiscard]] std::uint64_t stride_for(std::uint64_t buffer_bytes);

[[nodiscard]] std::string_view text_of(std::span<const char> field);  // up to its first 0
void set_text(std::span<char> field, std::string_view text);          // what does not fit is cut

// How a message was received; `kNothing`: not yet, of a socket that does not block.
enum class Received { kMessage, kNothing, kEnd };

// One packet. 0 or an errno; never SIGPIPE.
[[nodiscard]] int send_packet(int socket, const void* message, std::size_t bytes, std::span<const int> descriptors);
// One packet of exactly `bytes`. Whatever descriptors came along are in `descriptors`, at most kMaxDescriptors.
[[nodiscard]] Received receive_packet(int socket, void* message, std::size_t bytes, std::vector<UniqueFd>& descriptors);

[[nodiscard]] Request request_for(RequestKind kind, const std::string& pool);
// Fails with the errno.
[[nodiscard]] Result<UniqueFd, int> connect_to_host(const std::string& path);
// A question and the first packet of its answer, on a connection of its own.
struct Exchange {
  UniqueFd socket;
  Reply reply{};
  std::vector<UniqueFd> descriptors;
};
// Fails with the errno: of connect(), EPROTO where what answers within 5 s is no host of our version.
[[nodiscard]] Result<Exchange, int> ask(const std::string& path, const Request& request,
                                        std::span<const int> descriptors);
// Where the host listens unless told otherwise: $XDG_RUNTIME_DIR/poolscope/pools.sock, without that /run/poolscope/pools.sock.
[[nodiscard]] std::string default_socket_path();

}  // namespace poolscope::hosted

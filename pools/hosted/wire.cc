#include "pools/hosted/wire.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace poolscope::hosted {
namespace {

constexpr timeval kAnswerWithin{5, 0};
constexpr std::uint64_t kLineBytes = 64, kPageBytes = 4096;

// Room for the descriptors of one packet.
union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
};

void keep_descriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

Result<UniqueFd, int> connect_to_host(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Failure{ENAMETOOLONG};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return Failure{errno};
  // Also how long connect() waits for a host that is stopped.
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    (void)::setsockopt(socket.get(), SOL_SOCKET, option, &kAnswerWithin, sizeof(kAnswerWithin));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return Failure{errno};
  return socket;
}

std::uint64_t stride_for(std::uint64_t buffer_bytes) {
  const std::uint64_t unit = buffer_bytes >= kPageBytes ? kPageBytes : kLineBytes;
  return (buffer_bytes + unit - 1) / unit * unit;
}

std::string_view text_of(std::span<const char> field) {
  return {field.data(), ::strnlen(field.data(), field.size())};
}

void set_text(std::span<char> field, std::string_view text) {
  const std::size_t length = std::min(text.size(), field.size() - 1);
  std::copy_n(text.data(), length, field.data());
  std::fill(field.begin() + static_cast<std::ptrdiff_t>(length), field.end(), '\0');
}

int send_packet(int socket, const void* message, std::size_t bytes, std::span<const int> descriptors) {
  iovec part{const_cast<void*>(message), bytes};
  ControlBuffer control{};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  if (!descriptors.empty()) {
    packet.msg_control = &control;
    packet.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &packet, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Received receive_packet(int socket, void* message, std::size_t bytes, std::vector<UniqueFd>& descriptors) {
  descriptors.clear();
  iovec part{message, bytes};
  ControlBuffer control{};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = &control;
  packet.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received::kNothing;
  if (got < 0) return Received::kEnd;
  keep_descriptors(packet, descriptors);
  const bool is_whole = static_cast<std::size_t>(got) == bytes && (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  return is_whole ? Received::kMessage : Received::kEnd;
}

Request request_for(RequestKind kind, const std::string& pool) {
  Request request;
  request.kind = kind;
  set_text(request.pool, pool);
  return request;
}

Result<Exchange, int> ask(const std::string& path, const Request& request, std::span<const int> descriptors) {
  auto socket = connect_to_host(path);
  if (!socket) return Failure{socket.error()};
  Exchange done{std::move(*socket), {}, {}};
  if (const int problem = send_packet(done.socket.get(), &request, sizeof(request), descriptors); problem != 0)
    return Failure{problem};
  if (receive_packet(done.socket.get(), &done.reply, sizeof(done.reply), done.descriptors) != Received::kMessage)
    return Failure{EPROTO};
  if (done.reply.version != kWireVersion) return Failure{EPROTO};
  return done;
}

std::string default_socket_path() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_runtime = runtime != nullptr && runtime[0] == '/';
  return std::string(has_runtime ? runtime : "/run") + "/poolscope/pools.sock";
}

}  // namespace poolscope::hosted

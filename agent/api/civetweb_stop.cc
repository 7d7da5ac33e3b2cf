#include "agent/api/civetweb_stop.h"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poolscope::api {
namespace {

constexpr std::chrono::milliseconds kBetweenConnections{5};

// Without waiting for the other side: being asked is enough to wake it.
void connect_once(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  (void)::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::close(fd);
}

void keep_connecting(const std::stop_token& stop, const sockaddr_in& address) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    connect_once(address);
    stopped.wait_for(lock, stop, kBetweenConnections, [] { return false; });
  }
}

// Whether `fd` is a connection that was accepted on `port`: it has our port as its own and the SO_REUSEADDR that
// civetweb's listening socket left it, which a connection that merely got the same number from the kernel has not.
bool was_accepted_on(int fd, std::uint16_t port) {
  sockaddr_in own{};
  socklen_t length = sizeof(own);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) != 0 || own.sin_family != AF_INET) return false;
  int reuse = 0;
  socklen_t reuse_length = sizeof(reuse);
  return ntohs(own.sin_port) == port && ::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &reuse_length) == 0 &&
         reuse != 0;
}

void close_forgotten_connections(std::uint16_t port) {
  std::vector<int> forgotten;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (was_accepted_on(fd, port)) forgotten.push_back(fd);
  }
  for (const int fd : forgotten) ::close(fd);
}

}  // namespace

void stop_civetweb(std::unique_ptr<CivetServer> server, const BindableAddress& address) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.ipv4.c_str(), &own.sin_addr);
  {
    const std::jthread waker([own](const std::stop_token& stop) { keep_connecting(stop, own); });
    server.reset();
  }
  close_forgotten_connections(address.port);
}

}  // namespace poolscope::api

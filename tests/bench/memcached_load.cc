// memcached_load: GETs and SETs (one in ten) on several connections, each of which sends its next request when the last is answered.
//   Usage     memcached_load PORT CONNECTIONS SECONDS
//   Output    {"per_second": N, "p99_seconds": N, "p99_9_seconds": N} at the end.
//   Fails     with status 1 and a sentence when the server ends or answers anything else.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kKeys = 10000, kSetEvery = 10, kValueBytes = 256;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "memcached_load: %s\n", why.c_str());
  std::exit(1);
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(std::string("cannot connect: ") + std::strerror(errno));
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(connect_to(port)) {}

  int fd() const { return fd_; }

  void send_next(unsigned number) {
    const std::string key = "key" + std::to_string(number * 2654435761u % kKeys);
    const bool is_set = number % kSetEvery == 0;
    const std::string request =
        is_set ? "set " + key + " 0 0 " + std::to_string(kValueBytes) + "\r\n" + std::string(kValueBytes, 'v') + "\r\n"
               : "get " + key + "\r\n";
    end_ = is_set ? "STORED\r\n" : "END\r\n";
    answer_.clear();
    sent_ = Clock::now();
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      fail(std::string("cannot send: ") + std::strerror(errno));
  }

  // True when the answer is complete.
  bool receive() {
    char bytes[4096];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) fail("the server closed the connection");
    answer_.append(bytes, static_cast<std::size_t>(got));
    if (answer_.find("ERROR") != std::string::npos) fail("the server answered " + answer_);
    return std::string_view(answer_).ends_with(end_);
  }
  double waited_seconds() const { return std::chrono::duration<double>(Clock::now() - sent_).count(); }

 private:
  int fd_;
  std::string answer_;
  std::string_view end_;
  Clock::time_point sent_;
};

std::vector<double> run(std::vector<Connection>& connections, double seconds) {
  std::vector<pollfd> polled;
  std::vector<double> waited;
  unsigned number = 0;
  for (auto& connection : connections) {
    polled.push_back({connection.fd(), POLLIN, 0});
    connection.send_next(number++);
  }
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    if (::poll(polled.data(), polled.size(), 1000) <= 0) fail("no answer within a second");
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0 || !connections[i].receive()) continue;
      waited.push_back(connections[i].waited_seconds());
      connections[i].send_next(number++);
    }
  }
  return waited;
}

double quantile(const std::vector<double>& sorted, double p) {
  return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc == 4 ? std::atof(argv[3]) : 0;
  const int port = argc == 4 ? std::atoi(argv[1]) : 0, count = argc == 4 ? std::atoi(argv[2]) : 0;
  if (seconds <= 0 || port <= 0 || port > 65535 || count <= 0) fail("usage: memcached_load PORT CONNECTIONS SECONDS");
  std::vector<Connection> connections;
  for (int i = 0; i < count; ++i) connections.emplace_back(static_cast<std::uint16_t>(port));
  std::vector<double> waited = run(connections, seconds);
  if (waited.empty()) fail("no request was answered");
  std::sort(waited.begin(), waited.end());
  std::printf("{\"per_second\": %.1f, \"p99_seconds\": %.9f, \"p99_9_seconds\": %.9f}\n",
              static_cast<double>(waited.size()) / seconds, quantile(waited, 0.99), quantile(waited, 0.999));
  return 0;
}

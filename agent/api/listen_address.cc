#include "agent/api/listen_address.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poolscope::api {
namespace {

constexpr const char* kExample = "write HOST:PORT, for example 127.0.0.1:9777";
constexpr std::size_t kMaxHostLength = 253;  // the longest DNS name

bool only_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// Why the shape of `text` is refused; nothing when it may be HOST:PORT.
std::optional<std::string> refused_shape(std::string_view text) {
  if (text.find('/') != text.npos)
    return "names a Unix socket, which the HTTP server cannot serve; " + std::string(kExample);
  if (text.find(',') != text.npos) return "is a list, but there is one listen address; " + std::string(kExample);
  if (text.find_first_of("[]") != text.npos || std::count(text.begin(), text.end(), ':') > 1) {
    return "is IPv6, which Debian's civetweb is built without; use an IPv4 address such as 127.0.0.1:9777";
  }
  if (text.find(':') == text.npos) return "has no port; " + std::string(kExample);
  return std::nullopt;
}

std::optional<std::string> refused_port(std::string_view port, std::uint16_t& parsed) {
  if (port.empty()) return "has no port; " + std::string(kExample);
  if (port.back() == 's' && only_digits(port.substr(0, port.size() - 1))) {
    return "asks for TLS, which Debian's civetweb cannot serve with OpenSSL 3; put a TLS proxy in front of a "
           "plain port";
  }
  if (!only_digits(port)) return "has a port that is not a number; " + std::string(kExample);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed);
  if (error != std::errc()) return "has a port above 65535; " + std::string(kExample);
  return std::nullopt;
}

std::string bind_failure(int error) {
  switch (error) {
    case EADDRINUSE:
      return "is in use; choose another with --web.listen-address or stop the other agent";
    case EADDRNOTAVAIL:
      return "is not an address of this machine; choose one of its own with --web.listen-address";
    case EACCES:
      return "needs CAP_NET_BIND_SERVICE, as every port below 1024; choose a higher port with "
             "--web.listen-address";
    default:
      return std::string("cannot be bound: ") + std::strerror(error);
  }
}

int bind_once(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // As civetweb does; without it a restarted agent would be refused while old connections linger.
  const int reuse = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  // listen(), because two sockets that only bind may share a port.
  const bool free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 && ::listen(fd, 1) == 0;
  const int error = free ? 0 : errno;
  ::close(fd);
  return error;
}

}  // namespace

std::string describe(const ServerError& error) {
  std::string text = "cannot start the HTTP server: " + error.detail;
  if (error.sys_errno != 0) text += std::string(" (") + ::strerrorname_np(error.sys_errno) + ")";
  return text;
}

Result<ListenAddress, ServerError> parse_listen_address(const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    return Failure{ServerError{text, "listen address \"" + text + "\" " + why, 0}};
  };
  if (const auto why = refused_shape(text)) return refuse(*why);
  const std::size_t colon = text.find(':');
  ListenAddress address{text.substr(0, colon), 0};
  if (const auto why = refused_port(std::string_view(text).substr(colon + 1), address.port)) return refuse(*why);
  if (address.host.size() > kMaxHostLength ||
      !std::all_of(address.host.begin(), address.host.end(), is_host_character)) {
    return refuse("has a host that is neither an IPv4 address nor a name; " + std::string(kExample));
  }
  return address;
}

Result<BindableAddress, ServerError> find_bindable(const ListenAddress& address) {
  const std::string text = address.host + ":" + std::to_string(address.port);
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  if (!address.host.empty()) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(address.host.c_str(), nullptr, &hints, &found);
    if (error != 0) {
      const std::string detail = text + ": the host has no IPv4 address: " + ::gai_strerror(error);
      return Failure{ServerError{text, detail, error == EAI_SYSTEM ? errno : 0}};
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    std::memcpy(&bound, found->ai_addr, sizeof(bound));
  }
  bound.sin_port = htons(address.port);
  if (const int error = bind_once(bound)) return Failure{ServerError{text, text + " " + bind_failure(error), error}};
  char numeric[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &bound.sin_addr, numeric, sizeof(numeric));
  return BindableAddress{numeric, address.port};
}

}  // namespace poolscope::api

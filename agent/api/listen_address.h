#pragma once
// Where the server listens: HOST:PORT as the user writes it, checked before civetweb sees it, because
// civetweb answers every refusal with the same silence and Debian's build crashes at the first connection to
// a TLS port.

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/api/server.h"
#include "poolscope/result.h"

namespace poolscope::api {

struct ListenAddress {
  std::string host;        // as written: an IPv4 address or a name; empty for every interface
  std::uint16_t port = 0;  // 0 for a free one
};

// Refuses IPv6, TLS ports, Unix sockets, lists and whatever else is not HOST:PORT, each with its own reason.
[[nodiscard]] Result<ListenAddress, ServerError> parse_listen_address(const std::string& text);

// An address that a socket could be bound to a moment ago.
struct BindableAddress {
  std::string ipv4;  // numeric
  std::uint16_t port = 0;
  [[nodiscard]] std::string text() const { return ipv4 + ":" + std::to_string(port); }
};

// Resolves the host and binds and closes a socket there, to learn the errno that civetweb does not tell.
[[nodiscard]] Result<BindableAddress, ServerError> find_bindable(const ListenAddress& address);

}  // namespace poolscope::api

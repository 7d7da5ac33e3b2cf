#include "agent/host/administer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/host/host_config.h"
#include "poolscope/detail/hosted_words.h"

namespace poolscope::host {
namespace {

using hosted::Request;
using hosted::RequestKind;
using Reason = AdminError::Reason;

Failure<AdminError> no_host(std::string text) {
  return Failure{AdminError{Reason::kNoHost, std::move(text)}};
}

// A connection to what should be a host; nothing that it says is believed beyond its bounds.
class Administrator {
 public:
  static Result<Administrator, AdminError> connect(const std::string& path) {
    auto socket = hosted::connect_to_host(path);
    if (!socket)
      return no_host("no host at " + path + ": " + std::strerror(socket.error()) +
                     "; start one with `poolscope pools serve FILE`, or name its --socket");
    return Administrator(path, std::move(*socket));
  }

  template <typename Message>
  Result<Message, AdminError> ask(const Request& request) {
    Message message;
    std::vector<UniqueFd> none;
    const bool is_answered =
        hosted::send_packet(socket_.get(), &request, sizeof(request), {}) == 0 &&
        hosted::receive_packet(socket_.get(), &message, sizeof(message), none) == hosted::Received::kMessage;
    if (!is_answered || message.version != hosted::kWireVersion)
      return no_host("what answers at " + path_ + " is no host of this version, or ended");
    if (message.answer == hosted::Answer::kOk) return message;
    const auto reason = message.answer == hosted::Answer::kUnknown ? Reason::kNoSuchPool : Reason::kRefused;
    return Failure{AdminError{reason, std::string(hosted::text_of(message.text))}};
  }

  Result<std::vector<hosted::Holder>, AdminError> holders_of(const std::string& pool) {
    std::vector<hosted::Holder> all;
    Request request = hosted::request_for(RequestKind::kHolders, pool);
    for (bool more = true; more;) {
      const auto packet = ask<hosted::Holders>(request);
      if (!packet) return Failure{packet.error()};
      more = packet->more != 0 && packet->count > 0;
      for (std::size_t i = 0; i < std::min<std::size_t>(packet->count, packet->holders.size()); ++i) {
        if (packet->holders[i].client <= request.from) return no_host("the host at " + path_ + " lists in a circle");
        request.from = packet->holders[i].client;
        all.push_back(packet->holders[i]);
      }
      more = more && request.from <= detail::kMaxHostedClients;
    }
    return all;
  }

 private:
  Administrator(std::string path, UniqueFd socket) : path_(std::move(path)), socket_(std::move(socket)) {}

  std::string path_;
  UniqueFd socket_;
};

}  // namespace

Result<std::vector<PoolListing>, AdminError> list_pools(const std::string& socket_path) {
  auto host = Administrator::connect(socket_path);
  if (!host) return Failure{host.error()};
  std::vector<PoolListing> pools;
  Request request = hosted::request_for(RequestKind::kList, "");
  for (bool more = true; more && request.from < kMaxPools; ++request.from) {
    const auto pool = host->ask<hosted::Reply>(request);
    if (!pool) return Failure{pool.error()};
    more = pool->more != 0;
    const std::string name(hosted::text_of(pool->pool));
    if (name.empty()) continue;
    auto holders = host->holders_of(name);
    if (!holders) return Failure{holders.error()};
    pools.push_back({*pool, std::move(*holders)});
  }
  return pools;
}

Result<hosted::Reply, AdminError> resize_pool(const std::string& socket_path, const std::string& pool,
                                              std::uint32_t buffers) {
  // A longer name would be cut, and could then be that of another pool.
  if (pool.size() > hosted::kMaxNameBytes)
    return Failure{AdminError{Reason::kNoSuchPool, "a name of a pool has at most 95 bytes"}};
  auto host = Administrator::connect(socket_path);
  if (!host) return Failure{host.error()};
  auto request = hosted::request_for(RequestKind::kResize, pool);
  request.buffers = buffers;
  return host->ask<hosted::Reply>(request);
}

}  // namespace poolscope::host

#include "agent/host/administer.h"

#include <cerrno>
#include <cstring>

#include "agent/host/host_config.h"

namespace poolscope::host {
namespace {

constexpr std::size_t kMaxListed = 4096;  // what is no host might go on for ever

Result<hosted::Exchange, std::string> ask_host(const std::string& path, const hosted::Request& request) {
  auto done = hosted::ask(path, request, {});
  if (!done && done.error() == EPROTO) return Failure{"what answers at " + path + " is no host of this version"};
  if (!done)
    return Failure{"no host at " + path + ": " + std::strerror(done.error()) +
                   "; start one with `poolscope pools serve FILE`, or name its --socket"};
  if (done->reply.answer != hosted::Answer::kOk) return Failure{std::string(hosted::text_of(done->reply.text))};
  return std::move(*done);
}

}  // namespace

Result<std::vector<hosted::Reply>, std::string> list_pools(const std::string& socket_path) {
  auto done = ask_host(socket_path, hosted::request_for(hosted::RequestKind::kList, ""));
  if (!done) return Failure{done.error()};
  std::vector<hosted::Reply> pools = {done->reply};
  while (pools.back().more != 0 && pools.size() < kMaxListed) {
    hosted::Reply next;
    std::vector<UniqueFd> none;
    if (hosted::receive_packet(done->socket.get(), &next, sizeof(next), none) != hosted::Received::kMessage)
      return Failure{"the host at " + socket_path + " ended in the middle of the list"};
    pools.push_back(next);
  }
  return pools;
}

Result<hosted::Reply, std::string> resize_pool(const std::string& socket_path, const std::string& pool,
                                               std::uint32_t buffers) {
  auto request = hosted::request_for(hosted::RequestKind::kResize, pool);
  request.buffers = buffers;
  const auto done = ask_host(socket_path, request);
  if (!done) return Failure{done.error()};
  return done->reply;
}

}  // namespace poolscope::host

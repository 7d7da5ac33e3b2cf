#include "agent/host/host_state.h"

#include <nlohmann/json.hpp>

#include "pools/hosted/wire.h"
#include "poolscope/detail/hosted_words.h"

namespace poolscope::host {
namespace {

using nlohmann::json;

constexpr int kStateVersion = 1;

json json_of(const PoolRecord& pool) {
  json clients = json::array();
  for (const ClientRecord& client : pool.clients)
    clients.push_back({client.id, client.uid, client.process.pid, client.process.start_time_ticks});
  return {{"name", pool.name},
          {"words_inode", pool.words_inode},
          {"payload_inode", pool.payload_inode},
          {"buffer_bytes", pool.buffer_bytes},
          {"max_buffers", pool.max_buffers},
          {"limit_buffers", pool.limit_buffers},
          {"clients", std::move(clients)}};
}

PoolRecord pool_of(const json& from) {
  PoolRecord pool;
  from.at("name").get_to(pool.name);
  from.at("words_inode").get_to(pool.words_inode);
  from.at("payload_inode").get_to(pool.payload_inode);
  from.at("buffer_bytes").get_to(pool.buffer_bytes);
  from.at("max_buffers").get_to(pool.max_buffers);
  from.at("limit_buffers").get_to(pool.limit_buffers);
  for (const json& entry : from.at("clients")) {
    ClientRecord client;
    entry.at(0).get_to(client.id);
    entry.at(1).get_to(client.uid);
    entry.at(2).get_to(client.process.pid);
    entry.at(3).get_to(client.process.start_time_ticks);
    pool.clients.push_back(client);
  }
  return pool;
}

bool is_possible(const PoolRecord& pool) {
  for (const ClientRecord& client : pool.clients) {
    if (client.id == detail::kNoClient || client.id > detail::kMaxHostedClients) return false;
  }
  return pool.buffer_bytes > 0 && pool.buffer_bytes <= hosted::kMaxBufferBytes && pool.max_buffers > 0 &&
         pool.max_buffers <= detail::kMaxHostedBuffers && pool.limit_buffers <= pool.max_buffers;
}

}  // namespace

std::string text_of(const HostState& state) {
  json pools = json::array();
  for (const PoolRecord& pool : state.pools) pools.push_back(json_of(pool));
  // replace: a name comes from a configuration file, which is UTF-8 already
  return json{{"version", kStateVersion}, {"boot_id", state.boot_id}, {"pools", std::move(pools)}}.dump(
             -1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

Result<HostState, std::string> parse_state(std::string_view text) {
  try {
    const json from = json::parse(text);
    if (from.at("version").get<int>() != kStateVersion) return Failure{std::string("of another version")};
    HostState state;
    from.at("boot_id").get_to(state.boot_id);
    for (const json& pool : from.at("pools")) {
      state.pools.push_back(pool_of(pool));
      if (!is_possible(state.pools.back())) return Failure{"pool " + state.pools.back().name + " is impossible"};
    }
    return state;
  } catch (const json::exception& error) {
    return Failure{std::string(error.what())};
  }
}

}  // namespace poolscope::host

#include "agent/host/host_pool.h"

#include <algorithm>

#include <unistd.h>

#include "probes/process/process.h"

namespace poolscope::host {

using detail::SlotState;
using hosted::Answer;

HostPool::HostPool(PoolConfig config, std::optional<PoolRecord> earlier, ps_page& page, Clock::time_point now)
    : config_(std::move(config)),
      earlier_(std::move(earlier)),
      await_until_(now + kAwait),
      page_(page),
      limit_buffers_(config_.buffers),
      sizing_(config_.sizing, std::max(config_.min_buffers, 1U), config_.max_buffers) {
  const bool fits =
      earlier_ && earlier_->buffer_bytes == config_.buffer_bytes && earlier_->max_buffers == config_.max_buffers;
  if (!fits) earlier_.reset();
}

bool HostPool::may_open(uid_t uid) const {
  if (config_.open_to_uids.empty()) return uid == ::geteuid();
  return std::ranges::find(config_.open_to_uids, uid) != config_.open_to_uids.end();
}

bool HostPool::is_awaited(Clock::time_point now) const {
  if (!earlier_ || now >= await_until_) return false;
  return std::ranges::any_of(earlier_->clients, [](const ClientRecord& client) {
    return client.process.pid == 0 || process::is_alive(client.process);
  });
}

Result<Done, std::string> HostPool::start(Clock::time_point now) {
  if (memory_ || is_awaited(now)) return Done{};
  auto memory = PoolMemory::create(config_.buffer_bytes, config_.max_buffers);
  if (!memory) return Failure{"pool " + config_.name + ": " + memory.error()};
  serve(std::move(*memory));
  return Done{};
}

void HostPool::serve(PoolMemory memory) {
  earlier_.reset();
  memory_ = std::move(memory);
  memory_->set_limit(limit_buffers_);
  audit_.emplace(memory_->words(), config_.max_buffers);
  is_punched_.assign(config_.max_buffers, false);
  audit();
  stats_ = std::make_unique<HostedStats>(page_, config_.name, config_.buffer_bytes, limit_buffers_, report_);
}

// ---- clients --------------------------------------------------------------------------------------------------------

std::uint16_t HostPool::free_id() const {
  for (std::uint16_t id = 1; id <= detail::kMaxHostedClients; ++id) {
    if (!clients_.contains(id)) return id;
  }
  return detail::kNoClient;
}

OpenAnswer HostPool::open(const Peer& peer, Clock::time_point now) {
  if (!may_open(peer.uid))
    return {Answer::kRefused, detail::kNoClient, "uid " + std::to_string(peer.uid) + " is not in its open_to_uids"};
  if (const auto started = start(now); !started) return {Answer::kRefused, detail::kNoClient, started.error()};
  if (!memory_) return {Answer::kRetry, detail::kNoClient, {}};
  const std::uint16_t id = free_id();
  if (id == detail::kNoClient) return {Answer::kRefused, id, "it is open 4096 times already"};
  clients_[id] = {peer, true};
  return {Answer::kOk, id, {}};
}

OpenAnswer HostPool::reopen(const Peer& peer, std::uint32_t client, std::vector<UniqueFd> words_and_payload) {
  if (!may_open(peer.uid))
    return {Answer::kRefused, detail::kNoClient, "uid " + std::to_string(peer.uid) + " is not in its open_to_uids"};
  if (memory_) {
    const bool is_same =
        words_and_payload.size() == 2 && inode_of(words_and_payload[0].get()) == inode_of(memory_->words_fd());
    if (!is_same) return {Answer::kReplaced, detail::kNoClient, {}};
  } else {
    if (!earlier_) return {Answer::kReplaced, detail::kNoClient, {}};
    auto memory = PoolMemory::adopt(*earlier_, std::move(words_and_payload));
    if (!memory) return {Answer::kReplaced, detail::kNoClient, memory.error()};
    limit_buffers_ = earlier_->limit_buffers;
    // Before the first audit: what they hold is theirs, connected or not.
    for (const ClientRecord& known : earlier_->clients) clients_[known.id] = {{known.uid, known.process}, false};
    forget_ended();
    serve(std::move(*memory));
  }
  const auto known =
      client > detail::kMaxHostedClients ? clients_.end() : clients_.find(static_cast<std::uint16_t>(client));
  if (known == clients_.end() || known->second.is_connected || known->second.peer.uid != peer.uid ||
      known->second.peer.process != peer.process)
    return {Answer::kRefused, detail::kNoClient, "it is not known as client " + std::to_string(client)};
  known->second.is_connected = true;
  return {Answer::kOk, known->first, {}};
}

void HostPool::close(std::uint16_t client) {
  clients_.erase(client);
  audit();
}

// Those who have not come back since the restart; of the others their connection tells.
void HostPool::forget_ended() {
  std::erase_if(clients_, [](const auto& entry) {
    const Client& client = entry.second;
    return !client.is_connected && client.peer.process.pid != 0 && !process::is_alive(client.peer.process);
  });
}

// ---- buffers --------------------------------------------------------------------------------------------------------

Result<Done, std::string> HostPool::resize(std::uint32_t buffers) {
  if (buffers > config_.max_buffers)
    return Failure{"at most " + std::to_string(config_.max_buffers) + " buffers: max_buffers of the pool"};
  if (!memory_) return Failure{std::string("it waits for those who had it before the host was restarted; try again")};
  set_limit(buffers);
  return Done{};
}

void HostPool::set_limit(std::uint32_t buffers) {
  limit_buffers_ = buffers;
  memory_->set_limit(buffers);
  if (stats_) stats_->set_limit(buffers);
  audit();
}

bool HostPool::tick(Clock::time_point now) {
  (void)start(now);  // what cannot be made is told to who opens it
  look();
  if (!audit_) return false;
  const auto wanted =
      sizing_.suggest(limit_buffers_, audit_->gets() + audit_->failed_gets(), audit_->failed_gets(), now);
  if (wanted) set_limit(*wanted);
  return wanted.has_value();
}

void HostPool::look() {
  forget_ended();
  audit();
}

void HostPool::audit() {
  if (!audit_) return;
  hosted::LiveClients live{};
  for (const auto& [id, client] : clients_) live[id] = true;
  report_ = audit_->pass(limit_buffers_, live);
  sizing_.note_used(report_.used);
  give_pages_back();
  if (stats_) stats_->publish(*audit_, report_);
}

// Runs of retired buffers: one page may belong to several of them.
void HostPool::give_pages_back() {
  const auto& states = audit_->states();
  for (std::uint32_t i = 0; i < states.size();) {
    if (states[i] != SlotState::kRetired) {
      is_punched_[i++] = false;
      continue;
    }
    const std::uint32_t first = i;
    bool is_new = false;
    for (; i < states.size() && states[i] == SlotState::kRetired; ++i) is_new = is_new || !is_punched_[i];
    if (!is_new || memory_->punch(first, i - first) != 0) continue;
    std::fill(is_punched_.begin() + first, is_punched_.begin() + i, true);
  }
}

// ---- telling --------------------------------------------------------------------------------------------------------

PoolRecord HostPool::record() const {
  if (earlier_) return *earlier_;
  PoolRecord record{config_.name, 0, 0, config_.buffer_bytes, config_.max_buffers, limit_buffers_, {}};
  if (memory_) {
    record.words_inode = inode_of(memory_->words_fd());
    record.payload_inode = inode_of(memory_->payload_fd());
  }
  for (const auto& [id, client] : clients_) record.clients.push_back({id, client.peer.uid, client.peer.process});
  return record;
}

void HostPool::describe(hosted::Reply& reply) const {
  hosted::set_text(reply.pool, config_.name);
  reply.buffer_bytes = config_.buffer_bytes;
  reply.max_buffers = config_.max_buffers;
  reply.limit_buffers = limit_buffers_;
  reply.borrowed = report_.borrowed;
  reply.idle = report_.idle;
  reply.retired = report_.retired;
  reply.clients = static_cast<std::uint32_t>(clients_.size());
}

hosted::Holders HostPool::holders(std::uint32_t after) const {
  hosted::Holders packet;
  const auto first =
      after > detail::kMaxHostedClients ? clients_.end() : clients_.upper_bound(static_cast<std::uint16_t>(after));
  for (auto at = first; at != clients_.end(); ++at) {
    if (packet.count == packet.holders.size()) {
      packet.more = 1;
      break;
    }
    const auto& [id, client] = *at;
    hosted::Holder& holder = packet.holders[packet.count++];
    holder.client = id;
    holder.borrowed = audit_ ? audit_->held_by_client()[id] : 0;
    holder.pid = static_cast<std::uint32_t>(client.peer.process.pid);
    holder.uid = client.peer.uid;
    holder.is_connected = client.is_connected ? 1 : 0;
    const auto status = process::read_status(client.peer.process.pid);
    if (status && status->key == client.peer.process) hosted::set_text(holder.command, status->command);
  }
  return packet;
}

}  // namespace poolscope::host

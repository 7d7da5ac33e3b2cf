#pragma once
// HostPool: one pool of the host: who may open it, who has it open, its memory, and what is taken back when somebody ends.
//   Restart   a pool that the host before this one served is awaited: its clients hand its memory back. Until one did, opens are told to come
//             again, for at most kAwait and only while one of them lives; then the pool starts anew, in other memory.
//   Ends      a client has ended when its connection or its process ended. One that has not come back after a restart is alive as long
//             as its process is: what it holds stays its own. Nothing is taken back because time went by.
//   Threads   one.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/host/host_config.h"
#include "agent/host/host_memory.h"
#include "agent/host/host_state.h"
#include "agent/host/hosted_stats.h"
#include "agent/host/pool_sizing.h"
#include "pools/hosted/audit.h"
#include "pools/hosted/wire.h"

namespace poolscope::host {

using Clock = std::chrono::steady_clock;
inline constexpr std::chrono::seconds kAwait{10};

struct Peer {
  uid_t uid = 0;
  model::ProcessKey process;  // pid 0: not visible here
};

struct OpenAnswer {
  hosted::Answer answer = hosted::Answer::kOk;
  std::uint16_t client = detail::kNoClient;
  std::string why;  // when refused
};

class HostPool {
 public:
  // `earlier`: what the host before this one wrote down.
  HostPool(PoolConfig config, std::optional<PoolRecord> earlier, ps_page& page, Clock::time_point now);

  // Makes the memory when there is none to wait for. Fails with what could not be done.
  [[nodiscard]] Result<Done, std::string> start(Clock::time_point now);
  [[nodiscard]] OpenAnswer open(const Peer& peer, Clock::time_point now);
  [[nodiscard]] OpenAnswer reopen(const Peer& peer, std::uint32_t client, std::vector<UniqueFd> words_and_payload);
  // The client has ended: what it held is back in the pool when this returns.
  void close(std::uint16_t client);
  [[nodiscard]] Result<Done, std::string> resize(std::uint32_t buffers);
  // Once a second: looks after everything that no event tells. True: the limit is another one now.
  [[nodiscard]] bool tick(Clock::time_point now);
  // What describe() and holders() tell is then of this moment.
  void look();

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const PoolMemory* memory() const { return memory_ ? &*memory_ : nullptr; }
  [[nodiscard]] const hosted::AuditReport& last_audit() const { return report_; }
  [[nodiscard]] PoolRecord record() const;
  void describe(hosted::Reply& reply) const;
  // Clients with ids above `after`, as many as fit.
  [[nodiscard]] hosted::Holders holders(std::uint32_t after) const;

 private:
  struct Client {
    Peer peer;
    bool is_connected = true;
  };

  [[nodiscard]] bool may_open(uid_t uid) const;
  [[nodiscard]] bool is_awaited(Clock::time_point now) const;
  [[nodiscard]] std::uint16_t free_id() const;
  void serve(PoolMemory memory);
  void forget_ended();
  void audit();
  void set_limit(std::uint32_t buffers);
  void give_pages_back();

  PoolConfig config_;
  std::optional<PoolRecord> earlier_;  // while awaited
  Clock::time_point await_until_;
  ps_page& page_;
  std::optional<PoolMemory> memory_;
  std::optional<hosted::HostedAudit> audit_;
  std::unique_ptr<HostedStats> stats_;
  std::map<std::uint16_t, Client> clients_;
  std::uint32_t limit_buffers_;
  PoolSizing sizing_;
  hosted::AuditReport report_{};
  std::vector<bool> is_punched_;  // by buffer
};

}  // namespace poolscope::host

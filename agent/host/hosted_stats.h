#pragma once
// HostedStats: a hosted pool on the host's stats page, where the agent finds it as it finds any other.

#include <array>
#include <cstdint>
#include <string>

#include "pools/hosted/audit.h"
#include "poolscope/stats_writer.h"

namespace poolscope::host {

class HostedStats {
 public:
  // `page` outlives this. `first` is what the pool is at the start.
  HostedStats(ps_page& page, const std::string& name, std::uint64_t buffer_bytes, std::uint32_t limit_buffers,
              const hosted::AuditReport& first);
  HostedStats(const HostedStats&) = delete;
  HostedStats& operator=(const HostedStats&) = delete;
  ~HostedStats();

  void set_limit(std::uint32_t limit_buffers);
  void publish(const hosted::HostedAudit& audit, const hosted::AuditReport& report);

 private:
  // Most borrowed in an interval of water marks: between what audits saw and what may have been between two of them.
  struct Bracket {
    std::uint64_t interval = 0, seen = 0, at_most = 0;
  };

  void mark(const hosted::AuditReport& report);

  ps_page& page_;
  ps_pool* pool_ = nullptr;  // null: no memory for it
  ps_block* block_ = nullptr;
  std::uint64_t borrowed_at_start_;
  std::uint64_t objects_;  // as published
  std::array<Bracket, PS_MARKS> brackets_{};
};

}  // namespace poolscope::host

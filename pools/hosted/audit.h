#pragma once
// HostedAudit: what the host does to the words of a pool, all of it: one pass over the slots that brings each to where it belongs.
//   Does      takes back what clients hold that are gone; retires free buffers from the limit on; frees retired ones below it; hints at
//             free ones that nobody hints at; mends words that the protocol cannot have written; counts.
//   Threads   one for an audit. Clients take and put meanwhile: a slot that changes under its hands is left for the next pass.
//   Trust     no word is believed: a pass takes buffers() steps whatever the words say, and every owner is looked up within its bound.

#include <array>
#include <cstdint>
#include <vector>

#include "poolscope/detail/hosted_words.h"

namespace poolscope::hosted {

// By id; [0] is nobody.
using LiveClients = std::array<bool, detail::kMaxHostedClients + 1>;

struct AuditReport {
  std::uint32_t borrowed = 0, idle = 0, retired = 0;  // add up to buffers()
  std::uint32_t used = 0;       // out at some time since the last pass, or still: so many at a time at most
  std::uint32_t reclaimed = 0;  // from clients that are gone
  std::uint32_t mended = 0;     // words no client of ours writes
  std::uint32_t hinted = 0;
  std::uint32_t unsettled = 0;  // changed meanwhile
};

class HostedAudit {
 public:
  // What was taken before is not counted.
  HostedAudit(void* words, std::uint32_t buffers);

  AuditReport pass(std::uint32_t limit_buffers, const LiveClients& live);

  // Since the audit was made. Rises only, whatever the words say.
  [[nodiscard]] std::uint64_t gets() const { return gets_; }
  [[nodiscard]] std::uint64_t failed_gets() const { return failed_gets_; }
  // As of the last pass.
  [[nodiscard]] const std::vector<std::uint32_t>& held_by_client() const { return held_; }
  [[nodiscard]] const std::vector<detail::SlotState>& states() const { return states_; }

 private:
  std::uint64_t settle(std::uint32_t index, std::uint32_t limit, const LiveClients& live, AuditReport& report);
  void count(std::uint32_t index, std::uint64_t word, AuditReport& report);

  detail::HostedWords<> words_;
  std::vector<std::uint32_t> generations_;  // by slot, as last seen
  std::vector<std::uint32_t> held_;         // by client
  std::vector<detail::SlotState> states_;   // by slot
  std::uint64_t gets_ = 0, failed_gets_ = 0, failed_gets_seen_ = 0;
};

}  // namespace poolscope::hosted

#include "pools/hosted/audit.h"

#include <algorithm>

namespace poolscope::hosted {

using detail::SlotState;

namespace {

// Where a slot that nobody holds belongs.
std::uint64_t vacant(std::uint32_t index, std::uint32_t limit, std::uint64_t word) {
  return detail::slot_word(index < limit ? SlotState::kFree : SlotState::kRetired, detail::kNoClient,
                           detail::generation_of(word));
}

bool is_live(const LiveClients& live, std::uint16_t client) {
  return client < live.size() && client != detail::kNoClient && live[client];
}

}  // namespace

HostedAudit::HostedAudit(void* words, std::uint32_t buffers)
    : words_(words, buffers), generations_(buffers), held_(detail::kMaxHostedClients + 1), states_(buffers) {
  for (std::uint32_t i = 0; i < buffers; ++i)
    generations_[i] = detail::generation_of(words_.slot(i).load(std::memory_order_relaxed));
  failed_gets_seen_ = words_.failed_gets();
}

AuditReport HostedAudit::pass(std::uint32_t limit_buffers, const LiveClients& live) {
  AuditReport report;
  std::ranges::fill(held_, 0);
  for (std::uint32_t i = 0; i < words_.buffers(); ++i) count(i, settle(i, limit_buffers, live, report), report);
  const std::uint64_t failed = words_.failed_gets();
  if (failed > failed_gets_seen_) failed_gets_ += failed - failed_gets_seen_;
  failed_gets_seen_ = failed;
  return report;
}

// The word as it is now, which is sound unless somebody scribbles.
std::uint64_t HostedAudit::settle(std::uint32_t index, std::uint32_t limit, const LiveClients& live,
                                  AuditReport& report) {
  // acquire: what a borrower wrote is there before the next one gets the buffer.
  std::uint64_t word = words_.slot(index).load(std::memory_order_acquire);
  const bool is_ours = detail::is_sound(word);
  const bool is_held = is_ours && is_live(live, detail::owner_of(word));
  const std::uint64_t wanted = is_held ? word : vacant(index, limit, word);
  if (wanted != word) {
    std::uint64_t seen = word;
    if (!words_.slot(index).compare_exchange_strong(seen, wanted, std::memory_order_seq_cst,
                                                    std::memory_order_relaxed)) {
      ++report.unsettled;
      return seen;
    }
    report.mended += is_ours ? 0 : 1;
    report.reclaimed += is_ours && detail::state_of(word) == SlotState::kBorrowed ? 1 : 0;
    word = wanted;
  }
  if (detail::state_of(word) == SlotState::kFree && words_.hint(index)) ++report.hinted;
  return word;
}

void HostedAudit::count(std::uint32_t index, std::uint64_t word, AuditReport& report) {
  const std::uint32_t generation = detail::generation_of(word);
  const std::uint32_t taken = generation - generations_[index];  // modulo 2^32, as the generation
  gets_ += taken;
  generations_[index] = generation;
  const SlotState state = detail::state_of(word);
  const std::uint16_t owner = detail::owner_of(word);
  // A word that somebody scribbled just now counts as borrowed: nobody may get its pages or its place.
  states_[index] = detail::is_sound(word) ? state : SlotState::kBorrowed;
  if (taken > 0 || states_[index] == SlotState::kBorrowed) ++report.used;
  if (states_[index] == SlotState::kFree) ++report.idle;
  if (states_[index] == SlotState::kRetired) ++report.retired;
  if (states_[index] != SlotState::kBorrowed) return;
  ++report.borrowed;
  if (owner < held_.size()) ++held_[owner];
}

}  // namespace poolscope::hosted

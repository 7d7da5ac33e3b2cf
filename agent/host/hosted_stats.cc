#include "agent/host/hosted_stats.h"

#include <algorithm>

namespace poolscope::host {
namespace {

std::uint64_t objects_of(const hosted::AuditReport& report) {
  return std::uint64_t{report.borrowed} + report.idle;
}

// Words of the page only rise, whatever somebody wrote to the words of the pool.
void raise(ps_u64& word, std::uint64_t value) {
  if (value > ps_load(&word)) ps_store(&word, value);
}

}  // namespace

HostedStats::HostedStats(ps_page& page, const std::string& name, std::uint64_t buffer_bytes,
                         std::uint32_t limit_buffers, const hosted::AuditReport& first)
    : page_(page), borrowed_at_start_(first.borrowed), objects_(objects_of(first)) {
  if (page_.header == nullptr) return;
  ps_pool_identity identity{};
  identity.name = name.c_str();
  identity.kind = "hosted";
  identity.known = PS_KNOWN_GETS | PS_KNOWN_PUTS | PS_KNOWN_MISSES | PS_KNOWN_OBJECTS | PS_KNOWN_MARKS;
  identity.buffer_bytes = buffer_bytes;
  identity.max_idle_buffers = limit_buffers;
  identity.max_borrowed_buffers = limit_buffers;
  pool_ = ps_pool_add(&page_, &identity);
  if (pool_ == nullptr) return;
  ps_store(&pool_->objects_at_start, objects_);
  ps_store(&pool_->borrowed_at_start, borrowed_at_start_);
  block_ = ps_block_add(&page_, pool_);
}

HostedStats::~HostedStats() {
  if (block_ != nullptr) ps_block_release(block_);
  if (pool_ != nullptr) ps_pool_remove(&page_, pool_);
}

void HostedStats::set_limit(std::uint32_t limit_buffers) {
  if (pool_ == nullptr) return;
  const std::uint64_t before = ps_load(&pool_->max_borrowed_buffers);
  if (limit_buffers != before) ps_count(limit_buffers > before ? &pool_->resizes_up : &pool_->resizes_down, 1);
  ps_store(&pool_->max_idle_buffers, limit_buffers);
  ps_store(&pool_->max_borrowed_buffers, limit_buffers);
}

void HostedStats::publish(const hosted::HostedAudit& audit, const hosted::AuditReport& report) {
  if (block_ == nullptr) return;
  const std::uint64_t failed = audit.failed_gets();
  // Each slot was read once, its generation and its state together: this is a number of puts that there was.
  const std::uint64_t got = audit.gets() + borrowed_at_start_;
  raise(block_->puts, got > report.borrowed ? got - report.borrowed : 0);
  raise(block_->gets, audit.gets() + failed);
  raise(block_->gets_failed, failed);
  raise(block_->misses[PS_MISS_EXHAUSTED], failed);
  const std::uint64_t objects = objects_of(report);
  if (objects > objects_) ps_count(&block_->created, objects - objects_);
  if (objects < objects_) ps_count(&block_->destroyed, objects_ - objects);
  objects_ = objects;
  mark(report);
}

void HostedStats::mark(const hosted::AuditReport& report) {
  const ps_u64 now_ns = ps_now_ns(), interval = ps_mark_interval(page_.header, now_ns);
  ps_mark_value(pool_->borrowed_marks, report.used, now_ns);
  // What was never needed: nobody had it since the last look.
  ps_mark_value(pool_->idle_marks, objects_ - std::min<std::uint64_t>(objects_, report.used), now_ns);
  Bracket& bracket = brackets_[interval % brackets_.size()];
  if (bracket.interval != interval) bracket = {interval, 0, 0};
  bracket.seen = std::max<std::uint64_t>(bracket.seen, report.borrowed);
  bracket.at_most = std::max<std::uint64_t>(bracket.at_most, report.used);
  std::uint64_t seen = 0, at_most = 0;
  for (const Bracket& kept : brackets_) {
    if (kept.interval + brackets_.size() <= interval) continue;
    seen = std::max(seen, kept.seen);
    at_most = std::max(at_most, kept.at_most);
  }
  ps_store(&pool_->cached_capacity, at_most - seen);
}

}  // namespace poolscope::host

#include "probes/collectors/pool_order.h"

#include <algorithm>
#include <limits>

namespace poolscope::probes {
namespace {

PoolOrder::PoolId pool_of(const pool_order_event& event) {
  return {event.pool, event.number};
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> buffer_of(const pool_order_event& event) {
  if ((event.flags & POOL_ORDER_BUFFER) == 0) return std::nullopt;
  return std::pair<std::uint64_t, std::uint64_t>(event.length_bytes, event.capacity_bytes);
}

std::uint64_t since(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? to_ns - from_ns : 0;
}

}  // namespace

void PoolOrder::add(std::span<const pool_order_event> events) {
  is_broken_ |= std::ranges::any_of(events, [&](const auto& event) { return event.time_ns < advanced_ns_; });
  waiting_.insert(waiting_.end(), events.begin(), events.end());
}

void PoolOrder::advance(std::uint64_t time_ns) {
  std::ranges::stable_sort(waiting_, {}, &pool_order_event::time_ns);
  const auto end = std::ranges::lower_bound(waiting_, time_ns, {}, &pool_order_event::time_ns);
  for (auto event = waiting_.begin(); event != end; ++event) take(*event);
  waiting_.erase(waiting_.begin(), end);
  advanced_ns_ = std::max(advanced_ns_, time_ns);
}

void PoolOrder::take(const pool_order_event& event) {
  if (event.role == POOL_ROLE_CLEANUP) return stop_following(event.time_ns);
  Pool& pool = pools_[pool_of(event)];
  if (event.role == POOL_ROLE_GET) get(pool, event);
  if (event.role == POOL_ROLE_PUT) put(pool, event);
  if (objects_.size() >= kMaxFollowed || gets_.size() >= kMaxFollowed) stop_following(event.time_ns);
}

void PoolOrder::get(Pool& pool, const pool_order_event& event) {
  pool.misses.get();
  if (event.object == 0) return;
  Object& object = objects_[event.object];
  const auto buffer = buffer_of(event);
  const bool was_here = object.is_idle && object.pool == pool_of(event);
  if (was_here && object.buffer && buffer && object.buffer != buffer) ++pool.sums.used_after_put;
  object = {pool_of(event), false, event.time_ns, buffer};
  gets_.push_back({&pool, event.time_ns});
}

void PoolOrder::put(Pool& pool, const pool_order_event& event) {
  pool.misses.put();
  if (event.object == 0) return;
  const auto found = objects_.find(event.object);
  if (found != objects_.end() && found->second.pool == pool_of(event)) {
    if (found->second.is_idle) {
      ++pool.sums.put_twice;
    } else {
      pool.sums.hold_ns.add(since(found->second.time_ns, event.time_ns));
    }
  }
  objects_[event.object] = {pool_of(event), true, event.time_ns, buffer_of(event)};
}

void PoolOrder::stop_following(std::uint64_t time_ns) {
  for (const Get& get : gets_) get.pool->sums.followed_ns.add(since(get.time_ns, time_ns));
  for (const auto& [address, object] : objects_) {
    if (!object.is_idle) pools_[object.pool].sums.out_ns.add(since(object.time_ns, time_ns));
  }
  gets_.clear();
  objects_.clear();
}

std::map<PoolOrder::PoolId, model::PoolOrderSums> PoolOrder::finish(std::uint64_t end_ns) {
  advance(std::numeric_limits<std::uint64_t>::max());
  stop_following(end_ns);
  std::map<PoolId, model::PoolOrderSums> result;
  for (auto& [id, pool] : pools_) {
    pool.sums.misses = pool.misses.curve();
    result.emplace(id, std::move(pool.sums));
  }
  return result;
}

}  // namespace poolscope::probes

#pragma once
// States of the viewer for tests: made by what a source would deliver.

#include <memory>
#include <string>
#include <utility>

#include "tests/unit/exporters/sample_snapshot.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer_test {

using namespace viewer;

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kStart = 1'795'174'927 * kSecond;  // 2026-11-20 11:42:07 UTC

inline SharedSnapshot share(model::Snapshot snapshot) {
  return std::make_shared<const model::Snapshot>(std::move(snapshot));
}

// One target with one pool, its rates `rate`; at `time_ns`.
inline model::Snapshot small_snapshot(double rate, std::uint64_t time_ns = kStart) {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = time_ns;
  snapshot.agent.boot_id = "boot";
  model::TargetSnapshot& target = snapshot.targets.emplace_back();
  target.name = "shop";
  target.runtime = "go";
  target.cpu_seconds_per_second = 0.5;
  target.allocations.per_second = model::Estimate{rate, rate * 0.9, rate * 1.1};
  model::PoolSummary& pool = target.pools.emplace_back();
  pool.name = "main.buffers";
  pool.kind = "go_sync_pool";
  pool.gets_per_second = model::Estimate{rate, {}, {}};
  pool.hit_ratio = model::Estimate{0.9, 0.8, 0.95};
  return snapshot;
}

inline Step step_at(std::uint64_t end_second, double rate, std::uint64_t length_seconds = 15) {
  const std::uint64_t end_ns = kStart + end_second * kSecond;
  return {{end_ns - length_seconds * kSecond, end_ns}, share(small_snapshot(rate, end_ns)), 10'000};
}

// An agent that was followed for `count` steps of two seconds, and says `snapshot`.
inline Delivery live_delivery(model::Snapshot snapshot, std::size_t count = 60) {
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kLive, "", ""};
  const auto shared = share(std::move(snapshot));
  const std::uint64_t end_ns = shared->time_unix_ns;
  for (std::size_t i = count; i-- > 0;) {
    const std::uint64_t at_ns = end_ns - std::min(end_ns, i * 2 * kSecond);
    delivery.steps.push_back({{at_ns - std::min(at_ns, 15 * kSecond), at_ns}, shared, 10'000});
  }
  delivery.latest = shared;
  return delivery;
}

inline ViewerState live_state(model::Snapshot snapshot, std::size_t count = 60) {
  ViewerState state;
  state.begin("127.0.0.1:9777", true);
  state.take(live_delivery(std::move(snapshot), count));
  return state;
}

}  // namespace poolscope::viewer_test

#pragma once
// PoolOrder: gets and puts of one process one by one, in order of time -> per pool its miss curve (pools/sizing/miss_curve.h) and what
// its users did wrong. Pure: no BPF, no clock.
//   Order     times are taken where each get already has its object and each put still has it, by one clock for all
//             processors: of one object they are in the order in which things happened. Two threads that get and put different
//             objects within some 100 ns may be seen the wrong way round, which changes the misses of a cap by at most one each.
//             Functions of described pools are probed at their entry, before any lock: there it is the order of the calls.
//   Objects   are followed by address, until the next collection of garbage: after it an address may be another object.
//             A get that misses creates its object later, out of sight: it is followed from its first put on.
//   Misuse    put twice: put while idle since its last put. Used after put: its buffer has another length or capacity at a get than at
//             the put before. Never put: what is still out is handed over with its age, and so is every get: who merges records
//             knows how long objects usually stay out.
//   Memory    at most kMaxFollowed objects and gets; then following starts anew, as after a collection.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exporters/model/pool_record.h"
#include "pools/sizing/miss_curve.h"
#include "probes/bpf/pool_events.h"

namespace poolscope::probes {

class PoolOrder {
 public:
  static constexpr std::size_t kMaxFollowed = 1u << 20;
  using PoolId = std::pair<std::uint64_t, std::uint32_t>;  // address, number

  // In any order, if advance() was not told yet that they are all there.
  void add(std::span<const pool_order_event> events);
  // All events before `time_ns` were added: they can be put in order. One that comes too late makes the order worthless: is_broken().
  void advance(std::uint64_t time_ns);
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  // Of everything up to `end_ns`, where watching ended. Nothing can be added afterwards.
  [[nodiscard]] std::map<PoolId, model::PoolOrderSums> finish(std::uint64_t end_ns);

 private:
  struct Pool {
    sizing::MissCurveBuilder misses;
    model::PoolOrderSums sums;
  };
  struct Object {
    PoolId pool;
    bool is_idle = false;
    std::uint64_t time_ns = 0;                                      // of its last get or put
    std::optional<std::pair<std::uint64_t, std::uint64_t>> buffer;  // length and capacity then
  };
  struct Get {
    Pool* pool;
    std::uint64_t time_ns;
  };
  void take(const pool_order_event& event);
  void get(Pool& pool, const pool_order_event& event);
  void put(Pool& pool, const pool_order_event& event);
  void stop_following(std::uint64_t time_ns);

  std::vector<pool_order_event> waiting_;
  std::uint64_t advanced_ns_ = 0;
  bool is_broken_ = false;
  std::map<PoolId, Pool> pools_;  // addresses of its values are kept: elements never move
  std::unordered_map<std::uint64_t, Object> objects_;
  std::vector<Get> gets_;
};

}  // namespace poolscope::probes

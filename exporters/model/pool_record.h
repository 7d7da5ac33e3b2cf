#pragma once
// Pool records: what one look at the pools of one process gave. As all records: sums and histograms that merge by adding.
//   Watch   (L1) rare events, probed all the time: misses, what a garbage collection threw away. Exact while it lasts.
//   Burst   (L2) every get and put in a bounded window, with the misses of the same window. `exact` runs are one long burst.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/histogram.h"
#include "exporters/model/record.h"
#include "pools/sizing/miss_curve.h"

namespace poolscope::model {

// What makes pools of several processes of a target, or of one process after a restart, the same pool.
struct PoolIdentity {
  std::string kind;  // "go_sync_pool", "custom"
  std::string name;  // "main.jsonBufferPool", "encoding/json.encodeStatePool"; empty when nothing names it
  std::string
      address;  // where no variable names it: its place in the program file, "0x5a4720"; tells equal names apart
  std::string element;       // type of what it holds, "*[]uint8"; empty when not known yet or mixed
  std::string new_function;  // what creates an object on a miss; empty: nothing does
  std::string library;       // package that owns the pool when that is not the program itself: "encoding/json"
  auto operator<=>(const PoolIdentity&) const = default;
};

// What events in order of time tell of a pool. How long an object may stay out is known only when bursts are merged: so all ages
// are here, until the end of the burst or the garbage collection after which an address may be another object.
struct PoolOrderSums {
  sizing::MissCurve misses;
  Histogram hold_ns;      // from get to put of the same object
  Histogram followed_ns;  // from each get whose object was followed to the end
  Histogram out_ns;       // the same of those whose object was not put back by then
  std::uint64_t put_twice = 0;
  std::uint64_t used_after_put = 0;  // its buffer had another length or capacity at the get than at the put before

  void merge(const PoolOrderSums& other);
  bool operator==(const PoolOrderSums&) const = default;
};

// What lay in a pool when it was read, at the end of a burst.
struct PoolIdle {
  std::uint64_t objects = 0;
  std::uint64_t sampled = 0;        // of these, looked at for their capacity
  std::uint64_t sampled_bytes = 0;  // their capacity
  bool operator==(const PoolIdle&) const = default;
};

struct PoolSums {
  PoolIdentity pool;
  std::uint64_t gets = 0;
  std::uint64_t misses = 0;  // gets that found the pool empty
  bool misses_known = true;  // false: nothing tells a miss of this pool, `misses` is 0 and means nothing
  std::uint64_t puts = 0;
  std::uint64_t nil_puts = 0;          // Put(nil): ignored by the pool, not in `puts`
  std::uint64_t regrowths = 0;         // put with a larger capacity than the object had at its last get or put
  Histogram hold_ns;                   // from get to put of the same object
  bool regrowths_known = false;        // objects were followed, or a function tells their growth
  std::uint64_t sized_puts = 0;        // puts whose length and capacity could be read
  std::uint64_t empty_puts = 0;        // of these, with length 0: code that resets before it puts
  Histogram needed_bytes;              // length at put, empty ones left out
  Histogram buffer_bytes;              // capacity at put
  std::uint64_t other_elements = 0;    // puts of another type than the one of `pool.element`
  std::uint64_t object_bytes = 0;      // size of the element type where it holds no buffer; 0: not known
  std::uint64_t put_twice = 0;         // put while already in the pool, where objects were followed
  std::optional<PoolOrderSums> order;  // absent: events were not seen one by one, or not all of them
  std::optional<PoolIdle> idle;        // absent: not read
  bool operator==(const PoolSums&) const = default;
};

struct PoolBurstRecord {
  ProcessKey process;
  bool exact = false;  // every event of `window`, no budget
  bool in_order =
      false;  // events were seen one by one, until a number of them ended it: no window for rates, unless exact
  Window window;
  std::vector<PoolSums> pools;
  std::uint64_t probe_hits = 0;  // of the whole burst
  std::uint64_t charge_ns = 0;
  std::map<std::string, std::uint64_t> dropped;
  bool operator==(const PoolBurstRecord&) const = default;
};

struct PoolWatchSums {
  PoolIdentity pool;
  std::uint64_t misses = 0;
  std::uint64_t thrown_away = 0;  // objects that garbage collections dropped
  bool operator==(const PoolWatchSums&) const = default;
};

struct PoolWatchRecord {
  ProcessKey process;
  std::uint64_t start_ns = 0;
  std::uint64_t length_ns = 0;
  std::uint64_t collections = 0;  // garbage collections that emptied pools
  bool misses_watched = false;    // false: too many misses for the budget, `misses` is 0 and means nothing
  bool collections_watched = false;
  std::vector<PoolWatchSums> pools;
  std::uint64_t probe_hits = 0;
  std::uint64_t charge_ns = 0;
  bool operator==(const PoolWatchRecord&) const = default;
};

}  // namespace poolscope::model

#pragma once
// Targets with one thing to say about.

#include "exporters/model/snapshot.h"
#include "pools/sizing/prices.h"

namespace poolscope::advice::testing {

// A service of one core, long enough observed.
model::TargetSnapshot service();
sizing::Prices prices();

// 100 000 gets per second, of buffers of 4 KiB of which a tenth needs 10 KiB and must grow each time.
model::PoolSummary too_small_buffers();
// 1 MiB each, of which 10 KiB are used, 400 of them idle.
model::PoolSummary too_large_buffers();
// Keeps 6, of which 40 are out at a time: two of three gets miss.
model::PoolSummary too_few_idle_buffers();
// Objects of 16 bytes of which few are used again.
model::PoolSummary useless();
model::PoolSummary good();
model::PoolSummary hardly_used();
// Of a Go program, emptied by each collection.
model::PoolSummary emptied();
model::PoolSummary misused();
model::GrowthChain growing_string();
model::CallSite short_lived_blocks();

// All of them in one service.
model::TargetSnapshot everything();

}  // namespace poolscope::advice::testing

#include "tests/unit/advice/cases.h"

#include <utility>

namespace poolscope::advice::testing {
namespace {

model::Estimate about(double value, double share = 0.01) {
  return {value, value * (1 - share), value * (1 + share)};
}

model::PoolSummary published(const char* name, double gets_per_second, double hit_ratio) {
  model::PoolSummary pool;
  pool.name = name;
  pool.kind = "poolscope";
  pool.gets_per_second = pool.puts_per_second = about(gets_per_second, 0);
  pool.misses_per_second = about(gets_per_second * (1 - hit_ratio), 0);
  pool.regrowths_per_second = about(0, 0);
  pool.hit_ratio = about(hit_ratio, 0);
  pool.counted.gets = pool.counted.puts = 1'000'000;
  pool.counted.misses = static_cast<std::uint64_t>(1e6 * (1 - hit_ratio));
  pool.published.emplace();
  pool.published->misses = {{"empty", *pool.counted.misses}};
  return pool;
}

model::SizeSummary sizes(model::BucketList buckets, std::uint64_t p50, std::uint64_t p95, std::uint64_t p99) {
  model::SizeSummary summary;
  summary.buckets = std::move(buckets);
  summary.p50 = p50;
  summary.p95 = p95;
  summary.p99 = p99;
  return summary;
}

}  // namespace

model::TargetSnapshot service() {
  model::TargetSnapshot target;
  target.name = "service";
  target.runtime = "native";
  target.allocator = "glibc";
  target.cpu_seconds_per_second = 1.0;
  target.cost.bursts = {{"taken", 60}};
  target.cost.observed_seconds = 180;
  return target;
}

sizing::Prices prices() {
  sizing::Prices prices;
  prices.allocation_ns = {{64, 20}, {4096, 60}, {16384, 400}, {131072, 4000}, {1048576, 60000}};
  return prices;
}

model::PoolSummary too_small_buffers() {
  model::PoolSummary pool = published("replies", 100'000, 0.9);
  pool.regrowths_per_second = about(10'000, 0);
  pool.published->buffer_bytes = 4096;
  pool.needed_bytes = sizes({{2048, 0.9}, {10240, 0.1}}, 2048, 10240, 10240);
  pool.buffer_bytes = sizes({{4096, 1}}, 4096, 4096, 4096);
  pool.idle = 10;
  return pool;
}

model::PoolSummary too_large_buffers() {
  model::PoolSummary pool = published("frames", 10'000, 1);
  pool.published->buffer_bytes = 1 << 20;
  pool.needed_bytes = sizes({{8192, 0.5}, {10240, 0.5}}, 8192, 10240, 10240);
  pool.buffer_bytes = sizes({{1 << 20, 1}}, 1 << 20, 1 << 20, 1 << 20);
  pool.idle = 400;
  pool.idle_bytes = 400ULL << 20;
  return pool;
}

model::PoolSummary too_few_idle_buffers() {
  model::PoolSummary pool = published("blocks", 50'000, 0.35);
  pool.published->buffer_bytes = 65536;
  pool.published->max_idle_buffers = 6;
  pool.published->discards = {{"full", 650'000}};
  pool.published->borrowed_high_water = about(40, 0);
  pool.published->idle_depth = sizes({{3, 0.5}, {6, 0.5}}, 3, 6, 6);
  pool.idle = 6;
  return pool;
}

model::PoolSummary useless() {
  model::PoolSummary pool = published("tokens", 5'000'000, 0.05);
  pool.object_bytes = 16;
  pool.idle = 1000;
  return pool;
}

model::PoolSummary good() {
  model::PoolSummary pool = published("pages", 200'000, 0.999);
  pool.published->buffer_bytes = 16384;
  pool.idle = 20;
  return pool;
}

model::PoolSummary hardly_used() {
  model::PoolSummary pool = published("sessions", 10, 0.5);
  pool.object_bytes = 128;
  return pool;
}

model::PoolSummary emptied() {
  model::PoolSummary pool = published("encoders", 50'000, 0.6);
  pool.published.reset();
  pool.kind = "go_sync_pool";
  pool.hit_ratio = about(0.6);
  pool.buffer_bytes = sizes({{16384, 1}}, 16384, 16384, 16384);
  pool.thrown_away_per_gc = 120;
  return pool;
}

model::PoolSummary misused() {
  model::PoolSummary pool = good();
  pool.name = "chunks";
  pool.use.emplace();
  pool.use->put_twice = 3;
  pool.use->used_after_put = 12;
  pool.use->never_put_after_seconds = 0.01;
  pool.use->never_put_ratio = {0.05, 0.04, 0.06};
  return pool;
}

model::GrowthChain growing_string() {
  model::GrowthChain chain;
  chain.symbol = "Reply::render()";
  chain.object = "/usr/bin/service";
  chain.first_bytes = 64;
  chain.final_bytes_p50 = 6000;
  chain.final_bytes_p95 = 8000;
  chain.steps = 7;
  chain.per_second = about(20'000, 0.1);
  chain.copied_bytes_per_second = about(20'000 * 8000.0, 0.1);
  return chain;
}

model::CallSite short_lived_blocks() {
  model::CallSite site;
  site.symbol = "Parser::parse(Request&)";
  site.object = "/usr/bin/service";
  site.share_ratio = 0.5;
  site.per_second = about(100'000, 0.05);
  site.bytes_per_second = about(100'000 * 16384.0, 0.05);
  site.short_lived_ratio = 0.97;
  return site;
}

model::TargetSnapshot everything() {
  model::TargetSnapshot target = service();
  target.gc.emplace();
  target.gc->cycles = 100;
  target.pools = {too_small_buffers(),
                  too_large_buffers(),
                  too_few_idle_buffers(),
                  useless(),
                  good(),
                  hardly_used(),
                  emptied(),
                  misused()};
  target.growth_chains = {growing_string()};
  target.call_sites = {short_lived_blocks()};
  return target;
}

}  // namespace poolscope::advice::testing

#include "tests/unit/exporters/sample_snapshot.h"

namespace poolscope::test {
namespace {

using namespace model;

constexpr std::uint64_t kNow = 1'795'174'927'000'000'000;  // 2026-11-20 11:42:07 UTC

SizeSummary redis_sizes() {
  return {63,
          1151,
          16383,
          {{15, 0.021},
           {23, 0.168},
           {31, 0.103},
           {47, 0.142},
           {63, 0.121},
           {95, 0.187},
           {127, 0.064},
           {255, 0.071},
           {511, 0.048},
           {1023, 0.021},
           {1151, 0.026},
           {4095, 0.011},
           {16383, 0.012},
           {20479, 0.003},
           {65535, 0.002}}};
}

LifetimeSummary redis_lifetimes() {
  return {0.000'038,
          std::nullopt,
          {{0.001, Estimate{0.741, 0.723, 0.76}}, {0.01, Estimate{0.828, 0.807, 0.849}}},
          0.05,
          {{0.000'000'9, 0.043},
           {0.000'008, 0.187},
           {0.000'038, 0.281},
           {0.000'091, 0.102},
           {0.000'4, 0.128},
           {0.004, 0.061},
           {0.009, 0.026},
           {0.031, 0.024}}};
}

AllocationSummary redis_allocations() {
  AllocationSummary all;
  all.per_second = Estimate{688'012, 661'204, 714'820};
  all.bytes_per_second = Estimate{92.4e6, 88.1e6, 96.7e6};
  all.frees_per_second = Estimate{671'300, 643'020, 699'580};
  all.reallocations_per_second = Estimate{12'310, 11'790, 12'830};
  all.churn_ratio = Estimate{0.831, 0.81, 0.852};
  all.churn_age_seconds = 0.01;
  all.counted = {59'402, 7'981'022, 41'877, 1'063, 1'410};
  all.size_bytes = redis_sizes();
  all.lifetime = redis_lifetimes();
  return all;
}

std::vector<CallSite> redis_call_sites() {
  const std::string object = "/usr/bin/redis-server";
  std::vector<CallSite> sites(4);
  sites[0] = {"sdsnewlen",
              object,
              "sds.c:112",
              0x4a3f1,
              0.342,
              Estimate{235'300, 224'000, 246'600},
              Estimate{14.8e6, {}, {}},
              {},
              {},
              0.912,
              {{"zmalloc_usable", object, 0x51c20, "zmalloc.c:136"},
               {"createStringObject", object, 0x6b0a4, "object.c:97"},
               {"processMultibulkBuffer", object, 0x5f7d2, "networking.c:2311"}}};
  sites[1] = {"dictAddRaw", object, "",    0x3e08c, 0.121, Estimate{83'200, {}, {}}, Estimate{5.3e6, {}, {}},
              {},           {},     0.034, {}};
  sites[2] = {
      "std::__detail::_Map_base<std::basic_string<char>, std::pair<std::basic_string<char> const, unsigned long>, "
      "std::allocator<std::pair<std::basic_string<char> const, unsigned long> > >::operator[]",
      "/usr/lib/redis/modules/counter.so",
      "counter.cc:48",
      0x1f2e0,
      0.094,
      Estimate{64'700, {}, {}},
      Estimate{9.9e6, {}, {}},
      {},
      {},
      std::nullopt,
      {}};
  sites[3] = {"",
              "/usr/lib/x86_64-linux-gnu/libssl.so.3",
              "",
              0x7c1d3,
              0.018,
              Estimate{12'400, {}, {}},
              Estimate{1.1e6, {}, {}},
              {},
              {},
              0.66,
              {}};
  return sites;
}

TargetSnapshot redis() {
  TargetSnapshot target;
  target.name = "redis-server";
  target.runtime = "native";
  target.allocator = "jemalloc";
  target.labels = {{"env", "prod"}};
  target.processes = {{{4711, 88'210}, kNow - 7'200'000'000'000, "redis-server"}};
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kCollecting, "", ""},
                       {"cpu_share", "L1", CollectorState::kCollecting, "", ""}};
  target.cpu_seconds_per_second = 0.934;
  target.cpu_share =
      CpuShare{3'562, Estimate{0.079, 0.0706, 0.0883}, Estimate{0.021, 0.0168, 0.0262}, Estimate{0.002, 0.001, 0.0041},
               {},    Estimate{0.102, 0.0925, 0.1124}};
  target.allocations = redis_allocations();
  target.call_sites = redis_call_sites();
  GrowthChain& chain = target.growth_chains.emplace_back();
  chain.symbol = "sdsMakeRoomFor";
  chain.object = "/usr/bin/redis-server";
  chain.offset = 0x4a910;
  chain.first_bytes = 64;
  chain.final_bytes_p50 = 1024;
  chain.final_bytes_p95 = 16'384;
  chain.steps = 5.2;
  chain.per_second = Estimate{1'210, {}, {}};
  chain.copied_bytes_per_second = Estimate{3.4e6, {}, {}};
  target.cost.probe_hits = 61'204;
  target.cost.charged_cpu_ratio = 0.0046;
  target.cost.charged_cpu_seconds = 0.129;
  target.cost.bursts = {{"taken", 24}, {"target_idle", 1}};
  target.cost.observed_seconds = 30.02;
  target.cost.window_seconds = 0.0863;
  target.cost.coverage_ratio = 0.96;
  return target;
}

TargetSnapshot go_service() {
  TargetSnapshot target;
  target.name = "api-gateway";
  target.runtime = "go";
  target.processes = {{{5120, 90'001}, kNow - 3'600'000'000'000, "api-gateway"},
                      {{5121, 90'002}, kNow - 3'600'000'000'000, "api-gateway"}};
  target.collectors = {
      {"alloc_bursts", "L2", CollectorState::kUnavailable, "no_allocator",
       "api-gateway allocates with the Go runtime, not with malloc; its allocations are counted by go_runtime"},
      {"go_runtime", "L0", CollectorState::kUnavailable, "not_permitted",
       "cannot read the memory of process 5120: not permitted (EPERM); run the agent with CAP_SYS_PTRACE"}};
  return target;
}

PoolSummary json_buffer_pool() {
  PoolSummary pool;
  pool.name = "main.jsonBufferPool";
  pool.kind = "go_sync_pool";
  pool.element = "*bytes.Buffer";
  pool.new_function = "main.init.func1";
  pool.gets_per_second = Estimate{18'420, 17'610, 19'230};
  pool.puts_per_second = Estimate{18'390, 17'570, 19'210};
  pool.misses_per_second = Estimate{5'710, 5'320, 6'100};
  pool.regrowths_per_second = Estimate{5'540, 5'130, 5'950};
  pool.hit_ratio = Estimate{0.69, 0.672, 0.708};
  pool.counted = {1'612, 1'609, 498, 483, 171'334, 3'600};
  pool.needed_bytes = SizeSummary{1'151, 4'607, 9'215, {{767, 0.3}, {1'151, 0.4}, {4'607, 0.26}, {9'215, 0.04}}};
  pool.buffer_bytes = SizeSummary{2'047, 8'191, 16'383, {{2'047, 0.7}, {8'191, 0.26}, {16'383, 0.04}}};
  pool.use = PoolUse{0.000'084, 0.000'41, 0.0021, 0.0043, 1'598, 0, Estimate{0, 0, 0.0024}, 0, 0};
  pool.thrown_away_per_gc = 120;
  pool.idle = 131;
  pool.miss_curve = {{1, 0.62}, {16, 0.2}, {64, 0.04}};
  pool.miss_curve_bracket = {{1, 0.62, 0.62}, {16, 0.195, 0.205}, {64, 0.03, 0.06}};
  pool.miss_curve_gets = 1'604;
  return pool;
}

PoolSummary encode_state_pool() {
  PoolSummary pool;
  pool.name = "encoding/json.encodeStatePool";
  pool.kind = "go_sync_pool";
  pool.element = "*json.encodeState";
  pool.library = "encoding/json";
  pool.gets_per_second = Estimate{42'300, 40'100, 44'500};
  pool.puts_per_second = Estimate{42'280, 40'090, 44'470};
  pool.misses_per_second = Estimate{388, 301, 475};
  pool.hit_ratio = Estimate{0.9908, 0.9889, 0.9927};
  pool.counted = {3'702, 3'700, 34, 0, 11'640, 310};
  pool.needed_bytes_reason = "reset_before_put";
  pool.buffer_bytes = SizeSummary{4'095, 16'383, 32'767, {{4'095, 0.8}, {16'383, 0.17}, {32'767, 0.03}}};
  pool.use = PoolUse{0.000'011, 0.000'05, 0.000'31, {}, {}, {}, {}, 0, {}};
  pool.thrown_away_per_gc = 10.3;
  return pool;
}

PoolSummary borrowed_pool() {
  PoolSummary pool;
  pool.name = "github.com/acme/order-api/internal/session.requestScopePool";
  pool.kind = "go_sync_pool";
  pool.element = "*session.requestScope";
  pool.new_function = "github.com/acme/order-api/internal/session.init.func2";
  pool.gets_per_second = Estimate{930, {}, {}};
  pool.puts_per_second = Estimate{701, {}, {}};
  pool.misses_per_second = Estimate{232, {}, {}};
  pool.hit_ratio = Estimate{0.751, {}, {}};
  pool.counted = {81, 61, 20, 0, {}, {}};
  pool.needed_bytes_reason = "no_buffer";
  pool.object_bytes = 192;
  pool.use = PoolUse{0.0012, 0.009, 0.011, {}, {}, {}, {}, 2, {}};
  return pool;
}

PoolSummary quiet_pool() {
  PoolSummary pool;
  pool.name = "fmt.ppFree";
  pool.kind = "go_sync_pool";
  pool.element = "*fmt.pp";
  pool.new_function = "fmt.init.0.func1";
  pool.library = "fmt";
  pool.counted.watched_misses = 12;
  pool.needed_bytes_reason = "not_seen";
  return pool;
}

GcSummary go_heap() {
  GcSummary gc;
  gc.cycles = 2'814;
  gc.pause_seconds = 0.713;
  gc.live_bytes = 41'943'040;
  gc.goal_bytes = 83'886'080;
  gc.allocated_bytes = 118'112'000'000;
  gc.allocated_objects = 1'410'022'113;
  gc.allocated_bytes_per_second = 61.2e6;
  gc.allocated_objects_per_second = 730'600;
  gc.churn_ratio = 0.948;
  gc.cpu_ratio = 0.071;
  gc.assist_cpu_ratio = 0.006;
  gc.gogc_percent = 100;
  gc.allocated_by_size_class = {{8, 61'402'118},    {16, 302'113'870},  {24, 98'310'442},    {32, 154'008'771},
                                {48, 201'711'390},  {64, 210'221'010},  {96, 88'123'004},    {128, 91'744'001},
                                {256, 77'012'330},  {512, 40'113'098},  {1'024, 29'007'511}, {2'048, 18'411'020},
                                {4'096, 9'200'117}, {32'768, 1'004'210}};
  return gc;
}

// Faults first, then what saves most, then what may stay.
std::vector<Advice> order_api_advice() {
  Advice twice;
  twice.subject = "main.jsonBufferPool";
  twice.kind = "misuse";
  twice.verdict = Verdict::kFix;
  twice.why = "3 puts gave back an object that was in the pool already. Find the path that puts twice.";
  twice.evidence = {{"pools[main.jsonBufferPool].use.put_twice", 3, "3"}};

  Advice smaller;
  smaller.subject = "main.jsonBufferPool";
  smaller.kind = "buffer_bytes";
  smaller.verdict = Verdict::kChange;
  smaller.unit = "bytes";
  smaller.current = 65536;
  smaller.recommended = 8192;
  smaller.why = "99 % of the buffers need at most 8 KiB.";
  smaller.evidence = {{"advice.fitting_ratio", 0.99, "99 %"}, {"advice.recommended", 8192, "8 KiB"}};
  smaller.saved_cpu_ratio = Estimate{0.008, 0.005, 0.011};
  smaller.saved_bytes = 5.5 * (1 << 20);
  smaller.alternatives = {"stay below 128 KiB: larger blocks are mapped one by one"};
  smaller.reevaluate_when = {"the sizes that are needed change (another schema, other row counts)"};

  Advice leave, wait;
  leave.subject = "encoding/json.encodeStatePool";
  leave.kind = wait.kind = "keep";
  leave.why = "it hits all of its gets.";
  wait.subject = "main.quietPool";
  wait.verdict = Verdict::kWait;
  wait.why = "too few bursts were taken.";
  return {twice, smaller, leave, wait};
}

TargetSnapshot go_with_pools() {
  TargetSnapshot target;
  target.name = "order-api";
  target.runtime = "go";
  target.processes = {{{5300, 91'000}, kNow - 1'930'000'000'000, "order-api"}};
  target.collectors = {{"go_runtime", "L0", CollectorState::kCollecting, "", ""},
                       {"go_pools", "L2", CollectorState::kCollecting, "", ""}};
  target.cpu_seconds_per_second = 1.42;
  target.pools = {encode_state_pool(), json_buffer_pool(), borrowed_pool(), quiet_pool()};
  target.gc = go_heap();
  target.advice = order_api_advice();
  target.allocations.source = "runtime";
  target.allocations.per_second = Estimate{730'600, 730'600, 730'600};
  target.allocations.bytes_per_second = Estimate{61.2e6, 61.2e6, 61.2e6};
  target.allocations.heap_turnover_per_second = Estimate{1.46, 1.46, 1.46};
  target.cost.probe_hits = 12'911;
  target.cost.charged_cpu_ratio = 0.0058;
  target.cost.charged_cpu_seconds = 0.247;
  target.cost.bursts = {{"taken", 26}};
  target.cost.observed_seconds = 30.0;
  target.cost.window_seconds = 0.091;
  target.cost.coverage_ratio = 1;
  return target;
}

TargetSnapshot starting_worker() {
  TargetSnapshot target;
  target.name = "thumbnail-worker";
  target.runtime = "native";
  target.allocator = "glibc";
  target.processes = {{{6001, 99'000}, kNow - 4'000'000'000, "worker"}};
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kCollecting, "", ""}};
  target.evidence = {{"alloc_bursts", 5, 12, "intervals", 4.0}};
  target.cpu_seconds_per_second = 3.1;
  target.allocations.per_second = Estimate{18'450, {}, {}};
  target.allocations.bytes_per_second = Estimate{2.2e9, {}, {}};
  target.allocations.counted = {212, 25'400'000, 0, 3, {}};
  target.allocations.size_bytes =
      SizeSummary{131'071, 262'143, 1'048'575, {{131'071, 0.6}, {262'143, 0.36}, {1'048'575, 0.04}}};
  target.cost.probe_hits = 215;
  target.cost.charged_cpu_ratio = 0.0131;
  target.cost.charged_cpu_seconds = 0.162;
  target.cost.bursts = {{"taken", 5}, {"no_tokens", 2}};
  target.cost.observed_seconds = 4.0;
  target.cost.window_seconds = 0.011;
  target.cost.coverage_ratio = 0.71;
  target.cost.dropped = {{"births_full", 12}};
  target.cost.clamped_windows = 1;
  return target;
}

TargetSnapshot exact_run() {
  TargetSnapshot target;
  target.name = "sort-test";
  target.runtime = "native";
  target.allocator = "glibc";
  target.processes = {{{7300, 99'400}, kNow - 2'000'000'000, "sort-test"}};
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kCollecting, "", ""}};
  target.exact = true;
  target.allocations.per_second = Estimate{50'210, {}, {}};
  target.allocations.counted = {100'420, 6'426'880, 100'420, 0, 3};
  target.call_sites = {{"main",
                        "/home/dev/sort-test",
                        "sort_test.cc:21",
                        0x1149,
                        1.0,
                        Estimate{50'210, {}, {}},
                        {},
                        100'420,
                        6'426'880,
                        {},
                        {}}};
  target.cost.probe_hits = 200'843;
  target.cost.charged_cpu_ratio = 0.141;
  target.cost.charged_cpu_seconds = 0.282;
  target.cost.bursts = {{"taken", 1}};
  target.cost.observed_seconds = 2.0;
  target.cost.window_seconds = 2.0;
  return target;
}

}  // namespace

Snapshot realistic_snapshot() {
  Snapshot snapshot;
  snapshot.time_unix_ns = kNow;
  snapshot.agent = {"0.1.0", "2b6b1c0a-8a70-4d2c-9f5e-1c8f0f1e7c11", 42, 0.01, 0.31, std::nullopt};
  snapshot.targets = {redis(), go_service(), go_with_pools(), starting_worker(), exact_run()};
  return snapshot;
}

}  // namespace poolscope::test

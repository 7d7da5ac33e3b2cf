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
  target.collectors = {
      {"alloc_bursts", "L2", CollectorState::kCollecting, "", ""},
      {"cpu_share", "L1", CollectorState::kIdle, "no_budget", "waits until alloc_bursts leaves budget over"}};
  target.cpu_seconds_per_second = 0.934;
  target.allocations = redis_allocations();
  target.call_sites = redis_call_sites();
  target.growth_chains = {{"sdsMakeRoomFor",
                           "/usr/bin/redis-server",
                           0x4a910,
                           64,
                           1024,
                           16'384,
                           5.2,
                           Estimate{1'210, {}, {}},
                           Estimate{3.4e6, {}, {}},
                           {},
                           {}}};
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

TargetSnapshot starting_worker() {
  TargetSnapshot target;
  target.name = "thumbnail-worker";
  target.runtime = "native";
  target.allocator = "glibc";
  target.processes = {{{6001, 99'000}, kNow - 4'000'000'000, "worker"}};
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kCollecting, "", ""}};
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
  snapshot.agent = {"0.1.0", "2b6b1c0a-8a70-4d2c-9f5e-1c8f0f1e7c11", 42, 0.01, 0.31};
  snapshot.targets = {redis(), go_service(), starting_worker(), exact_run()};
  return snapshot;
}

}  // namespace poolscope::test

#include "tests/bench/advice/traces.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <random>
#include <utility>

#include "pools/sizing/size_classes.h"

namespace poolscope::bench {
namespace {

constexpr std::size_t kUses = 100'000;
constexpr std::size_t kFewestEvents = 4000;
constexpr std::uint64_t kLeastBytes = 64;

SizeTrace made_sizes(const char* name, const std::function<std::uint64_t(std::mt19937_64&, double)>& next) {
  std::mt19937_64 random(7);
  SizeTrace trace{name, {}, 1e-3, 10e-3};
  for (std::size_t i = 0; i < kUses; ++i)
    trace.needed_bytes.push_back(next(random, static_cast<double>(i) / static_cast<double>(kUses)));
  return trace;
}

std::uint64_t lognormal(std::mt19937_64& random, double median, double sigma) {
  return static_cast<std::uint64_t>(std::lognormal_distribution<double>(std::log(median), sigma)(random)) + 1;
}

void sort_by_time(std::vector<PoolEvent>& events) {
  std::ranges::stable_sort(events, {}, &PoolEvent::time_ns);
}

struct Load {
  double gets_per_second, hold_seconds;
  unsigned batch = 1;  // gets at a time
};

// `at(t)`: the load at t of 0 to 1.
PoolTrace made_pool(const std::string& name, std::uint64_t bytes, double seconds, std::uint64_t seed,
                    const std::function<Load(double)>& at) {
  std::mt19937_64 random(seed);
  PoolTrace trace{name, bytes, {}};
  for (double now = 0; now < seconds;) {
    const Load load = at(now / seconds);
    now += std::exponential_distribution<double>(load.gets_per_second / load.batch)(random);
    for (unsigned i = 0; i < load.batch; ++i) {
      const double hold = std::exponential_distribution<double>(1 / load.hold_seconds)(random);
      trace.events.push_back({static_cast<std::uint64_t>(now * 1e9), true});
      trace.events.push_back({static_cast<std::uint64_t>((now + hold) * 1e9) + 1, false});
    }
  }
  sort_by_time(trace.events);
  return trace;
}

}  // namespace

std::vector<SizeTrace> made_size_traces() {
  using Random = std::mt19937_64;
  return {
      made_sizes("bimodal", [](Random& r, double) { return r() % 10 != 0 ? 1800 + r() % 400 : 38000 + r() % 4000; }),
      made_sizes("log-normal", [](Random& r, double) { return lognormal(r, 4000, 1); }),
      made_sizes(
          "periodic",
          [](Random& r, double t) { return lognormal(r, 6000 * (1.2 + std::sin(40 * std::numbers::pi * t)), 0.2); }),
      made_sizes("regime switch at a quarter",
                 [](Random& r, double t) { return lognormal(r, t < 0.25 ? 1000 : 9000, 0.3); }),
      // Most uses are small, nearly as many are 1 to 2 kB: the most frequent size is of no use (bytebufferpool, issue 15).
      made_sizes("small most often",
                 [](Random& r, double) { return r() % 100 < 51 ? 60 + r() % 60 : 1024 + r() % 1024; }),
      // Beyond the largest bin of a fixed table (bytebufferpool, issue 13).
      made_sizes("some very large",
                 [](Random& r, double) { return r() % 50 != 0 ? lognormal(r, 3000, 0.5) : lognormal(r, 6e6, 0.5); }),
  };
}

std::vector<PoolTrace> made_pool_traces() {
  constexpr double kSeconds = 20;
  constexpr std::uint64_t kBytes = 16384;
  return {
      made_pool("steady", kBytes, kSeconds, 1,
                [](double) {
                  return Load{20'000, 2e-3};
                }),
      made_pool("steady, few out", kBytes, kSeconds, 2,
                [](double) {
                  return Load{20'000, 0.1e-3};
                }),
      made_pool("batches of 32", kBytes, kSeconds, 3,
                [](double) {
                  return Load{20'000, 1e-3, 32};
                }),
      made_pool("batches of 200", kBytes, kSeconds, 4,
                [](double) {
                  return Load{20'000, 1e-3, 200};
                }),
      made_pool("periodic", kBytes, kSeconds, 5,
                [](double t) {
                  return Load{15'000 * (1.1 + std::sin(40 * std::numbers::pi * t)), 3e-3};
                }),
      made_pool("regime switch at a quarter", kBytes, kSeconds, 6,
                [](double t) {
                  return t < 0.25 ? Load{5'000, 1e-3} : Load{30'000, 4e-3};
                }),
      made_pool("large buffers, few gets", 1 << 20, kSeconds, 7,
                [](double) {
                  return Load{500, 10e-3};
                }),
  };
}

std::vector<PoolTrace> hopeless_traces(unsigned count) {
  std::vector<PoolTrace> traces;
  for (unsigned i = 0; i < count; ++i) {
    std::mt19937_64 random(1000 + i);
    const double rate = 5'000 + static_cast<double>(random() % 20'000);
    if (i % 2 == 0) {
      // Tiny: allocating takes no longer than a get and a put.
      traces.push_back(made_pool("tiny objects", 16 + random() % 48, 1, random(), [rate](double) {
        return Load{rate, 1e-3};
      }));
    } else {
      // Nothing comes back before the end.
      traces.push_back(made_pool("kept", 1024, 1, random(), [rate](double) { return Load{rate, 30}; }));
    }
  }
  return traces;
}

SizeTrace size_trace(const std::string& name, const truth::EventStream& stream) {
  SizeTrace trace{name, {}, 0, 0};
  double hold = 0;
  for (const truth::Life& life : stream.lives) {
    if (life.died_ns == truth::kNever || life.bytes < kLeastBytes) continue;
    trace.needed_bytes.push_back(life.bytes);
    hold += static_cast<double>(life.died_ns - life.born_ns) * 1e-9;
  }
  if (trace.needed_bytes.empty()) return trace;
  const auto uses = static_cast<double>(trace.needed_bytes.size());
  trace.hold_seconds = hold / uses;
  trace.idle_seconds = std::max(1e-6, static_cast<double>(stream.end_ns - stream.begin_ns) * 1e-9 / uses);
  return trace;
}

std::vector<PoolTrace> pool_traces(const std::string& name, const truth::EventStream& stream, unsigned most) {
  std::map<std::uint64_t, PoolTrace> by_class;
  for (const truth::Life& life : stream.lives) {
    if (life.bytes < kLeastBytes) continue;
    const std::uint64_t bytes = sizing::usable_bytes(sizing::Allocator::kGlibc, life.bytes);
    PoolTrace& trace = by_class[bytes];
    trace.buffer_bytes = bytes;
    trace.events.push_back({life.born_ns, true});
    if (life.died_ns != truth::kNever) trace.events.push_back({life.died_ns, false});
  }
  std::vector<PoolTrace> traces;
  for (auto& [bytes, trace] : by_class) {
    const auto puts = std::ranges::count(trace.events, false, &PoolEvent::is_get);
    if (trace.events.size() < kFewestEvents || puts * 4 < static_cast<std::ptrdiff_t>(trace.events.size())) continue;
    trace.name = name + ", " + std::to_string(bytes) + " bytes";
    sort_by_time(trace.events);
    traces.push_back(std::move(trace));
  }
  std::ranges::sort(traces, std::greater<>{}, [](const PoolTrace& trace) { return trace.events.size(); });
  traces.resize(std::min<std::size_t>(traces.size(), most));
  return traces;
}

}  // namespace poolscope::bench

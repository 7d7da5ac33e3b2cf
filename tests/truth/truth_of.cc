// truth_of BEGIN_NS END_NS FILE...: what is true, between two moments of CLOCK_MONOTONIC, of the processes that event_recorder has
// written the files of; one JSON object.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/truth/truth.h"

namespace {

double share(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

void print(const poolscope::truth::Truth& truth, std::uint64_t dropped_events, double cost_ns) {
  const auto& lives = truth.lives();
  const auto number = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  const auto quantile = [&](double p) { return number(truth.size_quantile(p).value_or(0)); };
  std::printf("{\"allocations\": %llu, \"allocated_bytes\": %llu, \"reallocations\": %llu, \"frees\": %llu, ",
              number(truth.allocations()), number(truth.allocated_bytes()), number(truth.reallocations()),
              number(truth.frees()));
  std::printf(
      "\"per_second\": %.6f, \"bytes_per_second\": %.6f, \"reallocations_per_second\": %.6f, \"frees_per_second\": "
      "%.6f, "
      "\"p50\": %llu, \"p95\": %llu, \"p99\": %llu, \"births\": %llu, \"below_1ms\": %.8f, \"below_10ms\": %.8f, "
      "\"churn_ratio\": %.8f, \"events\": %llu, \"dropped_events\": %llu, \"recorder_ns_per_event\": %.2f}\n",
      truth.allocations_per_second(), truth.bytes_per_second(), truth.reallocations_per_second(),
      truth.frees_per_second(), quantile(0.5), quantile(0.95), quantile(0.99), number(lives.births),
      share(static_cast<double>(lives.dead_by_1ms), static_cast<double>(lives.births)),
      share(static_cast<double>(lives.dead_by_10ms), static_cast<double>(lives.births)),
      share(lives.bytes_dead_by_10ms, lives.bytes), number(truth.events()), number(dropped_events), cost_ns);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: truth_of BEGIN_NS END_NS FILE...\n", stderr);
    return 2;
  }
  const poolscope::truth::Range range{std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10)};
  if (range.begin_ns >= range.end_ns) {
    std::fputs("truth_of: END_NS must be later than BEGIN_NS\n", stderr);
    return 2;
  }
  poolscope::truth::Truth truth(range);
  std::uint64_t dropped_events = 0;
  double cost_ns = 0;
  for (int i = 3; i < argc; ++i) {
    const auto stream = poolscope::truth::read_events(argv[i]);
    if (!stream) {
      std::fprintf(stderr, "truth_of: %s\n", describe(stream.error()).c_str());
      return 1;
    }
    truth.add(*stream);
    dropped_events += stream.value().dropped_events;
    cost_ns = std::max(cost_ns, stream.value().cost_ns);
  }
  print(truth, dropped_events, cost_ns);
  return 0;
}

// What a get and a put cost, of pools of libpoolscope and of their peers. Run by tests/bench/pools.py.
#include <benchmark/benchmark.h>

namespace poolscope::bench {
void add_ours();
void add_peers();
}  // namespace poolscope::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  poolscope::bench::add_ours();
  poolscope::bench::add_peers();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

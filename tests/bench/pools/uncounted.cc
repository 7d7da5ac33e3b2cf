// The pools of ours.cc compiled without counts: what counting costs is the difference, since nothing else differs.
#include "tests/bench/pools/object_pools.h"

int main(int argc, char** argv) {
  using namespace poolscope::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_pair("lease/without_counts", lease_pair<Unsampled>);
  add_pair("handle/without_counts", one_pair<Handle<Unsampled>>);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

// What it costs to borrow a buffer of 4 KiB from memory that processes share, and to give it back: iceoryx, whose daemon must run.
#include <benchmark/benchmark.h>
#include <iceoryx_posh/popo/publisher.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include "tests/bench/pools/patterns.h"

namespace poolscope::bench {
namespace {

void iceoryx_pair(benchmark::State& state) {
  iox::popo::Publisher<Object> publisher({"poolscope", "bench", "objects"});
  for (auto _ : state) {
    auto loan = publisher.loan();
    if (loan.has_error()) {
      state.SkipWithError("no chunk was loaned");
      return;
    }
    use(loan.value().get());  // not published: it goes back with the sample
  }
}

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  iox::runtime::PoshRuntime::initRuntime("poolscope-hosted-bench");
  benchmark::RegisterBenchmark("hosted/iceoryx", poolscope::bench::iceoryx_pair)->Threads(1)->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

// What it costs to borrow a buffer of 4 KiB from memory that processes share, and to give it back: HostedPool, and iceoryx, whose daemon
// must run. A hosted pool "bench" is expected at the socket that POOLSCOPE_BENCH_SOCKET names.
#include <cstdlib>

#include <benchmark/benchmark.h>
#include <iceoryx_posh/popo/publisher.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#if __has_include("poolscope/hosted_pool.h")
#include "poolscope/hosted_pool.h"
#define POOLSCOPE_BENCH_HOSTED 1
#else
#define POOLSCOPE_BENCH_HOSTED 0
#endif
#include "tests/bench/pools/patterns.h"

namespace poolscope::bench {
namespace {

void iceoryx_pair(benchmark::State& state) {
  [[maybe_unused]] static auto& joined = iox::runtime::PoshRuntime::initRuntime("poolscope-hosted-bench");
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

#if POOLSCOPE_BENCH_HOSTED
void hosted_pair(benchmark::State& state) {
  const char* const socket = std::getenv("POOLSCOPE_BENCH_SOCKET");
  auto pool = HostedPool::open({.name = "bench", .socket = socket != nullptr ? socket : ""});
  if (!pool.has_value()) return state.SkipWithError(pool.error().text.c_str());
  for (auto _ : state) {
    const HostedBuffer buffer = (*pool)->acquire();
    use(buffer.data());
  }
}
#endif

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
#if POOLSCOPE_BENCH_HOSTED
  benchmark::RegisterBenchmark("hosted/hosted_pool", poolscope::bench::hosted_pair)->Threads(1)->UseRealTime();
#endif
  benchmark::RegisterBenchmark("hosted/iceoryx", poolscope::bench::iceoryx_pair)->Threads(1)->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

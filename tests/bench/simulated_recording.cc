// simulated_recording FILE HOURS: a recording of one target under a steady load, a stratum each three seconds with its burst.
#include <cstdio>
#include <cstdlib>

#include "exporters/recording/recorder.h"
#include "tests/unit/sampler/simulated_agent.h"

int main(int argc, char** argv) {
  using namespace poolscope;
  const unsigned long hours = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (hours == 0) {
    std::fputs("usage: simulated_recording FILE HOURS\n", stderr);
    return 2;
  }
  auto recorder = recording::Recorder::create(argv[1]);
  if (!recorder) {
    std::fprintf(stderr, "%s\n", recorder.error().c_str());
    return 1;
  }
  sampler::test::SimulatedAgent agent(**recorder);
  while (agent.now_ns() < hours * 3600 * estimate::testing::kSecondNs) agent.run_stratum();
  return 0;
}

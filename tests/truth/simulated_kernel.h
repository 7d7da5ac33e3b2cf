#pragma once
// SimulatedKernel: the bursts that poolscope would take of a recorded process, without a process. It plays the stream from a moment on
// and makes what probes/collectors/alloc_bursts.h returns.
//   Dilation  each probe hit delays its thread by the price; a thread that waits makes up for it in its pauses.
//   CPU time  a thread works until its next event, but for at most EventStream::wait_ns; what is longer is waiting.
//   Price     hits take `price_factor` times what they are charged at.
//   Threads   each has its own delay; there are CPUs for all.

#include <cstdint>
#include <vector>

#include "agent/budget/burst_plan.h"
#include "exporters/model/record.h"
#include "tests/truth/event_stream.h"

namespace poolscope::truth {

struct HitPrices {
  double count_ns = 500;  // entry of an allocating function
  double life_ns = 1100;  // entry and return
  double free_ns = 550;
};

class SimulatedKernel {
 public:
  struct Options {
    HitPrices prices;
    double price_factor = 1;
    std::size_t max_births = 8192;  // more are dropped, and counted
  };

  // `stream` must outlive it.
  explicit SimulatedKernel(const EventStream& stream);

  void set_options(const Options& options) { options_ = options; }

  [[nodiscard]] model::BurstRecord rate(std::uint64_t start_ns, const budget::RatePlan& plan) const {
    return count(start_ns, plan, model::BurstKind::kRate);
  }
  [[nodiscard]] model::BurstRecord frees(std::uint64_t start_ns, const budget::RatePlan& plan) const {
    return count(start_ns, plan, model::BurstKind::kFrees);
  }
  [[nodiscard]] model::BurstRecord cohort(std::uint64_t start_ns, const budget::CohortPlan& plan) const;

  // CPU time of the process between two moments, nobody watching.
  [[nodiscard]] std::uint64_t cpu_ns(std::uint64_t from_ns, std::uint64_t to_ns) const;
  [[nodiscard]] std::uint64_t io_calls(std::uint64_t from_ns, std::uint64_t to_ns) const;

 private:
  // From `time_ns` on so many threads work.
  struct Step {
    std::uint64_t time_ns = 0;
    std::int64_t working = 0;
    std::uint64_t cpu_before_ns = 0;
  };
  [[nodiscard]] std::uint64_t cpu_until(std::uint64_t time_ns) const;
  [[nodiscard]] model::BurstRecord count(std::uint64_t start_ns, const budget::RatePlan& plan,
                                         model::BurstKind kind) const;

  const EventStream& stream_;
  std::vector<Step> steps_;
  std::vector<std::uint64_t> io_calls_ns_;
  Options options_;
};

}  // namespace poolscope::truth

#pragma once
// CpuSamples: where watched processes spend their CPU time: a timer of every CPU asks what runs there, 49 times a second.
//
//   Why one timer per CPU and not one per process: a timer of a process is set and cancelled at every switch between threads, which a
//   server pays for tens of thousands of times a second; it takes a descriptor per thread and misses threads that start while it
//   is opened. A timer of a CPU costs the same for one target and for fifty, sees threads as they come, and takes a descriptor per CPU.
//     Target    price_ns() per sample of it, nearly all of it the interrupt: 19 us in a nested virtual machine, 0.1 % of its CPU time.
//     Machine   49 interrupts a second and CPU, on idle ones, too; none while nothing is watched. A CPU that comes online later has none.
//     Children  are watched once somebody says so: what they use before is not seen.
//   Timers     run at periods that are drawn anew about once a second, 15 to 25 ms, each CPU its own, so that no program keeps in step.
//   Bias       interrupts wait while the kernel has them off: what enters and leaves the kernel counts as the code around it.
//   Rights     CAP_PERFMON (or kernel.perf_event_paranoid of 0 and less) and CAP_BPF. No symbols of the kernel: how a page fault enters it
//              is learnt from faults of our own.
//   Threads    one. Memory: a ring buffer of CPU_SAMPLES_RING_BYTES, and what came in for each watch since it was last asked for.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"
#include "probes/attach/attach_error.h"
#include "probes/bpf/cpu_samples.h"

struct cpu_samples;  // the skeleton
struct bpf_link;     // of libbpf
struct ring_buffer;

namespace poolscope::probes {

class CpuSamples {
 public:
  static constexpr std::uint64_t kPeriodNs = 1'000'000'000 / 49;
  static constexpr std::uint64_t kLongestPeriodNs = 1'000'000'000;

  // Where a thread was.
  enum class Mode : std::uint8_t { kUser, kPageFault, kKernel };
  struct Place {
    std::uint64_t user_address = 0;  // in the code of the process; 0: not known
    Mode mode = Mode::kUser;
  };
  // What came in for one who watches; `charge_ns` is what all of it took from the process.
  struct Taken {
    std::vector<Place> places;
    std::uint64_t charge_ns = 0;
    std::uint64_t lost = 0;  // there was no room for them
  };
  static constexpr std::size_t kMaxPlaces = 1u << 16;

  // One who watches a process; several may. Must not outlive the CpuSamples.
  class Watch {
   public:
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // What came in since the last call.
    [[nodiscard]] Taken take();
    [[nodiscard]] bool is_empty() const { return inbox_.places.empty(); }

   private:
    friend class CpuSamples;
    Watch(CpuSamples& samples, pid_t pid) : samples_(samples), pid_(pid) {}
    CpuSamples& samples_;
    pid_t pid_;
    Taken inbox_;
    std::uint64_t lost_before_ = 0;
  };

  // Loads the program, opens the timers, and finds out what a sample costs and how page faults look: some 30 ms of CPU time.
  [[nodiscard]] static Result<std::unique_ptr<CpuSamples>, attach::AttachError> start();
  ~CpuSamples();
  CpuSamples(const CpuSamples&) = delete;
  CpuSamples& operator=(const CpuSamples&) = delete;

  // nullptr when more than CPU_SAMPLES_PROCESSES are watched.
  [[nodiscard]] std::unique_ptr<Watch> watch(pid_t pid);

  // Samples take at most this share of the CPU time of what they sample: where 49 a second are more, they come more rarely.
  // False: not even one a second can be paid, there are none then.
  bool limit_cpu_ratio(double cpu_ratio);
  // Hands out what came in, and draws new periods when it is time. Call some times a second.
  void poll(std::uint64_t now_ns);

  // What one sample takes from a process, the program included, as measured by start().
  [[nodiscard]] std::uint64_t price_ns() const { return price_ns_; }

 private:
  CpuSamples() = default;
  [[nodiscard]] std::optional<attach::AttachError> open_and_load();
  [[nodiscard]] std::optional<attach::AttachError> calibrate();
  [[nodiscard]] std::optional<attach::AttachError> open_timers();
  [[nodiscard]] std::optional<attach::AttachError> learn_page_fault_entry();
  void sample_ourselves(std::vector<cpu_sample>& samples, const std::function<void()>& work);
  void switch_timers(bool on);
  void forget(Watch& watch);
  [[nodiscard]] std::uint64_t lost_of(pid_t pid) const;
  void keep(const cpu_sample& sample);
  static int on_sample(void* self, void* data, std::size_t bytes);

  struct EndLink {
    void operator()(bpf_link* link) const;
  };
  struct Timer {
    UniqueFd event;
    std::unique_ptr<bpf_link, EndLink> link;
  };
  [[nodiscard]] Result<Timer, attach::AttachError> open_timer(pid_t pid, int cpu, std::uint64_t period_ns);

  cpu_samples* skeleton_ = nullptr;
  ring_buffer* ring_ = nullptr;
  std::vector<Timer> timers_;
  bool are_timers_on_ = false, is_paid_ = true;
  std::uint64_t mean_period_ns_ = kPeriodNs;
  std::uint64_t next_draw_ns_ = 0;
  std::uint64_t price_ns_ = 0, interrupt_ns_ = 0;  // of a sample; of that, what the program does not see
  std::uint64_t page_fault_entry_ = 0;
  std::vector<cpu_sample>* calibration_ = nullptr;
  std::multimap<pid_t, Watch*> watches_;
  std::mt19937_64 random_;
};

}  // namespace poolscope::probes

#include "probes/collectors/cpu_samples.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <optional>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu_samples.skel.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::probes {

using attach::AttachError;

namespace {

static_assert(sizeof(cpu_sample) == 24);

constexpr const char* kTimers = "timers that sample CPU time";
constexpr std::uint64_t kKernelStackUnknown = 1;
constexpr std::uint64_t kDrawNs = 1'000'000'000;
constexpr std::uint64_t kCalibrationPeriodNs = 50'000;
constexpr std::uint64_t kCalibrationNs = 5'000'000;
constexpr unsigned kMaxCalibrationTries = 40;  // somebody else may have the CPU
constexpr std::size_t kFewestCalibrationSamples = 20, kEnoughCalibrationSamples = 200;

// libbpf prints load failures at length; the caller gets one sentence instead.
int print_no_cpu_samples(libbpf_print_level, const char*, va_list) {
  return 0;
}

// What takes us longer than a few reads of the clock is an interrupt: the sum of these.
std::uint64_t interrupted_ns() {
  constexpr std::uint64_t kShortestInterruptNs = 400, kPreemptedNs = 40'000;
  const std::uint64_t end = process::monotonic_ns() + kCalibrationNs;
  std::uint64_t gaps_ns = 0;
  for (std::uint64_t last = process::monotonic_ns(); last < end;) {
    const std::uint64_t now = process::monotonic_ns();
    const std::uint64_t gap = now - last;
    if (gap >= kShortestInterruptNs && gap < kPreemptedNs) gaps_ns += gap;
    last = now;
  }
  return gaps_ns;
}

// Memory of which each page is fresh when it is touched.
class FreshPages {
 public:
  FreshPages() : memory_(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (is_there()) ::madvise(memory_, kBytes, MADV_NOHUGEPAGE);
  }
  ~FreshPages() {
    if (is_there()) ::munmap(memory_, kBytes);
  }
  FreshPages(const FreshPages&) = delete;
  FreshPages& operator=(const FreshPages&) = delete;

  [[nodiscard]] bool is_there() const { return memory_ != MAP_FAILED; }
  void give_back() { ::madvise(memory_, kBytes, MADV_DONTNEED); }
  void touch() {
    for (std::size_t at = 0; at < kBytes; at += kPageBytes) static_cast<volatile char*>(memory_)[at] = 1;
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 20, kPageBytes = 4096;
  void* memory_;
};

void repeat_for_a_while(const std::function<void()>& work) {
  const std::uint64_t end = process::monotonic_ns() + kCalibrationNs;
  while (process::monotonic_ns() < end) work();
}

// Where most of the samples entered the kernel, `other` apart; 0 when there are too few to tell.
std::uint64_t usual_entry(const std::vector<cpu_sample>& samples, std::uint64_t other) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const cpu_sample& sample : samples) {
    if (sample.kernel_entry_ip > kKernelStackUnknown && sample.kernel_entry_ip != other)
      ++counts[sample.kernel_entry_ip];
  }
  const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  return most != counts.end() && most->second >= kFewestCalibrationSamples ? most->first : 0;
}

}  // namespace

void CpuSamples::EndLink::operator()(bpf_link* link) const {
  bpf_link__destroy(link);
}

CpuSamples::Watch::~Watch() {
  samples_.forget(*this);
}

CpuSamples::Taken CpuSamples::Watch::take() {
  Taken taken = std::exchange(inbox_, {});
  const std::uint64_t lost = samples_.lost_of(pid_);
  taken.lost += lost - std::min(lost, lost_before_);
  lost_before_ = lost;
  return taken;
}

Result<std::unique_ptr<CpuSamples>, AttachError> CpuSamples::start() {
  std::unique_ptr<CpuSamples> samples(new CpuSamples);
  samples->random_.seed(std::random_device{}());
  auto error = samples->open_and_load();
  if (!error) error = samples->calibrate();
  if (!error) error = samples->open_timers();
  if (error) return Failure{*std::move(error)};
  return samples;
}

CpuSamples::~CpuSamples() {
  timers_.clear();
  ring_buffer__free(ring_);
  if (skeleton_ != nullptr) cpu_samples__destroy(skeleton_);
}

std::optional<AttachError> CpuSamples::open_and_load() {
  libbpf_set_print(std::getenv("POOLSCOPE_DEBUG_LIBBPF") != nullptr ? nullptr : print_no_cpu_samples);
  skeleton_ = cpu_samples__open();
  if (skeleton_ == nullptr) return attach::from_errno(kTimers, "opening the BPF object", errno);
  if (const int result = cpu_samples__load(skeleton_); result != 0)
    return attach::from_errno(kTimers, "loading the BPF program", -result);
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.samples), on_sample, this, nullptr);
  if (ring_ == nullptr) return attach::from_errno(kTimers, "mapping the ring buffer", errno);
  return std::nullopt;
}

// Off until switch_timers(). `pid` -1: whatever runs on `cpu`.
Result<CpuSamples::Timer, AttachError> CpuSamples::open_timer(pid_t pid, int cpu, std::uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.sample_period = period_ns;
  attributes.disabled = 1;
  attributes.exclude_idle = 1;
  Timer timer;
  timer.event =
      UniqueFd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!timer.event) return Failure{attach::from_errno(kTimers, "perf_event_open of a CPU clock", errno)};
  // libbpf closes the event with the link
  const int fd = ::fcntl(timer.event.get(), F_DUPFD_CLOEXEC, 0);
  timer.link.reset(fd < 0 ? nullptr : bpf_program__attach_perf_event(skeleton_->progs.on_timer, fd));
  if (!timer.link) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return Failure{attach::from_errno(kTimers, "attaching the BPF program to a CPU clock", error)};
  }
  ::ioctl(timer.event.get(), PERF_EVENT_IOC_DISABLE, 0);  // attaching switched it on
  return timer;
}

std::optional<AttachError> CpuSamples::open_timers() {
  const int cpus = libbpf_num_possible_cpus();
  for (int cpu = 0; cpu < cpus; ++cpu) {
    auto timer = open_timer(-1, cpu, kPeriodNs);
    if (timer) {
      timers_.push_back(std::move(*timer));
    } else if (timer.error().sys_errno != ENODEV && timer.error().sys_errno != ENXIO) {  // it is offline
      return timer.error();
    }
  }
  if (timers_.empty()) return attach::from_errno(kTimers, "perf_event_open of a CPU clock", ENODEV);
  return std::nullopt;
}

void CpuSamples::sample_ourselves(std::vector<cpu_sample>& samples, const std::function<void()>& work) {
  const auto self = static_cast<__u32>(::getpid());
  const __u64 none_lost = 0;
  auto timer = open_timer(0, -1, kCalibrationPeriodNs);
  if (!timer || bpf_map_update_elem(bpf_map__fd(skeleton_->maps.watched), &self, &none_lost, BPF_ANY) != 0) return;
  ::ioctl(timer->event.get(), PERF_EVENT_IOC_ENABLE, 0);
  work();
  ::ioctl(timer->event.get(), PERF_EVENT_IOC_DISABLE, 0);
  bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.watched), &self);
  calibration_ = &samples;
  ring_buffer__consume(ring_);
  calibration_ = nullptr;
}

std::optional<AttachError> CpuSamples::calibrate() {
  std::vector<cpu_sample> ours;
  std::uint64_t gaps_ns = 0, program_ns = 0;
  for (unsigned tries = 0; tries < kMaxCalibrationTries && ours.size() < kEnoughCalibrationSamples; ++tries)
    sample_ourselves(ours, [&] { gaps_ns += interrupted_ns(); });
  if (ours.size() < kFewestCalibrationSamples)
    return AttachError{AttachError::Reason::kUnsupported, kTimers, "samples of this process itself do not come in", 0};
  for (const cpu_sample& sample : ours) program_ns += sample.program_ns;
  price_ns_ = gaps_ns / ours.size();
  interrupt_ns_ = price_ns_ - std::min(price_ns_, program_ns / ours.size());
  return learn_page_fault_entry();
}

std::optional<AttachError> CpuSamples::learn_page_fault_entry() {
  FreshPages pages;
  const auto learn = [&](const std::function<void()>& work, std::uint64_t other) {
    std::vector<cpu_sample> samples;
    std::uint64_t entry = 0;
    for (unsigned tries = 0; tries < kMaxCalibrationTries && entry == 0; ++tries) {
      sample_ourselves(samples, [&] { repeat_for_a_while(work); });
      entry = usual_entry(samples, other);
    }
    return entry;
  };
  if (pages.is_there()) {
    const std::uint64_t system_call = learn([&] { pages.give_back(); }, 0);
    page_fault_entry_ = learn([&] { pages.give_back(), pages.touch(); }, system_call);
    if (system_call != 0 && page_fault_entry_ != 0) return std::nullopt;
  }
  return AttachError{AttachError::Reason::kUnsupported, kTimers,
                     "page faults cannot be told from other work of the kernel (its stacks cannot be walked)", 0};
}

bool CpuSamples::limit_cpu_ratio(double cpu_ratio) {
  const double longest = static_cast<double>(kLongestPeriodNs);
  const double wanted = cpu_ratio > 0 ? static_cast<double>(price_ns_) / cpu_ratio : 2 * longest;
  is_paid_ = wanted <= longest;
  mean_period_ns_ = std::max(kPeriodNs, static_cast<std::uint64_t>(std::min(wanted, longest)));
  if (!is_paid_) switch_timers(false);
  return is_paid_;
}

void CpuSamples::switch_timers(bool on) {
  if (on == are_timers_on_) return;
  are_timers_on_ = on;
  next_draw_ns_ = 0;
  for (const Timer& timer : timers_) ::ioctl(timer.event.get(), on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

std::unique_ptr<CpuSamples::Watch> CpuSamples::watch(pid_t pid) {
  const auto tgid = static_cast<__u32>(pid);
  const __u64 none_lost = 0;
  const int result = bpf_map_update_elem(bpf_map__fd(skeleton_->maps.watched), &tgid, &none_lost, BPF_NOEXIST);
  if (result != 0 && errno != EEXIST) return nullptr;
  std::unique_ptr<Watch> watch(new Watch(*this, pid));
  watch->lost_before_ = lost_of(pid);
  watches_.emplace(pid, watch.get());
  return watch;
}

void CpuSamples::forget(Watch& watch) {
  const auto [first, last] = watches_.equal_range(watch.pid_);
  const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second == &watch; });
  if (found != last) watches_.erase(found);
  if (watches_.contains(watch.pid_)) return;
  const auto tgid = static_cast<__u32>(watch.pid_);
  bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.watched), &tgid);
}

void CpuSamples::poll(std::uint64_t now_ns) {
  ring_buffer__consume(ring_);
  switch_timers(is_paid_ && !watches_.empty());
  if (!are_timers_on_ || now_ns < next_draw_ns_) return;
  next_draw_ns_ = now_ns + kDrawNs;
  std::uniform_int_distribution<std::uint64_t> around(mean_period_ns_ * 3 / 4, mean_period_ns_ * 5 / 4);
  for (const Timer& timer : timers_) {
    std::uint64_t period_ns = around(random_);
    ::ioctl(timer.event.get(), PERF_EVENT_IOC_PERIOD, &period_ns);
  }
}

std::uint64_t CpuSamples::lost_of(pid_t pid) const {
  const auto tgid = static_cast<__u32>(pid);
  __u64 count = 0;
  bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.watched), &tgid, &count);
  return count;
}

void CpuSamples::keep(const cpu_sample& sample) {
  Place place{sample.user_ip, Mode::kUser};
  if (sample.kernel_entry_ip != 0)
    place.mode = sample.kernel_entry_ip == page_fault_entry_ ? Mode::kPageFault : Mode::kKernel;
  const auto [first, last] = watches_.equal_range(static_cast<pid_t>(sample.tgid));
  for (auto entry = first; entry != last; ++entry) {
    Taken& inbox = entry->second->inbox_;
    inbox.charge_ns += interrupt_ns_ + sample.program_ns;
    if (inbox.places.size() < kMaxPlaces) {
      inbox.places.push_back(place);
    } else {
      ++inbox.lost;
    }
  }
}

int CpuSamples::on_sample(void* self, void* data, std::size_t bytes) {
  if (bytes < sizeof(cpu_sample)) return 0;
  auto* samples = static_cast<CpuSamples*>(self);
  const auto& sample = *static_cast<const cpu_sample*>(data);
  if (samples->calibration_ != nullptr) {
    samples->calibration_->push_back(sample);
  } else {
    samples->keep(sample);
  }
  return 0;
}

}  // namespace poolscope::probes

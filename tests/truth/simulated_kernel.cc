#include "tests/truth/simulated_kernel.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace poolscope::truth {
namespace {

constexpr std::uint64_t kMostDilation = 4;    // as in alloc_bursts.h
constexpr double kPaceNs = 5e6;               // burst_max_ms
constexpr std::uint64_t kSettleNs = 300'000;  // between the end of births and the window of frees, as in burst_clock.h

struct Thread {
  double delay_ns = 0;   // by which its events come later than in the stream
  double charge_ns = 0;  // what its hits are said to have taken
  double late_ns = 0;    // charged since it waited last
  std::uint64_t last_ns = 0;
  bool seen = false;
};

// One burst while it is played. Events must be handed over in the order of the stream.
class Playback {
 public:
  Playback(std::uint64_t wait_ns, std::uint64_t hit_limit, double price_factor, std::uint64_t most_charge_ns = 0)
      : wait_ns_(wait_ns),
        hit_limit_(hit_limit),
        price_factor_(price_factor),
        most_charge_ns_(static_cast<double>(most_charge_ns)) {}

  // When the event happens under probes.
  double arrive(const Event& event) {
    Thread& thread = threads_[event.thread];
    if (thread.seen) {
      const double pause = pause_ns(thread, event.time_ns);
      if (pause > thread.delay_ns) thread.late_ns = 0;
      thread.delay_ns = std::max(0.0, thread.delay_ns - pause);
    }
    thread.seen = true;
    thread.last_ns = event.time_ns;
    return static_cast<double>(event.time_ns) + thread.delay_ns;
  }
  // The event hits probes that are charged at `price_ns`.
  void hit(const Event& event, double price_ns, unsigned hits) {
    Thread& thread = threads_[event.thread];
    thread.delay_ns += price_ns * price_factor_;
    thread.charge_ns += price_ns;
    thread.late_ns += price_ns;
    charge_ns_ += price_ns;
    hits_ += hits;
    keep_pace(static_cast<double>(event.time_ns) + thread.delay_ns, price_ns);
  }

  [[nodiscard]] bool limit_reached() const { return is_too_hot_ || (hit_limit_ > 0 && hits_ >= hit_limit_); }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] double charge_ns() const { return charge_ns_; }
  [[nodiscard]] double taken_ns() const { return charge_ns_ * price_factor_; }
  [[nodiscard]] const Thread& thread(std::uint16_t number) { return threads_[number]; }
  // What a burst takes the process to be late by: the charge of threads that do not wait, shared by them.
  [[nodiscard]] double late_ns(double now_ns) const {
    double sum = 0, working = 0;
    for (const auto& [number, thread] : threads_) {
      if (static_cast<double>(thread.last_ns + wait_ns_) + thread.delay_ns < now_ns) continue;
      sum += thread.late_ns;
      ++working;
    }
    return sum / std::max(1.0, working);
  }
  // By how much all threads together are behind at `end_ns`.
  [[nodiscard]] double behind_ns(double end_ns) const {
    double sum = 0;
    for (const auto& [number, thread] : threads_) {
      const double works_until_ns = static_cast<double>(thread.last_ns + wait_ns_) + thread.delay_ns;
      sum += std::clamp(works_until_ns - end_ns, 0.0, thread.delay_ns);
    }
    return sum;
  }

 private:
  // As in alloc_burst.bpf.c, on one CPU.
  void keep_pace(double now_ns, double price_ns) {
    paced_charge_ns_ += price_ns;
    if (most_charge_ns_ <= 0 || paced_charge_ns_ < most_charge_ns_) return;
    is_too_hot_ = now_ns - paced_since_ns_ < kPaceNs;
    paced_since_ns_ = now_ns;
    paced_charge_ns_ = 0;
  }

  double pause_ns(const Thread& thread, std::uint64_t now_ns) const {
    const std::uint64_t gap_ns = now_ns - thread.last_ns;
    return gap_ns > wait_ns_ ? static_cast<double>(gap_ns - wait_ns_) : 0;
  }

  std::uint64_t wait_ns_, hit_limit_;
  double price_factor_, most_charge_ns_;
  double paced_charge_ns_ = 0, paced_since_ns_ = -kPaceNs;
  bool is_too_hot_ = false;
  std::unordered_map<std::uint16_t, Thread> threads_;
  std::uint64_t hits_ = 0;
  double charge_ns_ = 0;
};

// Sums at a moment, of which windows are differences.
struct Moment {
  std::uint64_t time_ns = 0;
  double own_cpu_ns = 0, taken_ns = 0, charge_ns = 0;
  std::uint64_t hits = 0, io_calls = 0;
};

model::Window window_between(const Moment& begin, const Moment& end) {
  model::Window window;
  window.start_ns = begin.time_ns;
  window.length_ns = end.time_ns - begin.time_ns;
  const double own = std::max(0.0, end.own_cpu_ns - begin.own_cpu_ns);
  window.cpu_ns = static_cast<std::uint64_t>(own + end.taken_ns - begin.taken_ns);
  window.charge_ns = static_cast<std::uint64_t>(end.charge_ns - begin.charge_ns);
  window.probe_hits = end.hits - begin.hits;
  window.work.io_calls = end.io_calls - begin.io_calls;
  return window;
}

void count_call(model::BurstRecord& record, const Event& event) {
  if (event.op == Op::kReallocate) {
    ++record.counts.reallocations;
  } else {
    ++record.counts.allocations;
    record.counts.allocated_bytes += event.bytes;
  }
  record.size_bytes.add(event.bytes);
}

struct FollowedBirth {
  double born_ns = 0, charge_ns = 0;
  std::uint64_t bytes = 0;
  std::uint16_t thread = 0;
};

}  // namespace

SimulatedKernel::SimulatedKernel(const EventStream& stream) : stream_(stream) {
  std::map<std::uint16_t, std::uint64_t> last_ns;
  std::vector<std::pair<std::uint64_t, std::int64_t>> changes;
  for (const Event& event : stream.events) {
    const auto [found, is_first] = last_ns.try_emplace(event.thread, event.time_ns);
    const bool paused = !is_first && event.time_ns - found->second > stream.wait_ns;
    if (paused) changes.emplace_back(found->second + stream.wait_ns, -1);
    if (is_first || paused) changes.emplace_back(event.time_ns, 1);
    found->second = event.time_ns;
    if (event.op == Op::kIoCall) io_calls_ns_.push_back(event.time_ns);
  }
  for (const auto& [thread, time_ns] : last_ns) changes.emplace_back(time_ns + stream.wait_ns, -1);
  std::ranges::sort(changes);
  steps_.push_back({});
  for (const auto& [time_ns, change] : changes) {
    const Step& last = steps_.back();
    steps_.push_back({time_ns, last.working + change, cpu_until(time_ns)});
  }
}

std::uint64_t SimulatedKernel::cpu_until(std::uint64_t time_ns) const {
  const auto after = std::ranges::upper_bound(steps_, time_ns, {}, &Step::time_ns);
  const Step& step = *(after - 1);
  return step.cpu_before_ns + (time_ns - step.time_ns) * static_cast<std::uint64_t>(step.working);
}

std::uint64_t SimulatedKernel::cpu_ns(std::uint64_t from_ns, std::uint64_t to_ns) const {
  return cpu_until(to_ns) - cpu_until(from_ns);
}

std::uint64_t SimulatedKernel::io_calls(std::uint64_t from_ns, std::uint64_t to_ns) const {
  return static_cast<std::uint64_t>(std::ranges::lower_bound(io_calls_ns_, to_ns) -
                                    std::ranges::lower_bound(io_calls_ns_, from_ns));
}

model::BurstRecord SimulatedKernel::count(std::uint64_t start_ns, const budget::RatePlan& plan,
                                          model::BurstKind kind) const {
  const bool is_of_frees = kind == model::BurstKind::kFrees;
  model::BurstRecord record;
  record.process.pid = 1;
  record.kind = kind;
  Playback playback(stream_.wait_ns, plan.hit_limit, options_.price_factor);
  // It lasts until the process has done what takes it plan.length_ns without probes.
  const auto planned_ns = static_cast<double>(start_ns + plan.length_ns);
  const auto last_ns = static_cast<double>(start_ns + kMostDilation * plan.length_ns);
  double end_ns = last_ns;
  bool by_count = false;
  std::uint64_t io_calls = 0;
  auto event = std::ranges::lower_bound(stream_.events, start_ns, {}, &Event::time_ns);
  for (; event != stream_.events.end() && static_cast<double>(event->time_ns) < end_ns; ++event) {
    const double due_ns = planned_ns + playback.late_ns(planned_ns);
    const double now_ns = playback.arrive(*event);
    if (now_ns >= due_ns) end_ns = std::min(end_ns, due_ns);
    if (now_ns >= end_ns) continue;
    if (event->op == Op::kIoCall) {
      ++io_calls;
    } else if (is_of_frees && event->op == Op::kFree) {
      ++record.counts.frees;
      playback.hit(*event, options_.prices.free_ns, 1);
    } else if (!is_of_frees && event->op != Op::kFree) {
      count_call(record, *event);
      playback.hit(*event, options_.prices.count_ns, 1);
    }
    if (!playback.limit_reached()) continue;
    end_ns = now_ns;
    by_count = true;
  }
  if (!by_count) end_ns = std::min(end_ns, planned_ns + playback.late_ns(planned_ns));
  const Moment begin{start_ns};
  const auto end = static_cast<std::uint64_t>(end_ns);
  model::Window window =
      window_between(begin, {end, static_cast<double>(cpu_ns(start_ns, end)) - playback.behind_ns(end_ns),
                             playback.taken_ns(), playback.charge_ns(), playback.hits(), io_calls});
  window.ended_by_count = by_count;
  window.late_ns = static_cast<std::uint64_t>(playback.late_ns(end_ns));
  if (is_of_frees)
    record.free_window = window;
  else
    record.allocation_window = window;
  record.probe_hits = playback.hits();
  record.charge_ns = static_cast<std::uint64_t>(playback.charge_ns());
  return record;
}

// Plays a cohort: births, a moment in which probes are taken away, then frees alone.
class CohortPlayback {
 public:
  CohortPlayback(const SimulatedKernel& kernel, const EventStream& stream, const SimulatedKernel::Options& options,
                 std::uint64_t start_ns, const budget::CohortPlan& plan)
      : kernel_(kernel),
        stream_(stream),
        options_(options),
        start_ns_(start_ns),
        plan_(plan),
        planned_births_end_ns_(static_cast<double>(start_ns + plan.births_ns)),
        playback_(stream.wait_ns, plan.hit_limit, options.price_factor, plan.most_charge_ns) {
    record_.process.pid = 1;
    record_.kind = model::BurstKind::kCohort;
    record_.frees_beside_allocations = 0;
    plan_from(planned_births_end_ns_);
  }

  model::BurstRecord play() {
    auto event = std::ranges::lower_bound(stream_.events, start_ns_, {}, &Event::time_ns);
    for (; event != stream_.events.end() && static_cast<double>(event->time_ns) < end_ns_; ++event) take(*event);
    while (phase_ < 2) begin_phase(phase_ == 0 ? births_end_ns_ : frees_begin_ns_);
    finish();
    return std::move(record_);
  }

 private:
  void plan_from(double births_end_ns) {
    births_end_ns_ = births_end_ns;
    frees_begin_ns_ = births_end_ns + kSettleNs;
    end_ns_ = births_end_ns +
              static_cast<double>(std::max(plan_.follow_ns, plan_.births_ns + 2 * kSettleNs) - plan_.births_ns);
  }
  // Births last until the process has done what takes it plan.births_ns without probes: at what seems to be their end, `now_ns` or earlier, it is looked
  // at again.
  void stretch_births(double now_ns) {
    constexpr double kNearNs = 20'000;
    const auto longest_ns = static_cast<double>((kMostDilation - 1) * plan_.births_ns);
    while (now_ns >= births_end_ns_) {
      const double end_ns = planned_births_end_ns_ + std::min(playback_.late_ns(births_end_ns_), longest_ns);
      if (end_ns <= births_end_ns_ + kNearNs) return;
      plan_from(end_ns);
    }
  }

  // Ended early, the phases that were still to come have no length.
  void begin_phase(double at_ns) {
    const double begin_ns = std::min(at_ns, end_ns_);
    (phase_ == 0 ? births_late_ns_ : frees_begin_late_ns_) = playback_.late_ns(begin_ns);
    moments_[phase_++] = moment(begin_ns);
  }
  [[nodiscard]] Moment moment(double at_ns) const {
    const auto time_ns = static_cast<std::uint64_t>(at_ns);
    return {time_ns,
            static_cast<double>(kernel_.cpu_ns(start_ns_, time_ns)) - playback_.behind_ns(at_ns),
            playback_.taken_ns(),
            playback_.charge_ns(),
            playback_.hits(),
            io_calls_};
  }

  void take(const Event& event) {
    const double now_ns = playback_.arrive(event);
    if (phase_ == 0 && plan_.is_among_pauses() && !by_count_) stretch_births(now_ns);
    if (phase_ == 0 && now_ns >= births_end_ns_) begin_phase(births_end_ns_);
    if (phase_ == 1 && now_ns >= frees_begin_ns_) begin_phase(frees_begin_ns_);
    if (now_ns >= end_ns_) return;
    if (event.op == Op::kIoCall) {
      ++io_calls_;
    } else if (event.op == Op::kFree) {
      on_free(event, now_ns);
    } else if (event.op == Op::kReallocate || now_ns < births_end_ns_) {
      on_call(event, now_ns);
    }
    if (!playback_.limit_reached()) return;
    end_ns_ = now_ns;
    by_count_ = true;
  }

  void on_call(const Event& event, double now_ns) {
    playback_.hit(event, options_.prices.life_ns, 2);
    if (now_ns < births_end_ns_) count_call(record_, event);
    if (event.op == Op::kReallocate) {
      if (const auto found = followed_.find(event.object); found != followed_.end()) found->second.bytes = event.bytes;
      return;
    }
    ++record_.lifetimes.births;
    record_.lifetimes.birth_bytes += event.bytes;
    if (followed_.size() >= options_.max_births) {
      ++record_.dropped["births_full"];
      return;
    }
    const Thread& thread = playback_.thread(event.thread);
    followed_[event.object] = {static_cast<double>(event.time_ns) + thread.delay_ns, thread.charge_ns, event.bytes,
                               event.thread};
  }

  void on_free(const Event& event, double now_ns) {
    playback_.hit(event, options_.prices.free_ns, 1);
    if (now_ns < births_end_ns_) {
      ++*record_.frees_beside_allocations;
    } else if (now_ns >= frees_begin_ns_) {
      ++record_.counts.frees;
    }
    const auto found = event.object == kUnknownObject ? followed_.end() : followed_.find(event.object);
    if (found == followed_.end()) {
      ++record_.frees_of_older;
      return;
    }
    const Thread& thread = playback_.thread(event.thread);
    const FollowedBirth birth = found->second;
    followed_.erase(found);
    double age_ns = static_cast<double>(event.time_ns) + thread.delay_ns - birth.born_ns;
    if (birth.thread == event.thread) age_ns -= thread.charge_ns - birth.charge_ns;
    const auto age = static_cast<std::uint64_t>(std::max(0.0, age_ns));
    record_.lifetimes.died_ns.add(age);
    record_.lifetimes.died_bytes_ns.add(age, static_cast<double>(birth.bytes));
  }

  void finish() {
    const Moment end = moment(end_ns_);
    record_.allocation_window = window_between({start_ns_}, moments_[0]);
    record_.allocation_window.late_ns = static_cast<std::uint64_t>(births_late_ns_);
    record_.free_window = window_between(moments_[1], end);
    record_.free_window.late_ns =
        static_cast<std::uint64_t>(std::max(0.0, playback_.late_ns(end_ns_) - frees_begin_late_ns_));
    record_.allocation_window.ended_by_count = by_count_ && record_.free_window.length_ns == 0;
    record_.free_window.ended_by_count = by_count_;
    record_.lifetimes.followed_ns = end.time_ns - moments_[0].time_ns;
    for (const auto& [object, birth] : followed_) {
      const double charge_ns = playback_.thread(birth.thread).charge_ns - birth.charge_ns;
      const auto age = static_cast<std::uint64_t>(std::max(0.0, end_ns_ - birth.born_ns - charge_ns));
      record_.lifetimes.followed_ns = std::min(record_.lifetimes.followed_ns, age);
      record_.lifetimes.alive_ns.add(age);
      record_.lifetimes.alive_bytes_ns.add(age, static_cast<double>(birth.bytes));
    }
    record_.probe_hits = playback_.hits();
    record_.charge_ns = static_cast<std::uint64_t>(playback_.charge_ns());
  }

  const SimulatedKernel& kernel_;
  const EventStream& stream_;
  const SimulatedKernel::Options& options_;
  std::uint64_t start_ns_;
  budget::CohortPlan plan_;
  double planned_births_end_ns_, births_end_ns_ = 0, frees_begin_ns_ = 0, end_ns_ = 0;
  Playback playback_;
  model::BurstRecord record_;
  std::unordered_map<std::uint32_t, FollowedBirth> followed_;
  Moment moments_[2];
  double births_late_ns_ = 0, frees_begin_late_ns_ = 0;
  unsigned phase_ = 0;
  std::uint64_t io_calls_ = 0;
  bool by_count_ = false;
};

model::BurstRecord SimulatedKernel::cohort(std::uint64_t start_ns, const budget::CohortPlan& plan) const {
  return CohortPlayback(*this, stream_, options_, start_ns, plan).play();
}

}  // namespace poolscope::truth

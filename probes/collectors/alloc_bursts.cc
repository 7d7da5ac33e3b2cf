#include "probes/collectors/alloc_bursts.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "probes/collectors/alloc_record.h"
#include "probes/collectors/burst_clock.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::probes {
namespace {

using attach::UprobeLinks;
using model::BurstRecord;
using model::Window;

// How soon a window that the kernel closed is noticed. In a virtual machine each look takes up to 70 us of a CPU that the process may be on.
constexpr std::uint64_t kPollNs = 1'000'000;
constexpr std::uint64_t kDeadlineGraceNs = 2'000'000;  // the kernel closes a window that we left open this long
constexpr std::uint64_t kMremapMinBytes = 128 << 10;   // glibc: smallest M_MMAP_THRESHOLD

template <typename T>
T load(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}
template <typename T>
void store(T& shared, T value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}

bool is_reallocation(const PlannedFunction& function) {
  return function.function == ALLOC_FN_REALLOC || function.function == ALLOC_FN_REALLOCARRAY;
}

// A moment of the burst, and the sums so far.
struct Moment {
  ClockReading clocks;
  alloc_counts counts{};
};

// Why there is no window. One that a fork ended is as good as it is long.
std::optional<BurstFailure> interrupted(const alloc_control& control) {
  if (control.stop == ALLOC_STOP_EXEC) {
    return BurstFailure{BurstFailure::Reason::kTargetExeced, "the process executed another program during the burst"};
  }
  return std::nullopt;
}

// Why the burst must not go on while its probes are being placed.
std::optional<BurstFailure> stopped_early(const alloc_control& control) {
  const std::uint32_t stop = load(control.stop);
  if (stop == ALLOC_STOP_FORK) {
    return BurstFailure{BurstFailure::Reason::kTargetForked, "the process forked while probes were placed"};
  }
  if (stop == ALLOC_STOP_TOO_HOT) {
    return BurstFailure{BurstFailure::Reason::kTooHot,
                        "released early: the target became hotter while probes were placed"};
  }
  return interrupted(control);
}

// One burst from the first link to the last; the destructor hands every link to the detacher.
class Burst {
 public:
  Burst(AllocPrograms& programs, attach::Detacher& detacher, const BurstTarget& target, std::uint32_t slot,
        const HitCosts& costs, const Pace& pace)
      : programs_(programs),
        detacher_(detacher),
        target_(target),
        slot_(slot),
        prices_(prices_for(target.plan, costs)) {
    alloc_control& control = programs_.control(slot_);
    control.tgid = static_cast<__u32>(target_.image.key().pid);
    control.code = code_of(target_.plan);
    control.mremap_min_bytes = target_.plan.moves_large_blocks_by_mremap ? kMremapMinBytes : 0;
    std::copy(prices_.begin(), prices_.end(), control.cost_ns);
    control.pace_ns = pace.window_ns;
    control.pace_charge_ns = pace.charge_ns;
    target_.steps.apply(programs_, slot_, target_.image);
  }

  ~Burst() {
    store(control().armed, 0u);
    (void)target_.clock.disable();
    AllocPrograms& programs = programs_;
    detacher_.detach(take_links(), [&programs, slot = slot_] { programs.release_slot(slot); });
  }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  alloc_control& control() { return programs_.control(slot_); }
  const HitPrices& prices() const { return prices_; }

  enum class Until { kBirthsEnd, kBurstEnd };
  template <typename Select>
  std::optional<BurstFailure> attach(AllocPrograms::Probes probes, Until until, Select select) {
    if (!way_) way_ = programs_.open_way();
    for (const auto& object : target_.plan.objects) {
      std::vector<attach::ProbeSite> sites;
      for (const auto& function : object.functions) {
        if (!select(function)) continue;
        const auto& point = probes == AllocPrograms::Probes::kLives ? function.lives : function.entry;
        sites.push_back({point.file_offset, pack_cookie(function.function, point, slot_, function.number)});
      }
      auto links = programs_.attach(probes, target_.image.key().pid, object.open_path, sites, object.name);
      if (!links) return BurstFailure{BurstFailure::Reason::kAttach, attach::describe(links.error())};
      auto& kept = until == Until::kBirthsEnd ? allocating_ : lasting_;
      std::move(links->begin(), links->end(), std::back_inserter(kept));
      if (auto stopped = stopped_early(control())) return stopped;
    }
    return std::nullopt;
  }

  std::optional<BurstFailure> start_clock() {
    if (auto enabled = target_.clock.enable(); !enabled) {
      return BurstFailure{BurstFailure::Reason::kTaskClock, process::describe(enabled.error())};
    }
    return std::nullopt;
  }

  // Opens the first window.
  Moment open(std::uint32_t armed, std::uint64_t longest_ns, std::uint64_t hit_limit) {
    control().hit_limit = hit_limit;
    control().deadline_ns = process::monotonic_ns() + longest_ns + kDeadlineGraceNs;
    const alloc_counts before = programs_.read_counts(slot_);
    store(control().armed, armed);
    return {clocks(), before};
  }

  // Until `when_ns`, or until the kernel stopped the burst.
  void wait_until(std::uint64_t when_ns) {
    for (std::uint64_t now = process::monotonic_ns(); now < when_ns && load(control().stop) == ALLOC_STOP_NONE;
         now = process::monotonic_ns()) {
      if (way_) way_->keep_open();
      process::sleep_until_ns(std::min(when_ns, now + kPollNs));
    }
  }

  // Changes what is counted; the time and the sums at that moment.
  Moment turn(std::uint32_t armed) {
    store(control().armed, armed);
    const ClockReading now = clocks();
    return {now, programs_.read_counts(slot_)};
  }

  // Takes the probes of allocating functions away while the rest goes on.
  void end_births() {
    detacher_.detach(std::move(allocating_));
    allocating_.clear();
  }

  // Counts nothing more and takes every probe away; the time and the sums at that moment. The clocks come first: whoever takes the
  // probes away may do so on our CPU. Results read after this have every hit.
  Moment detach() {
    store(control().armed, 0u);
    const ClockReading now = clocks();
    detacher_.detach(take_links());
    const Moment end{now, programs_.read_counts(slot_)};
    process::sleep_until_ns(process::monotonic_ns() + kSettleNs);
    return end;
  }

  // Ends a burst that gives no record; what it took of the target is told nevertheless.
  Failure<BurstFailure> give_up(BurstFailure failure) {
    (void)detach();
    const alloc_counts counts = programs_.read_counts(slot_);
    failure.probe_hits = sum_of(counts.hits);
    failure.charge_ns = charge_ns(counts.hits, prices_) + charge_of_children_ns();
    return Failure{std::move(failure)};
  }

  // A child forked since the window was closed by that pays for probes that it inherited, and is not counted: it may have done nothing
  // else until they went.
  std::uint64_t charge_of_children_ns() {
    return control().stop == ALLOC_STOP_FORK ? process::monotonic_ns() - control().stopped_ns : 0;
  }

  // By how much hits have made the process late, at calibrated prices: nothing when it waits.
  [[nodiscard]] std::uint64_t late_ns() {
    const std::uint64_t late_ns = load(control().late_ns);
    if (late_ns == 0 || load(control().stop) != ALLOC_STOP_NONE) return late_ns;
    const auto thread = static_cast<pid_t>(load(control().last_tid));
    const auto waits = process::waits_of_thread(target_.image.key().pid, thread);
    return waits && *waits != load(control().last_waits) ? 0 : late_ns;
  }

  [[nodiscard]] std::uint64_t cpu_ns() const {
    const auto cpu_ns = target_.clock.read_ns();
    return cpu_ns ? *cpu_ns : 0;
  }

  AllocResults take_results() { return programs_.take_results(slot_); }

 private:
  UprobeLinks take_links() {
    UprobeLinks all;
    UprobeLinks own = way_ ? way_->take_links() : UprobeLinks();
    for (auto* links : {&allocating_, &lasting_, &own}) {
      std::move(links->begin(), links->end(), std::back_inserter(all));
      links->clear();
    }
    return all;
  }
  ClockReading clocks() const { return read_clocks(target_.image.key().pid, target_.clock); }

  AllocPrograms& programs_;
  attach::Detacher& detacher_;
  const BurstTarget& target_;
  std::uint32_t slot_;
  HitPrices prices_;
  UprobeLinks allocating_, lasting_;
  std::optional<attach::OpenWay> way_;
};

// Of what the target did between two moments, the part before the kernel stopped counting. Traps go on after that, so their
// number tells, also for a target that did not run all the time.
double counted_part(const alloc_counts& difference) {
  const std::uint64_t all = sum_of(difference.hits), counted = sum_of(difference.window_hits);
  return all <= counted ? 1 : static_cast<double>(counted) / static_cast<double>(all);
}

// Threads that run beside each other share the waiting.
double running_threads(std::uint64_t cpu_ns, std::uint64_t length_ns) {
  return std::max(1.0, static_cast<double>(cpu_ns) / static_cast<double>(std::max<std::uint64_t>(length_ns, 1)));
}

// The window between two moments, cut where the kernel stopped counting.
Window window_between(const Moment& begin, const Moment& end, const alloc_control& control, const HitPrices& prices) {
  const alloc_counts difference = minus(end.counts, begin.counts);
  const bool is_stopped = control.stop != ALLOC_STOP_NONE && control.stopped_ns <= end.clocks.time_ns;
  const std::uint64_t end_ns = is_stopped ? control.stopped_ns : end.clocks.time_ns;
  Window window = window_between(begin.clocks, end.clocks, end_ns, is_stopped ? counted_part(difference) : 1);
  window.probe_hits = sum_of(difference.window_hits);
  window.charge_ns = charge_ns(difference.window_hits, prices);
  window.ended_by_count = is_stopped && (control.stop == ALLOC_STOP_HIT_LIMIT || control.stop == ALLOC_STOP_TOO_HOT);
  return window;
}

// What every kind of burst records about its whole length.
void fill_totals(BurstRecord& record, const AllocResults& results, Burst& burst, const BurstTarget& target) {
  record.process = target.image.key();
  record.counts.allocations = results.counts.allocations;
  record.counts.allocated_bytes = results.counts.allocated_bytes;
  record.counts.reallocations = results.counts.reallocations;
  record.size_bytes = size_histogram(results.counts);
  record.probe_hits = sum_of(results.counts.hits);
  record.charge_ns = charge_ns(results.counts.hits, burst.prices()) + burst.charge_of_children_ns();
  record.dropped = dropped_by_reason(results.counts);
  record.site_generation = target.steps.generation();
  record.call_sites = call_sites(results, target.image);
  record.growth_chains = growth_chains(results, target.image);
  target.steps.learn(target.image, results.sites);
}

struct Finished {
  Moment end;
  AllocResults results;
};

// The end of the last window.
Result<Finished, BurstFailure> finish(Burst& burst, PromptSection& prompt) {
  const Moment end = burst.detach();
  prompt.leave();
  if (auto failure = interrupted(burst.control())) return burst.give_up(*failure);
  return Finished{end, burst.take_results()};
}

// Until the process has done what takes it limits.length_ns without probes, or the kernel stopped the burst. Returns by how much all its threads
// are late then, together and at calibrated prices.
std::uint64_t wait_undilated(Burst& burst, const Moment& begin, const RateLimits& limits) {
  constexpr std::uint64_t kNearNs = 20'000;
  const std::uint64_t planned_ns = begin.clocks.time_ns + limits.length_ns;
  const std::uint64_t last_ns = begin.clocks.time_ns + RateLimits::kMostDilation * limits.length_ns;
  std::optional<double> threads;
  for (std::uint64_t end_ns = planned_ns;;) {
    burst.wait_until(end_ns);
    const std::uint64_t now_ns = process::monotonic_ns();
    const std::uint64_t late_ns = burst.late_ns();
    if (late_ns > 0 && !threads)
      threads = running_threads(std::max(burst.cpu_ns(), begin.clocks.cpu_ns) - begin.clocks.cpu_ns,
                                now_ns - begin.clocks.time_ns);
    end_ns = planned_ns +
             static_cast<std::uint64_t>(limits.price_factor * static_cast<double>(late_ns) / threads.value_or(1));
    end_ns = std::min(end_ns, last_ns);
    if (load(burst.control().stop) != ALLOC_STOP_NONE || end_ns <= now_ns + kNearNs) return late_ns;
  }
}

void wait_for_births(Burst& burst, const Moment& begin, const CohortLimits& limits) {
  if (limits.is_undilated)
    (void)wait_undilated(burst, begin, {limits.births_ns, limits.hits, limits.pace, limits.price_factor});
  else
    burst.wait_until(begin.clocks.time_ns + limits.births_ns);
}

// Of what all threads are late by, the part by which the process is.
std::uint64_t shared_by_threads(std::uint64_t late_ns, const Window& window) {
  return static_cast<std::uint64_t>(static_cast<double>(late_ns) / running_threads(window.cpu_ns, window.length_ns));
}

// Everything is attached: what is armed is counted in one window, which is all of the burst.
Result<BurstRecord, BurstFailure> one_window(Burst& burst, const BurstTarget& target, const RateLimits& limits,
                                             model::BurstKind kind, __u32 armed) {
  const bool is_of_frees = kind == model::BurstKind::kFrees;
  const alloc_control& control = burst.control();
  PromptSection prompt;
  const Moment begin = burst.open(armed, RateLimits::kMostDilation * limits.length_ns, limits.hits);
  const std::uint64_t late_ns = wait_undilated(burst, begin, limits);
  const auto finished = finish(burst, prompt);
  if (!finished) return Failure{finished.error()};
  BurstRecord record;
  record.kind = kind;
  Window& window = is_of_frees ? record.free_window : record.allocation_window;
  window = window_between(begin, finished->end, control, burst.prices());
  window.late_ns = shared_by_threads(late_ns, window);
  fill_totals(record, finished->results, burst, target);
  if (is_of_frees) {
    record.counts.frees = finished->results.counts.frees;
    record.frees_of_older = finished->results.counts.frees_of_older;
    record.site_generation = 0;  // it saw no call sites: those of an older generation are still the newest
  }
  return record;
}

}  // namespace

std::array<std::uint64_t, ALLOC_HIT_COUNT> prices_for(const AllocatorPlan& plan, const HitCosts& costs) {
  auto prices = costs.emulated_ns;
  const auto& functions = plan.objects.front().functions;
  // The plan names malloc and free before their kin, which are rarely called.
  const auto first = [&](alloc_function wanted) {
    return std::ranges::find(functions, wanted, &PlannedFunction::function);
  };
  const auto charge_step = [&](const elf::ProbePoint& point, alloc_hit hit) {
    if (point.cost == elf::CostClass::kSingleStep) prices[hit] += costs.single_step_extra_ns;
  };
  if (const auto allocating = first(ALLOC_FN_SIZE); allocating != functions.end()) {
    charge_step(allocating->entry, ALLOC_HIT_RATE);
    charge_step(allocating->lives, ALLOC_HIT_ENTRY);
  }
  if (const auto freeing = first(ALLOC_FN_FREE); freeing != functions.end())
    charge_step(freeing->entry, ALLOC_HIT_FREE);
  return prices;
}

std::string reason_label(BurstFailure::Reason reason) {
  switch (reason) {
    case BurstFailure::Reason::kAttach:
      return "attach_failed";
    case BurstFailure::Reason::kTaskClock:
      return "cpu_clock_failed";
    case BurstFailure::Reason::kNoSlot:
      return "detach_pending";
    case BurstFailure::Reason::kTargetForked:
      return "target_forked";
    case BurstFailure::Reason::kTargetExeced:
      return "target_execed";
    case BurstFailure::Reason::kTooHot:
      return "released_early";
  }
  return "failed";
}

Result<BurstRecord, BurstFailure> AllocBursts::rate(const BurstTarget& target, const RateLimits& limits) {
  const auto slot = programs_.acquire_slot();
  if (!slot) return Failure{BurstFailure{BurstFailure::Reason::kNoSlot, "earlier probes are still being removed"}};
  Burst burst(programs_, detacher_, target, *slot, costs_, limits.pace);
  if (auto failure = burst.start_clock()) return Failure{*failure};
  const auto allocates = [](const PlannedFunction& function) { return function.function != ALLOC_FN_FREE; };
  if (auto failure = burst.attach(AllocPrograms::Probes::kRate, Burst::Until::kBurstEnd, allocates))
    return burst.give_up(*failure);

  return one_window(burst, target, limits, model::BurstKind::kRate, ALLOC_ARMED_ALLOCATIONS);
}

Result<BurstRecord, BurstFailure> AllocBursts::cohort(const BurstTarget& target, const CohortLimits& limits) {
  const auto slot = programs_.acquire_slot();
  if (!slot) return Failure{BurstFailure{BurstFailure::Reason::kNoSlot, "earlier probes are still being removed"}};
  Burst burst(programs_, detacher_, target, *slot, costs_, limits.pace);
  using Probes = AllocPrograms::Probes;
  const auto frees = [](const PlannedFunction& function) { return function.function == ALLOC_FN_FREE; };
  const auto makes = [&](const PlannedFunction& function) { return !frees(function) && !is_reallocation(function); };
  if (auto failure = burst.start_clock()) return Failure{*failure};
  // Frees first: an object must not be born before its death can be seen.
  if (auto failure = burst.attach(Probes::kFree, Burst::Until::kBurstEnd, frees)) return burst.give_up(*failure);
  if (auto failure = burst.attach(Probes::kLives, Burst::Until::kBurstEnd, is_reallocation))
    return burst.give_up(*failure);
  if (auto failure = burst.attach(Probes::kLives, Burst::Until::kBirthsEnd, makes)) return burst.give_up(*failure);

  const alloc_control& control = burst.control();
  const std::uint64_t after_births_ns = std::max(limits.follow_ns, limits.births_ns + 2 * kSettleNs) - limits.births_ns;
  PromptSection prompt;
  const Moment births_begin = burst.open(
      ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS,
      (limits.is_undilated ? RateLimits::kMostDilation : 1) * limits.births_ns + after_births_ns, limits.hits);
  wait_for_births(burst, births_begin, limits);
  const std::uint64_t late_by_births_ns = burst.late_ns();
  const Moment births_end = burst.turn(ALLOC_ARMED_DEATHS);
  burst.end_births();
  burst.wait_until(births_end.clocks.time_ns + kSettleNs);

  const Moment begin = burst.turn(ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS);
  const std::uint64_t late_at_begin_ns = burst.late_ns();
  burst.wait_until(births_end.clocks.time_ns + after_births_ns);
  const std::uint64_t late_at_end_ns = burst.late_ns();
  const auto finished = finish(burst, prompt);
  if (!finished) return Failure{finished.error()};
  const auto& [end, results] = *finished;
  BurstRecord record;
  record.kind = model::BurstKind::kCohort;
  record.allocation_window = window_between(births_begin, births_end, control, burst.prices());
  record.allocation_window.late_ns = shared_by_threads(late_by_births_ns, record.allocation_window);
  record.free_window = window_between(begin, end, control, burst.prices());
  record.free_window.late_ns =
      shared_by_threads(late_at_end_ns - std::min(late_at_begin_ns, late_at_end_ns), record.free_window);
  record.frees_beside_allocations = births_end.counts.frees;
  record.counts.frees = results.counts.frees - births_end.counts.frees;
  record.frees_of_older = results.counts.frees_of_older;
  const std::uint64_t follow_stop_ns = control.stop != ALLOC_STOP_NONE ? control.stopped_ns : end.clocks.time_ns;
  record.lifetimes = lifetimes(results, follow_stop_ns);
  record.lifetimes.followed_ns = followed_ns(results, births_end.clocks.time_ns, follow_stop_ns);
  fill_totals(record, results, burst, target);
  return record;
}

Result<BurstRecord, BurstFailure> AllocBursts::frees(const BurstTarget& target, const RateLimits& limits) {
  const auto slot = programs_.acquire_slot();
  if (!slot) return Failure{BurstFailure{BurstFailure::Reason::kNoSlot, "earlier probes are still being removed"}};
  Burst burst(programs_, detacher_, target, *slot, costs_, limits.pace);
  const auto frees = [](const PlannedFunction& function) { return function.function == ALLOC_FN_FREE; };
  if (auto failure = burst.start_clock()) return Failure{*failure};
  // Reallocations need return probes, which some processes cannot have: what the allocator frees by itself is known by its caller.
  if (auto failure = burst.attach(AllocPrograms::Probes::kFree, Burst::Until::kBurstEnd, frees))
    return burst.give_up(*failure);

  // Deaths, too, though nobody is followed: that is what the price of a free was calibrated with.
  return one_window(burst, target, limits, model::BurstKind::kFrees, ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS);
}

Result<BurstRecord, BurstFailure> AllocBursts::growth(const BurstTarget& target, const RateLimits& limits) {
  const auto slot = programs_.acquire_slot();
  if (!slot) return Failure{BurstFailure{BurstFailure::Reason::kNoSlot, "earlier probes are still being removed"}};
  Burst burst(programs_, detacher_, target, *slot, costs_, limits.pace);
  const auto frees = [](const PlannedFunction& function) { return function.function == ALLOC_FN_FREE; };
  const auto allocates = [&](const PlannedFunction& function) { return !frees(function); };
  if (auto failure = burst.start_clock()) return Failure{*failure};
  if (auto failure = burst.attach(AllocPrograms::Probes::kFree, Burst::Until::kBurstEnd, frees))
    return burst.give_up(*failure);
  if (auto failure = burst.attach(AllocPrograms::Probes::kLives, Burst::Until::kBurstEnd, allocates))
    return burst.give_up(*failure);

  return one_window(burst, target, limits, model::BurstKind::kCohort,
                    ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_DEATHS);
}

}  // namespace poolscope::probes

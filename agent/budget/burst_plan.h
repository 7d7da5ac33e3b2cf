#pragma once
// How long a burst may be. Pure arithmetic on what is known about a target before the burst, so that the limits do not
// depend on what the burst sees (estimates stay unbiased).
//
// Slowdown. A thread that makes `rate` calls per CPU second, each costing `price`, runs 1 + rate x price times slower.
// The cap holds for the average over any burst_max_ms: a phase that is dearer is made shorter, down to a whole cohort
// that ends within one such window. A target for which not even kShortestNs fit is refused: "L2 refused".

#include <cstdint>
#include <optional>
#include <string>

namespace poolscope::budget {

inline constexpr std::uint64_t kShortestNs = 200'000;
inline constexpr std::uint64_t kFirstBurstNs = 1'000'000;
inline constexpr std::uint64_t kFirstBurstHits = 2000;
// A rate that is older is not relied on: the next burst is a first one. So a target that was too hot once is not refused for ever.
inline constexpr std::uint64_t kRateKnownNs = 60'000'000'000;

// How often a target makes calls.
//   While it runs  per undilated CPU second of one thread: the highest of the last bursts and their moving average.
//   All the time   per second, pauses included: the mean of the last bursts. What a target that mostly waits is planned by.
class HitRate {
 public:
  void observe(double per_cpu_second, std::uint64_t now_ns);
  // Of every window, however little ran in it. `undilated_ns`: as long as it would have been without probes.
  void observe_all(std::uint64_t calls, std::uint64_t undilated_ns);
  // Knows nothing once the last burst is kRateKnownNs old.
  void expire(std::uint64_t now_ns);
  [[nodiscard]] bool known() const { return observations_ > 0; }
  [[nodiscard]] double per_cpu_second() const;
  // 0 before the first window.
  [[nodiscard]] double per_second() const { return seconds_ > 0 ? calls_ / seconds_ : 0; }

 private:
  static constexpr unsigned kRecent = 4;
  static constexpr double kNewWeight = 0.6;
  static constexpr double kOldWindows = 0.9;  // what the windows before the latest weigh
  double calls_ = 0, seconds_ = 0;
  double recent_[kRecent] = {};
  double average_ = 0;
  unsigned observations_ = 0;
  std::uint64_t observed_ns_ = 0;
};

// What a hit takes, as charged in the last bursts. Bursts with few hits change it little: some hits are dearer by far.
class HitPrice {
 public:
  void observe(std::uint64_t hits, std::uint64_t charge_ns);
  // `calibrated_ns` until there are hits enough.
  [[nodiscard]] double ns(double calibrated_ns) const;

 private:
  static constexpr double kCalibratedHits = 100;  // so many hits calibration weighs
  static constexpr double kOldWeight = 0.5;
  double hits_ = 0, charge_ns_ = 0;
};

struct BurstPrices {
  double allocation_ns = 0;  // one counted call
  double life_ns = 0;        // entry and return of one followed call
  double free_ns = 0;
};

struct BurstBudget {
  double slowdown = 1.5;
  std::uint64_t max_ns = 5'000'000;  // burst_max_ms
  std::uint64_t follow_max_ns = 50'000'000;
  double tokens_ns = 0;    // what may be spent now
  double capacity_ns = 0;  // what could ever be saved
  double used_cpus = 1;    // CPU seconds per second of the process lately
  double busy_cpus = 1;    // what is planned for: planned_cpus(used_cpus)
};

// What a burst is planned to cost by, when the process used `recent` CPU seconds per second lately. A burst that meets more is ended by its hit
// limit; were all planned as if the process never waited, one that mostly does would get short bursts and no cohorts.
[[nodiscard]] double planned_cpus(double recent);
// A burst may be charged so much more than is saved: what it owes is earned back before the next one. A limit of a few hits would end bursts
// at the first crowd of events, and what is seen up to there is far from the mean.
inline constexpr double kOverdraftNs = 250'000;

struct Refusal {
  enum class Reason { kTooHot, kNoTokens };
  Reason reason;
  std::string detail;
  double needed_ns = 0;  // kNoTokens: what the burst would cost at most
};
[[nodiscard]] std::string reason_label(Refusal::Reason reason);

struct RatePlan {
  std::uint64_t length_ns = 0;  // of what the target does without probes
  std::uint64_t hit_limit = 0;
};
struct CohortPlan {
  std::uint64_t births_ns = 0;
  std::uint64_t follow_ns = 0;
  std::uint64_t hit_limit = 0;
  // Of a target that mostly waits: the pace at which the kernel ends it, for burst_max_ms, at the prices of the plan. 0: what plan_pace() says.
  std::uint64_t most_charge_ns = 0;
  // births_ns is then of what the target does without probes, as RatePlan::length_ns.
  [[nodiscard]] bool is_among_pauses() const { return most_charge_ns > 0; }
};

template <typename Plan>
struct PlanOrRefusal {
  std::optional<Plan> plan;
  Refusal refusal{};  // meaningful without a plan
};

// What hits may take of one CPU within burst_max_ms before a burst ends at once: its target has become hotter than was planned for.
// kOvershoot times what may be planned, slowdown - 1, as long as that can be told from a target that does nothing but hit probes.
inline constexpr double kOvershoot = 2, kHotShare = 0.75;
struct PlannedPace {
  std::uint64_t window_ns = 0;
  std::uint64_t charge_ns = 0;  // of one CPU, at calibrated prices
};
// `price_factor`: what a hit takes here, over what calibration said.
[[nodiscard]] PlannedPace plan_pace(const BurstBudget& budget, double price_factor);

[[nodiscard]] PlanOrRefusal<RatePlan> plan_rate(const HitRate& allocations, const BurstPrices& prices,
                                                const BurstBudget& budget);
// A burst that follows allocations and frees beside each other and nobody to its end: for growth alone, where a target is too hot for cohorts.
// A target that mostly waits works in crowds of events. Cut short by its hit limit, such a burst would see how buffers begin to grow and
// not how they end, so all that one window may be slowed by is saved first, or what it earns in four seconds, and the burst is planned to
// take a third of that.
[[nodiscard]] PlanOrRefusal<RatePlan> plan_growth(const HitRate& allocations, const HitRate& frees,
                                                  const BurstPrices& prices, const BurstBudget& budget);
// How long a cohort has to last for its objects to be followed up to `age_ns`, births and the delay by probes included.
[[nodiscard]] std::uint64_t follow_for_age_ns(std::uint64_t age_ns, const HitRate& allocations, const HitRate& frees,
                                              const BurstPrices& prices, const BurstBudget& budget);

// Cohorts that are followed for less tell too little.
inline constexpr std::uint64_t kLeastFollowNs = 3'000'000;
// How long a cohort is to be followed, births included.
struct FollowLengths {
  std::uint64_t least_ns = kLeastFollowNs;
  std::uint64_t usual_ns = 0;    // for what is asked
  std::uint64_t longest_ns = 0;  // once in a while
};
// The longest that the tokens pay for. A target that mostly waits is planned by what it does per second, pauses included, and let go at once where it meets
// a crowd that the slowdown cap does not allow. A cohort of it takes so little, and the target earns so little, that nothing below usual_ns is
// taken where that is paid for in a few seconds, and longest_ns only when it is saved already.
[[nodiscard]] PlanOrRefusal<CohortPlan> plan_cohort(const HitRate& allocations, const HitRate& frees,
                                                    const BurstPrices& prices, const BurstBudget& budget,
                                                    const FollowLengths& follow);

}  // namespace poolscope::budget

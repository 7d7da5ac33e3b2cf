#pragma once
// BurstTurns: what kind of burst a stratum gets. Rate bursts and cohorts come in pairs, one of each in random order: were they taken
// strictly in turn, a target that does its work in every other stratum would be seen by one kind alone.
//   Long      every kLongFollowEvery-th pair asks for a cohort that is followed as long as it may be.
//   Known     once churn is known, one pair in kCohortEveryKnown / 2 has a cohort, to see when it changes.
//   Saving    a cohort must be paid in advance. Once the rate is known well enough, strata are left out for it: rate bursts would go on
//             spending what it needs.
//   Growth    where cohorts are refused as too hot, their turns go to looks at growth, with kRateBurstsPerLook in between, because one may take what several of
//             these do; where looks see nothing grow, one turn in kGrowthEveryVain.
//   Frees     what cohorts would have counted is counted alone where there are none, with kRateBurstsPerFrees in between, once the rate is known.
// Pure but for the random numbers it is given.

#include <random>

namespace poolscope::budget {

class BurstTurns {
 public:
  static constexpr unsigned kLongFollowEvery = 4;
  static constexpr unsigned kCohortEveryKnown = 6;  // bursts; its pairs and kLongFollowEvery have no common divisor
  // After so many looks in a row at allocations of which none grew, there are fewer.
  static constexpr unsigned kVainLooks = 6, kGrowthEveryVain = 8, kRateBurstsPerLook = 8;
  static constexpr unsigned kRateBurstsPerFrees = 2;
  // Before a stratum is left out for a cohort: this many rate bursts in all, and these since the last cohort.
  static constexpr unsigned kRateBurstsFirst = 12, kRateBurstsBetween = 1;

  // Whether cohorts are needed for more than to see that nothing changes.
  void set_churn_known(bool is_known) { is_churn_known_ = is_known; }
  [[nodiscard]] bool is_churn_known() const { return is_churn_known_; }
  [[nodiscard]] bool is_cohorts_turn() const {
    if (is_churn_known_ && turn_ / 2 % (kCohortEveryKnown / 2) != 0) return false;
    return (turn_ % 2 == 1) != is_cohort_first_;
  }
  [[nodiscard]] bool is_long_follow() const { return turn_ / 2 % kLongFollowEvery == kLongFollowEvery - 1; }
  // The cohort whose turn it is cannot be paid yet, but could be: is it waited for, without a rate burst?
  [[nodiscard]] bool waits_for_cohort() const { return has_rate() && since_cohort_ >= kRateBurstsBetween; }
  // Enough rate bursts were taken for turns to go to something else.
  [[nodiscard]] bool has_rate() const { return rate_bursts_ >= kRateBurstsFirst; }

  // A turn that a cohort cannot have: is it worth a look at growth?
  [[nodiscard]] bool is_growth_wanted() const {
    if (!has_rate() || since_cohort_ < kRateBurstsPerLook) return false;
    return vain_looks_ < kVainLooks || turn_ / 2 % kGrowthEveryVain == 0;
  }
  // The same for a burst that counts frees.
  [[nodiscard]] bool is_frees_wanted() const { return has_rate() && since_frees_ >= kRateBurstsPerFrees; }
  // A look at growth was taken, and saw allocations.
  void looked_at_growth(bool has_grown) { vain_looks_ = has_grown ? 0 : vain_looks_ + 1; }

  enum class Kind { kRate, kCohort, kFrees };
  // A burst was taken, of the kind whose turn it was or of the other.
  void took(Kind kind, std::mt19937_64& random) {
    if (kind == Kind::kRate) {
      ++rate_bursts_;
      ++since_cohort_;
      ++since_frees_;
    } else {
      (kind == Kind::kCohort ? since_cohort_ : since_frees_) = 0;
    }
    if (++turn_ % 2 == 0) is_cohort_first_ = std::bernoulli_distribution(0.5)(random);
  }

 private:
  unsigned turn_ = 0, rate_bursts_ = 0, since_cohort_ = 0, since_frees_ = 0, vain_looks_ = 0;
  bool is_churn_known_ = false;
  bool is_cohort_first_ = false;  // the very first burst is short and finds the rate
};

}  // namespace poolscope::budget

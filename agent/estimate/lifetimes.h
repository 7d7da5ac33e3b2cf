#pragma once
// How long objects live, from cohorts of objects followed from birth.
//   Value     Kaplan-Meier over all cohorts, each weighted as its birth window is in the rate. "Died inside the cohort"
//             alone would call nearly everything short-lived: long-lived objects are just not finished yet.
//   Valid     up to the longest followed_ns; ages and quantiles beyond are absent. Nothing is said of fewer than
//             kBirthsForLifetimes objects, but where every event was traced.
//   Interval  95 % percentile bootstrap over whole cohorts (objects of one cohort are alike), 400 resamplings with a
//             fixed seed, so the same records give the same limits; never narrower than Wilson's interval for that many
//             independent objects. Absent below kBurstsForInterval cohorts and for exact records.
//   Cost      more than 48 cohorts are resampled as 48 runs of neighbours in time, which bounds the work and keeps what
//             neighbours have in common together.

#include <optional>

#include "agent/estimate/sample.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

struct LifetimeEstimates {
  model::LifetimeSummary lifetime;
  model::Estimate churn_ratio;  // byte-weighted share that died within churn_age_seconds
  bool churn_known = false;     // false when the objects had no bytes
  double churn_age_seconds = 0;
};

// `records` may hold records without births; nothing when too few were born in all.
[[nodiscard]] std::optional<LifetimeEstimates> estimate_lifetimes(const RecordList& records, const Basis& basis);

}  // namespace poolscope::estimate

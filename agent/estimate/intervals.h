#pragma once
// Quantiles and limits that the estimators share; all intervals are 95 %, two-sided.

#include <cstddef>

#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

// Student's t at 0.975. From 3 degrees of freedom on within 1 % of the tables, from 11 on within 0.0005.
[[nodiscard]] double student_t_975(unsigned degrees_of_freedom);

struct Limits {
  double low = 0, high = 0;
};
// Wilson's score interval of a share seen in `count` independent objects; [0, 1] when there were none.
[[nodiscard]] Limits wilson(double share, double count);
// Of an interval; infinite where there is none.
[[nodiscard]] double width(const model::MaybeEstimate& estimate);
// Over the value, by which intervals of rates are compared: an estimate that is too low has too narrow an interval.
[[nodiscard]] double relative_width(const model::MaybeEstimate& estimate);
// How many of `replicates` sorted bootstrap values lie below the lower limit of an interval, when the data had `units` independent
// parts: the spread of a bootstrap is too small by sqrt((n - 1) / n), and it is normal where Student's t is due (Hesterberg 2015).
[[nodiscard]] std::size_t bootstrap_tail(std::size_t replicates, std::size_t units);

}  // namespace poolscope::estimate

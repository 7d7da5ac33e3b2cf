#include "agent/estimate/cpu_share.h"

#include <algorithm>

#include "agent/estimate/intervals.h"

namespace poolscope::estimate {
namespace {

model::MaybeEstimate share_of(std::uint64_t part, std::uint64_t unknown, std::uint64_t samples) {
  const auto all = static_cast<double>(samples);
  const double unknown_share = static_cast<double>(unknown) / all;
  if (unknown_share > kMostUnknown) return std::nullopt;
  const double share = static_cast<double>(part) / all;
  const Limits limits = wilson(share, all);
  return model::Estimate{share, limits.low, std::min(limits.high + unknown_share, 1.0)};
}

}  // namespace

model::CpuShareRecord add_up(std::span<const model::CpuShareRecord> records) {
  model::CpuShareRecord sum;
  for (const auto& record : records) {
    for (const auto counter :
         {&model::CpuShareRecord::samples, &model::CpuShareRecord::allocator, &model::CpuShareRecord::copy,
          &model::CpuShareRecord::page_fault, &model::CpuShareRecord::gc, &model::CpuShareRecord::no_allocator,
          &model::CpuShareRecord::no_copy, &model::CpuShareRecord::no_gc, &model::CpuShareRecord::collecting,
          &model::CpuShareRecord::lost, &model::CpuShareRecord::charge_ns}) {
      sum.*counter += record.*counter;
    }
  }
  return sum;
}

std::optional<model::CpuShare> estimate_cpu_share(std::span<const model::CpuShareRecord> records) {
  const model::CpuShareRecord sum = add_up(records);
  if (sum.samples < kFewestCpuSamples) return std::nullopt;
  model::CpuShare share;
  share.samples = sum.samples;
  share.allocator = share_of(sum.allocator, sum.no_allocator, sum.samples);
  share.copy = share_of(sum.copy, sum.no_copy, sum.samples);
  share.page_fault = share_of(sum.page_fault, 0, sum.samples);
  if (sum.collecting > 0) share.gc = share_of(sum.gc, sum.no_gc, sum.samples);
  share.total = share_of(sum.allocator + sum.copy + sum.page_fault + sum.gc,
                         std::max({sum.no_allocator, sum.no_copy, sum.no_gc}), sum.samples);
  return share;
}

}  // namespace poolscope::estimate

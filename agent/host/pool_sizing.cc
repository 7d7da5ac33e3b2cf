#include "agent/host/pool_sizing.h"

#include <algorithm>

#include "poolscope/stats_writer.h"

namespace poolscope::host {
namespace {

constexpr std::chrono::seconds kBandEvery{10};
constexpr std::uint64_t kBandGets = 100;        // fewer say nothing about a share of 1 %
constexpr std::uint64_t kForgetSeconds = 3600;  // then what was counts half

}  // namespace

PoolSizing::PoolSizing(Sizing policy, std::uint32_t min_buffers, std::uint32_t max_buffers) : policy_(policy) {
  band_.min_buffers = min_buffers;
  band_.max_buffers = max_buffers;
  quantile_.min_bytes = min_buffers;  // the same arithmetic, of buffers in place of bytes
  quantile_.max_bytes = max_buffers;
}

std::optional<std::uint32_t> PoolSizing::suggest(std::uint32_t buffers, std::uint64_t gets, std::uint64_t failed_gets,
                                                 Time now) {
  if (policy_ == Sizing::kFixed || buffers == 0) return std::nullopt;
  const auto wanted =
      policy_ == Sizing::kOverflowBand ? by_band(buffers, gets, failed_gets, now) : by_quantile(buffers, failed_gets);
  if (!wanted || *wanted == buffers) return std::nullopt;
  return static_cast<std::uint32_t>(*wanted);
}

std::optional<std::uint64_t> PoolSizing::by_band(std::uint32_t buffers, std::uint64_t gets, std::uint64_t failed_gets,
                                                 Time now) {
  if (!band_due_) band_due_ = now + kBandEvery;
  if (now < *band_due_ || gets - gets_seen_ < kBandGets) return std::nullopt;
  auto wanted = suggest_buffers(band_, buffers, gets - gets_seen_, failed_gets - failed_seen_);
  if (wanted && *wanted < buffers) wanted = std::clamp<std::uint64_t>(used_, *wanted, buffers);
  band_due_ = now + kBandEvery;
  gets_seen_ = gets;
  failed_seen_ = failed_gets;
  used_ = 0;
  return wanted;
}

std::optional<std::uint64_t> PoolSizing::by_quantile(std::uint32_t buffers, std::uint64_t failed_gets) {
  const std::uint64_t too_few = std::uint64_t{buffers} + (buffers + 1) / 2;
  ps_histogram_count(&needed_, failed_gets > failed_seen_ ? too_few : used_);
  failed_seen_ = failed_gets;
  used_ = 0;
  age();
  const auto answer = suggest_buffer_bytes(quantile_, needed_, buffers);
  times_ = answer && answer == answer_ ? times_ + 1 : 1;
  answer_ = answer;
  if (!answer || times_ < quantile_.dwell) return std::nullopt;
  needed_ = {};
  seconds_ = 0;
  answer_.reset();
  return answer;
}

void PoolSizing::age() {
  if (++seconds_ < kForgetSeconds) return;
  for (ps_u64& count : needed_.counts) ps_store(&count, count / 2);
  seconds_ /= 2;
}

}  // namespace poolscope::host

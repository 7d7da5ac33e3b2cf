#include "probes/collectors/caller_steps.h"

#include <limits>
#include <optional>
#include <unordered_map>

#include "probes/collectors/allocator_plan.h"

namespace poolscope::probes {
namespace {

constexpr double kNamelessWrapperShare = 0.2;

std::optional<step> to_row(const elf::FrameStep& frame) {
  const auto fits = [](std::int64_t value) {
    return value > STEP_RBP_KEPT && value < std::numeric_limits<std::int32_t>::max();
  };
  if (!fits(frame.cfa_offset)) return std::nullopt;
  step row{};
  row.cfa_offset = static_cast<std::int32_t>(frame.cfa_offset);
  row.base_is_rbp = frame.cfa_base == elf::FrameStep::Base::kFramePointer;
  row.saved_rbp_offset = STEP_RBP_KEPT;
  if (frame.saved_rbp_at_cfa) {
    if (!fits(*frame.saved_rbp_at_cfa)) return std::nullopt;
    row.saved_rbp_offset = static_cast<std::int32_t>(*frame.saved_rbp_at_cfa);
  }
  return row;
}

std::size_t depth_of(const site& site) {
  std::size_t depth = 0;
  while (depth < ALLOC_SITE_DEPTH && site.frames[depth] != 0) ++depth;
  return depth;
}

}  // namespace

void CallerSteps::apply(AllocPrograms& programs, std::uint32_t slot, const ProcessImage& image) const {
  for (const auto& [place, row] : rows_) {
    for (const auto& object : image.objects()) {
      if (object.mapped.path == place.first) programs.set_step(slot, place.second + object.bias, row);
    }
  }
}

bool CallerSteps::learn(ProcessImage& image, const std::vector<std::pair<site_key, site>>& sites) {
  std::unordered_map<std::uint64_t, std::uint64_t> calls_of_last;
  std::uint64_t all_calls = 0;
  for (const auto& [key, site] : sites) {
    all_calls += site.calls;
    if (depth_of(site) < ALLOC_SITE_DEPTH) calls_of_last[key.last] += site.calls;
  }
  bool learnt = false;
  for (const auto& [address, calls] : calls_of_last) {
    const model::Frame& frame = image.call_frame(address);
    const bool nameless_and_busy =
        frame.symbol.empty() && static_cast<double>(calls) > kNamelessWrapperShare * static_cast<double>(all_calls);
    if (is_allocation_wrapper(frame.symbol) || nameless_and_busy) learnt |= learn_row(image, address);
  }
  if (learnt) ++generation_;
  return learnt;
}

bool CallerSteps::learn_row(ProcessImage& image, std::uint64_t return_address) {
  if (rows_.size() >= kMaxRows) return false;
  const auto frame = image.frame_step(return_address);
  if (!frame) return false;
  const auto row = to_row(*frame);
  const model::Frame& place = image.call_frame(return_address);
  return row && rows_.emplace(std::make_pair(place.object, place.offset), *row).second;
}

}  // namespace poolscope::probes

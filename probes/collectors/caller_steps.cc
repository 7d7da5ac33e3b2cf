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

// Offsets behind every `call rel32` and `call [rip + x]` of the code. Bytes that only look like one do no harm: nothing
// ever returns there.
std::vector<std::uint64_t> return_offsets(const std::vector<std::uint8_t>& code) {
  std::vector<std::uint64_t> offsets;
  for (std::size_t i = 0; i + 6 <= code.size(); ++i) {
    if (code[i] == 0xe8) offsets.push_back(i + 5);
    if (code[i] == 0xff && code[i + 1] == 0x15) offsets.push_back(i + 6);
  }
  return offsets;
}

// Cheap on mangled names, because every symbol of every object is asked.
bool is_named_like_a_wrapper(const std::string& mangled) {
  return mangled.starts_with("_Znwm") || mangled.starts_with("_Znam") ||
         (!mangled.starts_with("_Z") && is_allocation_wrapper(mangled));
}

}  // namespace

void CallerSteps::seed(ProcessImage& image) {
  constexpr std::uint64_t kWrapperMaxBytes = 512;
  for (const auto& object : image.objects()) {
    std::size_t seeds = 0;
    for (const auto& symbol : object.file->functions()) {
      if (seeds >= kMaxSeeds) break;
      if (symbol.size_bytes == 0 || symbol.size_bytes > kWrapperMaxBytes || !is_named_like_a_wrapper(symbol.name))
        continue;
      ++seeds;
      for (const auto offset : return_offsets(object.file->read_code(symbol.address, symbol.size_bytes))) {
        learn_row(image, symbol.address + offset + object.bias);
      }
    }
  }
}

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

#include "tests/unit/probes/alloc_reference.h"

#include <algorithm>

namespace poolscope::probes::test {

AllocReference::Thread& AllocReference::charge(ThreadId id, alloc_hit hit) {
  Thread& thread = threads_[id.tid];
  if (thread.generation != kernel_.control.generation) thread = Thread{kernel_.control.generation, 0, false, false};
  thread.charge_ns += kernel_.control.cost_ns[hit];
  return thread;
}

bool AllocReference::is_outermost_hit(ThreadId id, alloc_hit hit) {
  Thread& thread = charge(id, hit);
  if (std::exchange(thread.has_lost_call, false)) ++counts_.dropped[ALLOC_DROP_ABANDONED];
  return !thread.is_in_call;
}

AllocReference::Call AllocReference::begin(ThreadId id, std::uint64_t bytes, std::uint64_t block, std::uint64_t site) {
  Call call{id, is_outermost_hit(id, ALLOC_HIT_ENTRY), kernel_.control.generation, bytes, block, site, std::nullopt};
  if (!call.is_outermost) return call;
  threads_[id.tid].is_in_call = true;
  if (const auto found = alive_.find({id.tgid, block}); block != 0 && found != alive_.end()) {
    call.moved = found->second;
    alive_.erase(found);
  }
  if (is_armed(ALLOC_ARMED_ALLOCATIONS) && !(block != 0 && bytes == 0)) {
    Site& counted = sites_[{id.tgid, site}];
    ++counted.calls;
    counted.requested_bytes += bytes;
  }
  return call;
}

void AllocReference::end(const Call& call, std::uint64_t result) {
  if (!call.is_outermost && mode_ == Mode::kSession) return;  // nobody waits for this return
  Thread& thread = charge(call.thread, ALLOC_HIT_RETURN);
  if (!call.is_outermost || call.generation != kernel_.control.generation) return;
  thread.is_in_call = false;
  if (call.block != 0) return end_reallocation(call, thread, result);
  if (result == 0) return;
  if (is_armed(ALLOC_ARMED_ALLOCATIONS)) count_sizes(call.bytes, counts_.allocations, counts_.allocated_bytes);
  if (!is_armed(ALLOC_ARMED_BIRTHS)) return;
  ++counts_.births;
  counts_.birth_bytes += call.bytes;
  if (const auto site = sites_.find({call.thread.tgid, call.site}); site != sites_.end()) ++site->second.births;
  put({call.thread.tgid, result},
      birth{kernel_.now_ns, call.bytes, thread.charge_ns, call.site, call.site, call.bytes, 0, call.thread.tid, 0});
}

void AllocReference::end_reallocation(const Call& call, const Thread& thread, std::uint64_t result) {
  if (result == 0 && call.bytes == 0) {
    counts_.frees += is_armed(ALLOC_ARMED_FREES);
    if (call.moved) return count_death(call.thread, thread, *call.moved);
    counts_.frees_of_older += is_armed(ALLOC_ARMED_DEATHS);
    return;
  }
  if (result != 0 && is_armed(ALLOC_ARMED_ALLOCATIONS)) {
    count_sizes(call.bytes, counts_.reallocations, counts_.reallocated_bytes);
  }
  if (!call.moved) return;
  if (result == 0) return put({call.thread.tgid, call.block}, *call.moved);
  birth life = *call.moved;
  const std::uint64_t remapped_from = kernel_.control.mremap_min_bytes;
  const bool is_remapped = remapped_from != 0 && life.requested_bytes >= remapped_from && call.block % 4096 == 16;
  if (result != call.block && !is_remapped)
    life.copied_bytes += std::min<std::uint64_t>(life.requested_bytes, call.bytes);
  life.requested_bytes = call.bytes;
  ++life.steps;
  put({call.thread.tgid, result}, life);
}

void AllocReference::abandon(const Call& call) {
  Thread& thread = threads_[call.thread.tid];
  if (!call.is_outermost || call.generation != thread.generation) return;
  thread.is_in_call = false;
  thread.has_lost_call = true;
}

void AllocReference::free(ThreadId id, std::uint64_t block, unsigned jumps) {
  if (block == 0) return;
  const bool counts = is_outermost_hit(id, ALLOC_HIT_FREE);
  if (counts) {
    counts_.frees += is_armed(ALLOC_ARMED_FREES);
    const auto found = alive_.find({id.tgid, block});
    if (is_armed(ALLOC_ARMED_DEATHS) && found == alive_.end()) ++counts_.frees_of_older;
    if (is_armed(ALLOC_ARMED_DEATHS) && found != alive_.end()) {
      count_death(id, threads_[id.tid], found->second);
      alive_.erase(found);
    }
  }
  for (unsigned i = 0; i < jumps; ++i) charge(id, ALLOC_HIT_FREE);
}

void AllocReference::next_burst() {
  counts_ = alloc_counts{};
  alive_.clear();
  sites_.clear();
  chains_.clear();
}

void AllocReference::count_sizes(std::uint64_t bytes, __u64& calls, __u64& sum) {
  ++calls;
  sum += bytes;
  ++counts_.size_bytes[ps_log_linear_index(bytes)];
}

void AllocReference::put(Place place, const birth& life) {
  if (!alive_.insert_or_assign(place, life).second) ++counts_.dropped[ALLOC_DROP_FREE_MISSED];
}

void AllocReference::count_death(ThreadId id, const Thread& thread, const birth& life) {
  std::uint64_t age_ns = kernel_.now_ns - life.born_ns;
  if (life.tid == id.tid) age_ns -= std::min<std::uint64_t>(age_ns, thread.charge_ns - life.charge_ns);
  ++counts_.died_ns[ps_log_linear_index(age_ns)];
  counts_.died_bytes_ns[ps_log_linear_index(age_ns)] += life.requested_bytes;
  const auto site = sites_.find({id.tgid, life.site_first});
  if (site != sites_.end() && age_ns < ALLOC_SHORT_LIVED_NS) ++site->second.short_lived;
  if (life.steps == 0) return;
  Chain& chain = chains_[{id.tgid, life.site_first}];
  ++chain.chains;
  chain.steps += life.steps;
  chain.copied_bytes += life.copied_bytes;
}

}  // namespace poolscope::probes::test

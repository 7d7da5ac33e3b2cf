#include "tests/unit/probes/alloc_world.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string_view>
#include <utility>

namespace poolscope::probes::test {
namespace {

using Kind = Operation::Kind;

constexpr std::uint64_t kWhere = 0x7ffe00000000;  // where posix_memalign puts its results
constexpr std::uint64_t kMremapMinBytes = 128 << 10;
constexpr std::uint64_t kPassMaxNs = 20'000'000;

constexpr std::string_view kKindNames[] = {
    "kMalloc",         "kCalloc",       "kPosixMemalign",    "kMallocFails",  "kReallocOfNull", "kReallocMoves",
    "kReallocInPlace", "kReallocFails", "kReallocToNothing", "kFree",         "kDelete",        "kFreeOfNull",
    "kFreeOfOlder",    "kFreeUnseen",   "kStartMalloc",      "kStartRealloc", "kFinish",        "kLongjmp",
    "kPassTime",       "kArm",          "kNextBurst"};
static_assert(std::size(kKindNames) == static_cast<std::size_t>(Kind::kCount));

// Every function has call instructions of its own.
std::uint64_t site_of(const Probed& probed, const Operation& operation) {
  return 0x401004 + probed.number * 0x100 + operation.pick % 4 * 0x10;
}

std::uint64_t bytes_of(const Operation& operation) {
  constexpr std::uint64_t kShiftedMax = 1 << 20;
  return operation.number % 3 == 0 ? operation.number % kShiftedMax : operation.number % 1024;
}

const Probed& probed_of(Kind kind) {
  switch (kind) {
    case Kind::kCalloc:
      return kCalloc;
    case Kind::kPosixMemalign:
      return kPosixMemalign;
    case Kind::kReallocOfNull:
    case Kind::kReallocMoves:
    case Kind::kReallocInPlace:
    case Kind::kReallocFails:
    case Kind::kReallocToNothing:
    case Kind::kStartRealloc:
      return kRealloc;
    case Kind::kDelete:
      return kDelete;
    case Kind::kFree:
    case Kind::kFreeOfNull:
    case Kind::kFreeOfOlder:
      return kFree;
    default:
      return kMalloc;
  }
}

// "allocations: 3 expected, 2 counted" for the first word that differs.
std::string difference(const alloc_counts& expected, const alloc_counts& counted) {
  struct Field {
    std::string_view name;
    std::size_t offset;
  };
  static constexpr Field kFields[] = {{"allocations", offsetof(alloc_counts, allocations)},
                                      {"allocated_bytes", offsetof(alloc_counts, allocated_bytes)},
                                      {"reallocations", offsetof(alloc_counts, reallocations)},
                                      {"reallocated_bytes", offsetof(alloc_counts, reallocated_bytes)},
                                      {"frees", offsetof(alloc_counts, frees)},
                                      {"frees_of_older", offsetof(alloc_counts, frees_of_older)},
                                      {"births", offsetof(alloc_counts, births)},
                                      {"birth_bytes", offsetof(alloc_counts, birth_bytes)},
                                      {"dropped", offsetof(alloc_counts, dropped)},
                                      {"pending_hits", offsetof(alloc_counts, pending_hits)},
                                      {"size_bytes", offsetof(alloc_counts, size_bytes)},
                                      {"died_ns", offsetof(alloc_counts, died_ns)},
                                      {"died_bytes_ns", offsetof(alloc_counts, died_bytes_ns)}};
  const auto word = [](const alloc_counts& counts, std::size_t at) {
    __u64 value = 0;
    std::memcpy(&value, reinterpret_cast<const char*>(&counts) + at, sizeof(value));
    return value;
  };
  for (std::size_t at = 0; at < sizeof(alloc_counts); at += sizeof(__u64)) {
    if (word(expected, at) == word(counted, at)) continue;
    const auto next = std::ranges::upper_bound(kFields, at, {}, &Field::offset);
    std::ostringstream text;
    if (next != std::begin(kFields))
      text << std::prev(next)->name << "[" << (at - std::prev(next)->offset) / 8 << "]: ";
    text << word(expected, at) << " expected, " << word(counted, at) << " counted";
    return text.str();
  }
  return "";
}

std::string describe(const birth& life) {
  std::ostringstream text;
  text << "born " << life.born_ns << ", bytes " << life.requested_bytes << " (first " << life.first_bytes << ", copied "
       << life.copied_bytes << ", steps " << life.steps << "), charge " << life.charge_ns << ", site " << std::hex
       << life.site_first << ", tid " << std::dec << life.tid;
  return text.str();
}

}  // namespace

std::vector<Operation> operations_from(std::span<const std::uint8_t> bytes) {
  std::vector<Operation> operations;
  for (; bytes.size() >= Operation::kEncodedBytes; bytes = bytes.subspan(Operation::kEncodedBytes)) {
    Operation operation;
    operation.kind = static_cast<Kind>(bytes[0] % static_cast<unsigned>(Kind::kCount));
    operation.thread = bytes[1];
    std::memcpy(&operation.pick, &bytes[2], sizeof(operation.pick));
    std::memcpy(&operation.number, &bytes[4], sizeof(operation.number));
    operations.push_back(operation);
  }
  return operations;
}

std::string to_text(std::span<const Operation> operations) {
  std::ostringstream text;
  for (const auto& each : operations) {
    text << "{Operation::Kind::" << kKindNames[static_cast<std::size_t>(each.kind)] << ", " << unsigned{each.thread}
         << ", " << each.pick << ", " << each.number << "},\n";
  }
  return text.str();
}

AllocWorld::AllocWorld(Mode mode, const MapCapacities& capacities)
    : is_limited_(std::min({capacities.births, capacities.sites, capacities.chains, capacities.threads}) != SIZE_MAX),
      reference_(kernel_, mode),
      processes_{Process{100, 0x603020, 0x7ffff0000010, {}, {}}, Process{200, 0x603020, 0x7ffff0000010, {}, {}}} {
  kernel_.control.generation = 1;
  kernel_.control.armed = ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS;
  kernel_.control.mremap_min_bytes = kMremapMinBytes;
  std::iota(std::begin(kernel_.control.cost_ns), std::end(kernel_.control.cost_ns), 700u);
  kernel_.births.set_capacity(capacities.births);
  kernel_.sites.set_capacity(capacities.sites);
  kernel_.chains.set_capacity(capacities.chains);
  kernel_.threads.set_capacity(capacities.threads);
  for (const std::uint32_t tid : {101, 102, 201, 202}) {
    Process& process = processes_[tid / 100 - 1];
    actors_.push_back({{process.tgid, tid}, &process, SimulatedThread(kernel_, process.tgid, tid, mode), std::nullopt});
  }
}

void AllocWorld::perform(const Operation& operation) {
  Actor& actor = actors_[operation.thread % actors_.size()];
  switch (operation.kind) {
    case Kind::kMalloc:
    case Kind::kCalloc:
    case Kind::kPosixMemalign:
    case Kind::kMallocFails:
    case Kind::kReallocOfNull:
      return allocate(actor, operation);
    case Kind::kReallocMoves:
    case Kind::kReallocInPlace:
    case Kind::kReallocFails:
    case Kind::kReallocToNothing:
      return reallocate(actor, operation);
    case Kind::kFree:
    case Kind::kDelete:
    case Kind::kFreeOfNull:
    case Kind::kFreeOfOlder:
    case Kind::kFreeUnseen:
      return release(actor, operation);
    case Kind::kStartMalloc:
    case Kind::kStartRealloc:
      return start(actor, operation);
    case Kind::kFinish:
      return finish(actor);
    case Kind::kLongjmp:
      return unwind(actor);
    case Kind::kPassTime:
      kernel_.now_ns += operation.number % kPassMaxNs;
      return;
    case Kind::kArm:
      return arm(operation);
    case Kind::kNextBurst:
      return next_burst();
    case Kind::kCount:
      return;
  }
}

std::uint64_t AllocWorld::new_block(Process& process, const Operation& operation) {
  if (!process.freed.empty() && operation.pick % 2 == 0) {
    const std::uint64_t block = process.freed.back();
    process.freed.pop_back();
    return block;
  }
  if (bytes_of(operation) >= kMremapMinBytes)
    return std::exchange(process.next_mapped_block, process.next_mapped_block + (2 << 20));
  return std::exchange(process.next_block, process.next_block + 0x20);
}

std::optional<std::uint64_t> AllocWorld::take_block(Process& process, const Operation& operation) {
  if (process.blocks.empty()) return std::nullopt;
  const auto at = process.blocks.begin() + static_cast<std::ptrdiff_t>(operation.pick % process.blocks.size());
  const std::uint64_t block = *at;
  *at = process.blocks.back();
  process.blocks.pop_back();
  return block;
}

void AllocWorld::allocate(Actor& actor, const Operation& operation) {
  const Probed& probed = probed_of(operation.kind);
  const std::uint64_t bytes = bytes_of(operation), site = site_of(probed, operation);
  const bool is_inside = actor.thread.is_in_call();
  const std::uint64_t block = operation.kind == Kind::kMallocFails ? 0 : new_block(*actor.process, operation);
  SimulatedThread::Arguments arguments{bytes};
  if (probed.function == ALLOC_FN_COUNT_SIZE) arguments = {1, bytes};
  if (probed.function == ALLOC_FN_REALLOC) arguments = {0, bytes};
  if (probed.function == ALLOC_FN_OUT_ALIGN_SIZE) arguments = {kWhere, 64, bytes};
  if (probed.function == ALLOC_FN_OUT_ALIGN_SIZE) kernel_.memory[kWhere] = block;
  actor.thread.call(probed, arguments, probed.function == ALLOC_FN_OUT_ALIGN_SIZE ? 0 : block, site);
  reference_.end(reference_.begin(actor.id, bytes, 0, site), block);
  if (block != 0 && !is_inside) actor.process->blocks.push_back(block);
}

void AllocWorld::reallocate(Actor& actor, const Operation& operation) {
  const auto old_block = take_block(*actor.process, operation);
  if (!old_block) return;
  const std::uint64_t bytes = operation.kind == Kind::kReallocToNothing ? 0 : bytes_of(operation) + 1;
  std::uint64_t result = 0;
  if (operation.kind == Kind::kReallocInPlace) result = *old_block;
  if (operation.kind == Kind::kReallocMoves) result = new_block(*actor.process, operation);
  const std::uint64_t site = site_of(kRealloc, operation);
  actor.thread.call(kRealloc, {*old_block, bytes}, result, site);
  reference_.end(reference_.begin(actor.id, bytes, *old_block, site), result);
  if (operation.kind == Kind::kReallocFails) return actor.process->blocks.push_back(*old_block);
  if (result != 0) actor.process->blocks.push_back(result);
  if (result != *old_block) actor.process->freed.push_back(*old_block);
}

void AllocWorld::release(Actor& actor, const Operation& operation) {
  constexpr std::uint64_t kOlderBlocks = 0x555500000000;
  std::uint64_t block = 0;
  if (operation.kind == Kind::kFreeOfOlder) block = kOlderBlocks + operation.pick * 16;
  if (operation.kind != Kind::kFreeOfOlder && operation.kind != Kind::kFreeOfNull) {
    const auto taken = take_block(*actor.process, operation);
    if (!taken) return;
    block = *taken;
    actor.process->freed.push_back(block);
  }
  if (operation.kind == Kind::kFreeUnseen) return;  // through a function without a probe
  const Probed& probed = probed_of(operation.kind);
  actor.thread.enter(probed, {block}, site_of(probed, operation));
  if (operation.kind == Kind::kDelete) actor.thread.continue_in(kFree, {block});
  actor.thread.leave();
  reference_.free(actor.id, block, operation.kind == Kind::kDelete ? 1 : 0);
}

void AllocWorld::start(Actor& actor, const Operation& operation) {
  if (actor.started) return;
  const Probed& probed = probed_of(operation.kind);
  std::uint64_t old_block = 0;
  if (operation.kind == Kind::kStartRealloc) {
    const auto taken = take_block(*actor.process, operation);
    if (!taken) return;
    old_block = *taken;
  }
  const std::uint64_t bytes = bytes_of(operation) + 1, site = site_of(probed, operation);
  const std::uint64_t result = new_block(*actor.process, operation);
  if (old_block != 0) {
    actor.thread.enter(probed, {old_block, bytes}, site);
  } else {
    actor.thread.enter(probed, {bytes}, site);
  }
  actor.started = {probed, reference_.begin(actor.id, bytes, old_block, site), result};
  if (old_block != 0) actor.process->freed.push_back(old_block);  // another thread may be given it now
}

void AllocWorld::finish(Actor& actor) {
  if (!actor.started) return;
  actor.thread.leave(actor.started->result);
  reference_.end(actor.started->call, actor.started->result);
  actor.process->blocks.push_back(actor.started->result);
  actor.started.reset();
}

void AllocWorld::unwind(Actor& actor) {
  if (!actor.started) return;
  actor.thread.unwind();
  reference_.abandon(actor.started->call);
  actor.started.reset();
}

void AllocWorld::arm(const Operation& operation) {
  kernel_.control.armed = operation.number % 16;
  if (kernel_.control.armed == 0) kernel_.control.armed = ALLOC_ARMED_DEATHS;  // nothing is armed between bursts only
}

void AllocWorld::next_burst() {
  ++kernel_.control.generation;
  kernel_.counts = alloc_counts{};
  kernel_.births.clear();
  kernel_.sites.clear();
  kernel_.chains.clear();
  reference_.next_burst();
}

std::optional<std::string> AllocWorld::broken_promise() const {
  return is_limited_ ? unaccounted_birth() : unlike_the_reference();
}

std::optional<std::string> AllocWorld::unlike_the_reference() const {
  if (auto different = difference(reference_.counts(), kernel_.counts); !different.empty()) return different;
  if (kernel_.births.size() != reference_.alive().size()) return "births: another number of followed objects";
  for (const auto& [key, life] : kernel_.births) {
    const auto expected = reference_.alive().find({key.tgid, key.address});
    if (expected == reference_.alive().end()) return "births: an object that is not alive: " + describe(life);
    if (std::memcmp(&expected->second, &life, sizeof(life)) != 0) {
      return "births: expected " + describe(expected->second) + "; found " + describe(life);
    }
  }
  if (kernel_.sites.size() != reference_.sites().size()) return "sites: another number of them";
  for (const auto& [key, site] : kernel_.sites) {
    const auto expected = reference_.sites().find({static_cast<std::uint32_t>(key.generation), key.last});
    const AllocReference::Site found{site.calls, site.requested_bytes, site.births, site.short_lived};
    if (expected == reference_.sites().end() || expected->second != found) return "sites: another count";
  }
  if (kernel_.chains.size() != reference_.chains().size()) return "chains: another number of them";
  for (const auto& [key, chain] : kernel_.chains) {
    const auto expected = reference_.chains().find({static_cast<std::uint32_t>(key.site.generation), key.site.last});
    const AllocReference::Chain found{chain.chains, chain.steps, chain.copied_bytes};
    if (expected == reference_.chains().end() || expected->second != found) return "chains: another count";
  }
  return std::nullopt;
}

std::optional<std::string> AllocWorld::unaccounted_birth() const {
  const alloc_counts& counts = kernel_.counts;
  const std::uint64_t died = std::accumulate(std::begin(counts.died_ns), std::end(counts.died_ns), std::uint64_t{0});
  std::uint64_t being_moved = 0;
  for (const auto& [tid, thread] : kernel_.threads) {
    being_moved += thread.generation == kernel_.control.generation && thread.stack_pointer != 0 && thread.has_moved;
  }
  const std::uint64_t known = died + kernel_.births.size() + being_moved + counts.dropped[ALLOC_DROP_BIRTHS_FULL] +
                              counts.dropped[ALLOC_DROP_FREE_MISSED];
  if (known > counts.births) return "more ends than births";
  if (counts.births - known > counts.dropped[ALLOC_DROP_ABANDONED]) return "a birth without an end";
  if (counts.allocations > reference_.counts().allocations) return "an allocation that did not happen";
  if (counts.frees > reference_.counts().frees) return "a free that did not happen";
  if (counts.births > reference_.counts().births) return "a birth that did not happen";
  return std::nullopt;
}

}  // namespace poolscope::probes::test

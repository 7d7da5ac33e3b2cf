#include "probes/collectors/go_runtime.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/uio.h>

#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::probes {
namespace {

using Reason = GoRuntimeError::Reason;
using Words = std::array<__u64, GO_GC_WORDS>;

constexpr int kMaxLooks = 20;

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

GoRuntimeError from_places(const GcPlacesError& error) {
  const bool is_version = error.reason == GcPlacesError::Reason::kUnverifiedVersion;
  return {is_version ? Reason::kUnverifiedVersion : Reason::kNoVariables, error.detail};
}

GoRuntimeError from_errno(pid_t pid, int sys_errno) {
  const std::string what = "cannot read the memory of process " + std::to_string(pid) + ": " + strerror(sys_errno);
  if (sys_errno == ESRCH) return {Reason::kTargetGone, what};
  if (sys_errno == EPERM) return {Reason::kNotPermitted, what + "; needs the rights of ptrace, see `poolscope doctor`"};
  return {Reason::kInconsistent, what + ": the runtime's variables are not where they should be"};
}

// Places to copy from and to, in order.
struct Copy {
  std::vector<iovec> local, remote;
  std::size_t bytes = 0;

  void add(std::uint64_t address, void* into, std::size_t count) {
    local.push_back({into, count});
    remote.push_back({reinterpret_cast<void*>(address), count});
    bytes += count;
  }
  void add_words(const go_gc_plan& plan, Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (plan.word_addresses[i] != 0) add(plan.word_addresses[i], &words[i], sizeof words[i]);
    }
  }
};

std::uint64_t missing_words(const go_gc_plan& plan) {
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < GO_GC_WORDS; ++i) {
    if (plan.word_addresses[i] == 0) missing |= std::uint64_t{1} << i;
  }
  return missing;
}

GcBooks books_of(const go_gc_cycle& cycle) {
  return GcBooks(cycle.words, cycle.missing);
}

}  // namespace

std::string reason_label(GoRuntimeError::Reason reason) {
  switch (reason) {
    case Reason::kUnverifiedVersion:
      return "unverified_version";
    case Reason::kNoVariables:
      return "no_variables";
    case Reason::kInconsistent:
      return "inconsistent";
    case Reason::kTargetGone:
      return "no_such_process";
    case Reason::kNotPermitted:
      return "not_permitted";
  }
  std::abort();
}

Result<std::unique_ptr<GoRuntime>, GoRuntimeError> GoRuntime::start(const model::ProcessKey& key,
                                                                    const LoadedObject& object,
                                                                    const go::GoProgram& program,
                                                                    std::optional<GcProbing> probing) {
  auto places = find_gc_places(program);
  if (!places) return Failure{from_places(places.error())};
  std::unique_ptr<GoRuntime> runtime(new GoRuntime(key, *places, object.bias));
  const auto look = runtime->look_until_it_fits();
  if (!look) return Failure{look.error()};
  if (!look->allocations) {
    return Failure{GoRuntimeError{Reason::kInconsistent, "the runtime of " + object.file->display_name() +
                                                             " gives two different sums of what it allocated: it "
                                                             "was changed, or this is another layout"}};
  }
  runtime->begin(*look);
  if (!probing) {
    runtime->limits_.push_back("sums per cycle: cycles are not probed");
  } else if (places->cycle_end) {
    runtime->watch_cycles(object, *places, *probing);
  }
  return runtime;
}

GoRuntime::GoRuntime(const model::ProcessKey& key, const GcPlaces& places, std::uint64_t bias)
    : key_(key), heap_layout_(places.layout.heap), limits_(places.absent) {
  for (std::size_t i = 0; i < GO_GC_WORDS; ++i) {
    const auto& base = places.variables[static_cast<std::size_t>(gc_word_fields()[i].variable)];
    if (base) plan_.word_addresses[i] = *base + bias + places.layout.word_offsets[i];
  }
  plan_.heap_address = *places.variables[static_cast<std::size_t>(GcVariable::kMemstats)] + bias + heap_layout_.offset;
  plan_.heap_bytes = heap_layout_.total_bytes();
}

GoRuntime::~GoRuntime() {
  if (links_.empty()) return;
  probing_->detacher.detach(std::move(links_));
  probing_->programs.forget(key_.pid);
}

void GoRuntime::watch_cycles(const LoadedObject& object, const GcPlaces& places, const GcProbing& probing) {
  const std::string what = object.file->display_name() + ":runtime.gcMarkTermination";
  auto links = probing.programs.watch(key_.pid, plan_, object.open_path, places.cycle_end->file_offset, what);
  if (!links) {
    limits_.push_back("sums per cycle: " + describe(links.error()));
    return;
  }
  probing_.emplace(probing);
  links_ = std::move(*links);
}

// The words are read before and after the large copy: what was allocated by then lies between.
Result<GoRuntime::Look, GoRuntimeError> GoRuntime::look() const {
  Words before{}, after{};
  std::vector<std::byte> heap(plan_.heap_bytes);
  Copy copy;
  copy.add_words(plan_, before);
  copy.add(plan_.heap_address, heap.data(), heap.size());
  copy.add_words(plan_, after);
  const ssize_t got =
      process_vm_readv(key_.pid, copy.local.data(), copy.local.size(), copy.remote.data(), copy.remote.size(), 0);
  if (got < 0) return Failure{from_errno(key_.pid, errno)};
  if (static_cast<std::size_t>(got) != copy.bytes) return Failure{from_errno(key_.pid, EFAULT)};
  Look result{GcBooks(after, missing_words(plan_)), sum_allocations(heap_layout_, heap)};
  const bool fits = result.allocations && result.allocations->bytes >= before[GO_GC_ALLOCATED_BYTES] &&
                    result.allocations->bytes <= after[GO_GC_ALLOCATED_BYTES];
  if (!fits) result.allocations.reset();
  return result;
}

// The program goes on while it is read: the sums may be caught between two of its steps.
Result<GoRuntime::Look, GoRuntimeError> GoRuntime::look_until_it_fits() const {
  for (int looks = 1;; ++looks) {
    auto result = look();
    if (!result || result->allocations || looks == kMaxLooks) return result;
  }
}

// `look` fits: what a later one would leave out of the life before could not be told from what is new.
void GoRuntime::begin(const Look& look) {
  last_read_ns_ = process::monotonic_ns();
  last_cpu_ns_ = process::cpu_time_ns(key_.pid);
  life_.emplace();
  life_->process = key_;
  life_->start_ns = last_read_ns_;
  count(look, life_->counted);
  life_->heap = heap_of(last_books_);
}

model::GcRecord GoRuntime::read() {
  model::GcRecord record;
  record.process = key_;
  record.cycles_are_watched = cycles_are_watched();
  GoGcPrograms::Cycles taken;
  if (record.cycles_are_watched) taken = probing_->programs.take(key_.pid);
  add_cycles(taken, record);
  const std::uint64_t now_ns = process::monotonic_ns();
  const auto cpu_ns = process::cpu_time_ns(key_.pid);
  const Look now = latest(taken);
  count(now, record.counted);
  record.heap = heap_of(last_books_);
  record.start_ns = last_read_ns_;
  record.length_ns = now_ns - record.start_ns;
  if (cpu_ns && last_cpu_ns_) record.cpu_ns = growth(*last_cpu_ns_, *cpu_ns);
  last_read_ns_ = now_ns;
  if (cpu_ns) last_cpu_ns_ = cpu_ns;
  return record;
}

void GoRuntime::add_cycles(const GoGcPrograms::Cycles& taken, model::GcRecord& record) {
  for (const go_gc_cycle& cycle : taken.cycles) add_cycle(books_of(cycle), record);
  record.probe_hits = growth(last_hits_, taken.hits);
  record.charge_ns = growth(last_copy_ns_, taken.copy_ns);
  if (probing_) record.charge_ns += record.probe_hits * probing_->trap_cost_ns;
  last_hits_ = std::max(last_hits_, taken.hits);
  last_copy_ns_ = std::max(last_copy_ns_, taken.copy_ns);
}

void GoRuntime::add_cycle(const GcBooks& cycle, model::GcRecord& record) {
  const auto number = cycle.get(GO_GC_CYCLES), marked = cycle.get(GO_GC_MARKED_BYTES),
             allocated = cycle.get(GO_GC_ALLOCATED_BYTES);
  if (!number || !marked || !allocated) {
    ++record.dropped_cycles;  // the page was not in memory
    return;
  }
  // links of an earlier GoRuntime that are still being taken away report the same cycle again
  if (last_cycle_ && *number <= last_cycle_->get_or_0(GO_GC_CYCLES)) return;
  model::GcCycles& sums = record.watched;
  ++sums.cycles;
  sums.assist_ns += cycle.get_or_0(GO_GC_ASSIST_NS);
  sums.idle_mark_ns += cycle.get_or_0(GO_GC_IDLE_NS);
  const auto before = std::exchange(last_cycle_, cycle);
  if (!before) return;
  const std::uint64_t between = *number - before->get_or_0(GO_GC_CYCLES) - 1;
  record.dropped_cycles += between;
  if (between != 0) return;
  const std::uint64_t fresh = growth(before->get_or_0(GO_GC_ALLOCATED_BYTES), *allocated);
  ++sums.followed_cycles;
  sums.allocated_bytes += fresh;
  sums.survived_bytes_at_least += std::min(fresh, growth(before->get_or_0(GO_GC_MARKED_BYTES), *marked));
  sums.survived_bytes_at_most += std::min(fresh, *marked);
}

// From memory; of a process that is gone, from its last cycle.
GoRuntime::Look GoRuntime::latest(const GoGcPrograms::Cycles& taken) {
  // another process may have got its pid
  if (process::is_alive(key_)) {
    if (auto now = look_until_it_fits()) return *now;
  }
  Look last{last_books_, std::nullopt};
  if (taken.cycles.empty()) return last;
  last.books = books_of(taken.cycles.back());
  if (taken.heap_cycles == taken.cycles.size()) {
    last.allocations = sum_allocations(heap_layout_, taken.heap);
    // the world stood still: both sums are of one moment
    if (last.allocations && last.allocations->bytes != last.books.get(GO_GC_ALLOCATED_BYTES)) last.allocations.reset();
  }
  return last;
}

void GoRuntime::count(const Look& now, model::GcCounters& counted) {
  const auto added = [&](go_gc_word word) { return growth(last_books_.get_or_0(word), now.books.get_or_0(word)); };
  counted.cycles = added(GO_GC_CYCLES);
  counted.forced_cycles = added(GO_GC_FORCED_CYCLES);
  counted.pause_ns = added(GO_GC_PAUSE_NS);
  counted.allocated_bytes = added(GO_GC_ALLOCATED_BYTES);
  counted.freed_bytes = added(GO_GC_FREED_BYTES);
  if (now.books.get(GO_GC_CPU_NS)) counted.gc_cpu_ns = added(GO_GC_CPU_NS);
  last_books_ = now.books;
  if (!now.allocations) return;  // caught between two steps: the next record makes up for it
  counted.bytes_of_objects = growth(last_allocations_.bytes, now.allocations->bytes);
  counted.allocated_objects = growth(last_allocations_.objects, now.allocations->objects);
  for (const auto& [bytes, objects] : now.allocations->objects_by_class) {
    const std::uint64_t more = growth(last_allocations_.objects_by_class[bytes], objects);
    if (more != 0) counted.allocated_objects_by_class[bytes] = more;
  }
  last_allocations_ = *now.allocations;
}

}  // namespace poolscope::probes

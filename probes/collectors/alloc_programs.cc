#include "probes/collectors/alloc_programs.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc_burst.skel.h"

namespace poolscope::probes {

using attach::AttachError;
using attach::AttachMethod;
using attach::ProbeKind;

namespace {

static_assert(sizeof(birth_key) == 16 && sizeof(birth) == 64 && sizeof(site_key) == 24 && sizeof(step) == 16);
static_assert(sizeof(alloc_control) % 64 == 0 || sizeof(alloc_control) % 8 == 0, "array elements are 8-byte aligned");

AttachError load_error(const char* cause, int result) {
  return attach::from_errno("the allocation probes", cause, result < 0 ? -result : errno);
}

void set_types(alloc_burst& skeleton, ProgramMode mode) {
  const bool session = mode == ProgramMode::kSession;
  bpf_program__set_autoload(skeleton.progs.life_session, session);
  bpf_program__set_autoload(skeleton.progs.life_entry_only, !session);
  bpf_program__set_autoload(skeleton.progs.life_return_only, !session);
  if (mode == ProgramMode::kPerfPair) return;
  const auto multi = static_cast<bpf_attach_type>(attach::kAttachTypeUprobeMulti);
  for (auto* program : {skeleton.progs.rate_entry, skeleton.progs.free_entry, skeleton.progs.life_entry_only,
                        skeleton.progs.life_return_only}) {
    bpf_program__set_expected_attach_type(program, multi);
  }
  bpf_program__set_expected_attach_type(skeleton.progs.life_session,
                                        static_cast<bpf_attach_type>(attach::kAttachTypeUprobeSession));
}

// libbpf prints load failures at length; the caller gets one sentence instead.
int print_nothing(libbpf_print_level, const char*, va_list) {
  return 0;
}

template <typename Key, typename Visit>
void for_each_key(int map_fd, Visit visit) {
  Key key{}, next{};
  const void* previous = nullptr;
  std::vector<Key> keys;
  constexpr std::size_t kMaxKeys =
      4u << 20;  // no map of ours is larger; bounds the walk of a map that changes under it
  while (keys.size() < kMaxKeys && bpf_map_get_next_key(map_fd, previous, &next) == 0) {
    keys.push_back(next);
    key = next;
    previous = &key;
  }
  for (const auto& each : keys) visit(each);
}

}  // namespace

const char* name_of(ProgramMode mode) {
  switch (mode) {
    case ProgramMode::kSession:
      return "uprobe.multi with session links";
    case ProgramMode::kMultiPair:
      return "uprobe.multi with return probes";
    case ProgramMode::kPerfPair:
      return "perf uprobes";
  }
  return "?";
}

Result<std::unique_ptr<AllocPrograms>, AttachError> AllocPrograms::load(const LoadOptions& options) {
  std::unique_ptr<AllocPrograms> programs(new AllocPrograms(options));
  if (auto error = programs->open_and_load()) return Failure{*error};
  if (auto error = programs->map_controls()) return Failure{*error};
  return programs;
}

AllocPrograms::~AllocPrograms() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
  if (skeleton_ != nullptr) alloc_burst__destroy(skeleton_);
}

std::optional<AttachError> AllocPrograms::open_and_load() {
  libbpf_set_print(std::getenv("POOLSCOPE_DEBUG_LIBBPF") != nullptr ? nullptr : print_nothing);
  skeleton_ = alloc_burst__open();
  if (skeleton_ == nullptr) return load_error("opening the BPF object", -errno);
  set_types(*skeleton_, options_.mode);
  bpf_program__set_autoload(skeleton_->progs.on_fork, options_.watch_forks);
  bpf_program__set_autoload(skeleton_->progs.on_exec, options_.watch_forks);
  bpf_map__set_max_entries(skeleton_->maps.births, options_.max_births);
  bpf_map__set_max_entries(skeleton_->maps.sites, options_.max_sites);
  bpf_map__set_max_entries(skeleton_->maps.threads, options_.max_threads);
  if (const int result = alloc_burst__load(skeleton_)) return load_error("loading the BPF programs", result);
  if (!options_.watch_forks) return std::nullopt;
  skeleton_->links.on_fork = bpf_program__attach(skeleton_->progs.on_fork);
  if (skeleton_->links.on_fork == nullptr) return load_error("watching forks", -errno);
  skeleton_->links.on_exec = bpf_program__attach(skeleton_->progs.on_exec);
  if (skeleton_->links.on_exec == nullptr) return load_error("watching execs", -errno);
  return std::nullopt;
}

std::optional<AttachError> AllocPrograms::map_controls() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mapping_bytes_ = (sizeof(alloc_control) * ALLOC_SLOTS + page - 1) / page * page;
  void* address =
      mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skeleton_->maps.control), 0);
  if (address == MAP_FAILED) return load_error("mapping the control map", -errno);
  mapping_ = address;
  auto* first = static_cast<alloc_control*>(address);
  for (std::uint32_t slot = 0; slot < ALLOC_SLOTS; ++slot) controls_[slot] = first + slot;
  return std::nullopt;
}

std::optional<std::uint32_t> AllocPrograms::acquire_slot() {
  for (std::uint32_t slot = 0; slot < ALLOC_SLOTS; ++slot) {
    if (busy_[slot].exchange(true, std::memory_order_acquire)) continue;
    clear_slot(slot);
    return slot;
  }
  return std::nullopt;
}

// Release: the worker's close of the links happens before the next burst clears the slot.
void AllocPrograms::release_slot(std::uint32_t slot) {
  busy_[slot].store(false, std::memory_order_release);
}

void AllocPrograms::clear_slot(std::uint32_t slot) {
  *controls_[slot] = alloc_control{};
  controls_[slot]->generation = ++generation_;
  const std::vector<alloc_counts> zero(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  bpf_map_update_elem(bpf_map__fd(skeleton_->maps.counts), &slot, zero.data(), BPF_ANY);
  clear_steps(slot);
  clear_code();
}

void AllocPrograms::clear_code() {
  const int fd = bpf_map__fd(skeleton_->maps.code_ranges);
  for_each_key<std::uint32_t>(fd, [fd](std::uint32_t tgid) { bpf_map_delete_elem(fd, &tgid); });
}

// Threads of a finished burst; the other slot's burst, which is detaching, has no calls in flight that still count.
void AllocPrograms::clear_threads() {
  const int fd = bpf_map__fd(skeleton_->maps.threads);
  for_each_key<std::uint32_t>(fd, [fd](std::uint32_t tid) { bpf_map_delete_elem(fd, &tid); });
}

Result<attach::UprobeLinks, AttachError> AllocPrograms::attach(Probes probes, pid_t pid, const std::string& path,
                                                               const std::vector<attach::ProbeSite>& sites,
                                                               const std::string& what) {
  const auto method = options_.mode == ProgramMode::kPerfPair ? AttachMethod::kPerfEvent : AttachMethod::kUprobeMulti;
  const auto fd_of = [](const bpf_program* program) { return bpf_program__fd(program); };
  if (probes == Probes::kRate)
    return attach_uprobes(method, ProbeKind::kEntry, fd_of(skeleton_->progs.rate_entry), pid, path, sites, what);
  if (probes == Probes::kFree)
    return attach_uprobes(method, ProbeKind::kEntry, fd_of(skeleton_->progs.free_entry), pid, path, sites, what);
  if (options_.mode == ProgramMode::kSession) {
    return attach_uprobes(method, ProbeKind::kSession, fd_of(skeleton_->progs.life_session), pid, path, sites, what);
  }
  auto returns =
      attach_uprobes(method, ProbeKind::kReturn, fd_of(skeleton_->progs.life_return_only), pid, path, sites, what);
  if (!returns) return returns;
  auto entries =
      attach_uprobes(method, ProbeKind::kEntry, fd_of(skeleton_->progs.life_entry_only), pid, path, sites, what);
  if (!entries) return entries;
  for (auto& link : *returns) entries->push_back(std::move(link));
  return entries;
}

attach::OpenWay AllocPrograms::open_way() {
  const auto method = options_.mode == ProgramMode::kPerfPair ? AttachMethod::kPerfEvent : AttachMethod::kUprobeMulti;
  attach::OpenWay way(method, bpf_program__fd(skeleton_->progs.free_entry));
  way.wait_for_random_moment(random_);
  return way;
}

alloc_counts AllocPrograms::read_counts(std::uint32_t slot) const {
  std::vector<alloc_counts> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  alloc_counts sum{};
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counts), &slot, per_cpu.data()) != 0) return sum;
  constexpr std::size_t kWords = sizeof(alloc_counts) / sizeof(__u64);
  static_assert(sizeof(alloc_counts) % sizeof(__u64) == 0, "alloc_counts is a row of 64-bit sums");
  auto* total = reinterpret_cast<__u64*>(&sum);
  for (const auto& cpu : per_cpu) {
    const auto* row = reinterpret_cast<const __u64*>(&cpu);
    for (std::size_t i = 0; i < kWords; ++i) total[i] += row[i];
  }
  return sum;
}

AllocResults AllocPrograms::collect(std::uint32_t slot, bool remove) const {
  AllocResults results;
  results.counts = read_counts(slot);
  const std::uint64_t generation = controls_[slot]->generation;
  const int sites_fd = bpf_map__fd(skeleton_->maps.sites), chains_fd = bpf_map__fd(skeleton_->maps.chains),
            births_fd = bpf_map__fd(skeleton_->maps.births);
  for_each_key<site_key>(sites_fd, [&](const site_key& key) {
    site value{};
    if (key.generation >> 32 == generation && bpf_map_lookup_elem(sites_fd, &key, &value) == 0)
      results.sites.emplace_back(key, value);
    if (remove) bpf_map_delete_elem(sites_fd, &key);
  });
  for_each_key<chain_key>(chains_fd, [&](const chain_key& key) {
    chain value{};
    if (key.site.generation >> 32 == generation && bpf_map_lookup_elem(chains_fd, &key, &value) == 0)
      results.chains.emplace_back(key, value);
    if (remove) bpf_map_delete_elem(chains_fd, &key);
  });
  for_each_key<birth_key>(births_fd, [&](const birth_key& key) {
    birth value{};
    const bool ours = key.generation == static_cast<std::uint32_t>(generation);
    if (ours && bpf_map_lookup_elem(births_fd, &key, &value) == 0) results.alive.push_back(value);
    if (remove) bpf_map_delete_elem(births_fd, &key);
  });
  const int threads_fd = bpf_map__fd(skeleton_->maps.threads);
  for (const birth& alive : results.alive) {
    thread_state thread{};
    const auto [found, is_new] = results.thread_charge_ns.try_emplace(alive.tid, 0);
    if (is_new && bpf_map_lookup_elem(threads_fd, &alive.tid, &thread) == 0 && thread.generation == generation) {
      found->second = thread.charge_ns;
    }
  }
  return results;
}

AllocResults AllocPrograms::take_results(std::uint32_t slot) {
  AllocResults results = collect(slot, true);
  clear_threads();
  return results;
}

AllocResults AllocPrograms::peek_results(std::uint32_t slot) const {
  return collect(slot, false);
}

void AllocPrograms::set_step(std::uint32_t slot, std::uint64_t address, const step& row) {
  const step_key key{address, slot};
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.steps), &key, &row, BPF_ANY) == 0)
    steps_.emplace_back(slot, address);
}

bool AllocPrograms::set_code(std::uint32_t tgid, const alloc_code& code) {
  return bpf_map_update_elem(bpf_map__fd(skeleton_->maps.code_ranges), &tgid, &code, BPF_ANY) == 0;
}

void AllocPrograms::clear_steps(std::uint32_t slot) {
  std::erase_if(steps_, [&](const auto& entry) {
    if (entry.first != slot) return false;
    const step_key key{entry.second, slot};
    bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.steps), &key);
    return true;
  });
}

}  // namespace poolscope::probes

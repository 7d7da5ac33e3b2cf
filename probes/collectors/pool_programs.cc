#include "probes/collectors/pool_programs.h"

#include <cerrno>
#include <map>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool_events.skel.h"

namespace poolscope::probes {

using attach::AttachError;
using attach::ProbeKind;

namespace {

static_assert(sizeof(pool_control) % 8 == 0, "array elements are 8-byte aligned");
static_assert(sizeof(pool_key) == 16 && sizeof(pool_object_key) == 16 && sizeof(pool_object) == 32);

AttachError load_error(const char* cause, int result) {
  return attach::from_errno("the pool probes", cause, result < 0 ? -result : errno);
}

// The keys of a map that programs may change meanwhile.
template <typename Key>
std::vector<Key> keys_of(int map_fd) {
  constexpr std::size_t kMaxKeys = 1u << 16;  // more than any map here holds
  std::vector<Key> keys;
  Key key{}, next{};
  const void* previous = nullptr;
  while (keys.size() < kMaxKeys && bpf_map_get_next_key(map_fd, previous, &next) == 0) {
    keys.push_back(next);
    key = next;
    previous = &key;
  }
  return keys;
}

}  // namespace

Result<std::unique_ptr<PoolPrograms>, AttachError> PoolPrograms::load(attach::AttachMethod method,
                                                                      attach::Detacher& detacher) {
  std::unique_ptr<PoolPrograms> programs(new PoolPrograms(method, detacher));
  if (auto error = programs->open_and_load()) return Failure{*error};
  if (auto error = programs->map_controls()) return Failure{*error};
  return programs;
}

PoolPrograms::~PoolPrograms() {
  detacher_.wait_idle();  // slots are given back by its worker
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
  if (skeleton_ != nullptr) pool_events__destroy(skeleton_);
}

std::optional<AttachError> PoolPrograms::open_and_load() {
  skeleton_ = pool_events__open();
  if (skeleton_ == nullptr) return load_error("opening the BPF object", -errno);
  if (method_ == attach::AttachMethod::kUprobeMulti) {
    const auto multi = static_cast<bpf_attach_type>(attach::kAttachTypeUprobeMulti);
    bpf_program__set_expected_attach_type(skeleton_->progs.pool_hit, multi);
    bpf_program__set_expected_attach_type(skeleton_->progs.pool_cleanup, multi);
  }
  if (const int result = pool_events__load(skeleton_)) return load_error("loading the BPF programs", result);
  skeleton_->links.on_pool_fork = bpf_program__attach(skeleton_->progs.on_pool_fork);
  if (skeleton_->links.on_pool_fork == nullptr) return load_error("watching forks", -errno);
  return std::nullopt;
}

std::optional<AttachError> PoolPrograms::map_controls() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mapping_bytes_ = (sizeof(pool_control) * POOL_SLOTS + page - 1) / page * page;
  void* address =
      mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skeleton_->maps.pool_controls), 0);
  if (address == MAP_FAILED) return load_error("mapping the control map", -errno);
  mapping_ = address;
  auto* first = static_cast<pool_control*>(address);
  for (std::uint32_t slot = 0; slot < POOL_SLOTS; ++slot) controls_[slot] = first + slot;
  return std::nullopt;
}

std::optional<PoolSlot> PoolPrograms::acquire(std::uint32_t tgid) {
  for (std::uint32_t slot = 0; slot < POOL_SLOTS; ++slot) {
    if (busy_[slot].exchange(true, std::memory_order_acquire)) continue;
    clear(slot);
    controls_[slot]->tgid = tgid;
    return PoolSlot(*this, slot);
  }
  return std::nullopt;
}

// What the last use left behind; its programs are gone.
void PoolPrograms::clear(std::uint32_t slot) {
  const int sums = bpf_map__fd(skeleton_->maps.pool_sums), objects = bpf_map__fd(skeleton_->maps.pool_objects);
  for (const auto& key : keys_of<pool_key>(sums)) {
    if (key.slot == slot) bpf_map_delete_elem(sums, &key);
  }
  const auto generation = static_cast<std::uint32_t>(controls_[slot]->generation);
  for (const auto& key : keys_of<pool_object_key>(objects)) {
    if (key.generation == generation) bpf_map_delete_elem(objects, &key);
  }
  *controls_[slot] = pool_control{};
  controls_[slot]->generation = ++generation_;
}

std::optional<std::uint32_t> PoolPrograms::take_point(const pool_point& point) {
  for (std::uint32_t index = 0; index < POOL_POINTS; ++index) {
    if (point_taken_[index].exchange(true, std::memory_order_acquire)) continue;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.points), &index, &point, BPF_ANY) == 0) return index;
    point_taken_[index].store(false, std::memory_order_release);
    return std::nullopt;
  }
  return std::nullopt;
}

void PoolPrograms::release(std::uint32_t slot, const std::vector<std::uint32_t>& points) {
  for (const std::uint32_t index : points) point_taken_[index].store(false, std::memory_order_release);
  busy_[slot].store(false, std::memory_order_release);
}

bool PoolPrograms::set_element(const pool_type_key& type, const pool_element& element) {
  return bpf_map_update_elem(bpf_map__fd(skeleton_->maps.pool_elements), &type, &element, BPF_ANY) == 0;
}

PoolSlot::PoolSlot(PoolSlot&& other) noexcept
    : programs_(std::exchange(other.programs_, nullptr)),
      slot_(other.slot_),
      links_(std::move(other.links_)),
      points_(std::move(other.points_)) {}

PoolSlot::~PoolSlot() {
  if (programs_ == nullptr) return;
  __atomic_store_n(&control().armed, 0u, __ATOMIC_RELEASE);
  programs_->detacher_.detach(std::move(links_), [programs = programs_, slot = slot_, points = std::move(points_)] {
    programs->release(slot, points);
  });
}

std::optional<AttachError> PoolSlot::attach(const std::vector<PoolSite>& sites) {
  struct Group {
    std::string object;
    std::vector<attach::ProbeSite> sites;
  };
  std::map<std::pair<bool, std::string>, Group> groups;  // by program and file
  for (const auto& site : sites) {
    const auto point = programs_->take_point(site.point);
    if (!point) return attach::from_errno(site.object, "all probe points for pools are taken", ENOSPC);
    points_.push_back(*point);
    Group& group = groups[{site.point.role == POOL_ROLE_CLEANUP, site.open_path}];
    group.object = site.object;
    group.sites.push_back({site.file_offset, slot_ | static_cast<std::uint64_t>(*point) << 32});
  }
  const auto& programs = programs_->skeleton_->progs;
  for (const auto& [key, group] : groups) {
    const int fd = bpf_program__fd(key.first ? programs.pool_cleanup : programs.pool_hit);
    auto links = attach::attach_uprobes(programs_->method_, ProbeKind::kEntry, fd, static_cast<pid_t>(control().tgid),
                                        key.second, group.sites, group.object);
    if (!links) return links.error();
    for (auto& link : *links) links_.push_back(std::move(link));
  }
  return std::nullopt;
}

PoolResults PoolSlot::read() const {
  PoolResults results;
  const auto& maps = programs_->skeleton_->maps;
  const int sums = bpf_map__fd(maps.pool_sums), objects = bpf_map__fd(maps.pool_objects);
  for (const auto& key : keys_of<pool_key>(sums)) {
    pool_sums value{};
    if (key.slot == slot_ && bpf_map_lookup_elem(sums, &key, &value) == 0) results.sums.emplace_back(key, value);
  }
  if (!control().follows_objects) return results;
  for (const auto& key : keys_of<pool_object_key>(objects)) {
    pool_object value{};
    const bool ours = key.generation == static_cast<std::uint32_t>(control().generation) &&
                      key.collections == static_cast<std::uint32_t>(control().collections);
    if (ours && bpf_map_lookup_elem(objects, &key, &value) == 0) results.objects.push_back(value);
  }
  return results;
}

}  // namespace poolscope::probes

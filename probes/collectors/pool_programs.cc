#include "probes/collectors/pool_programs.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>
#include <tuple>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool_events.skel.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::probes {

using attach::AttachError;
using attach::ProbeKind;

namespace {

static_assert(sizeof(pool_control) % 8 == 0, "array elements are 8-byte aligned");
static_assert(sizeof(pool_order_event) == 56 && sizeof(growth_event) == 80, "as the BPF programs write them");
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

// What a slot that was given back left in a ring belongs to nobody.
template <typename Event>
void keep_event(const Event& event, std::map<std::uint32_t, std::vector<Event>>& by_generation) {
  const auto found = by_generation.find(event.generation);
  if (found != by_generation.end()) found->second.push_back(event);
}

bool is_growth(__u32 role) {
  return role == POOL_ROLE_GROWTH_CALL || role == POOL_ROLE_GROWTH_COPY;
}

}  // namespace

Result<std::unique_ptr<PoolPrograms>, AttachError> PoolPrograms::load(attach::AttachMethod method,
                                                                      attach::Detacher& detacher,
                                                                      std::uint32_t order_bytes) {
  std::unique_ptr<PoolPrograms> programs(new PoolPrograms(method, detacher));
  if (auto error = programs->open_and_load(order_bytes)) return Failure{*error};
  if (auto error = programs->map_controls()) return Failure{*error};
  return programs;
}

PoolPrograms::~PoolPrograms() {
  detacher_.wait_idle();  // slots are given back by its worker
  ring_buffer__free(ring_);
  ring_buffer__free(stops_);
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
  if (skeleton_ != nullptr) pool_events__destroy(skeleton_);
}

std::optional<AttachError> PoolPrograms::open_and_load(std::uint32_t order_bytes) {
  skeleton_ = pool_events__open();
  if (skeleton_ == nullptr) return load_error("opening the BPF object", -errno);
  bpf_map__set_max_entries(skeleton_->maps.pool_order, order_bytes);
  bpf_map__set_max_entries(skeleton_->maps.growths, order_bytes);
  if (method_ == attach::AttachMethod::kUprobeMulti) {
    const auto multi = static_cast<bpf_attach_type>(attach::kAttachTypeUprobeMulti);
    bpf_program__set_expected_attach_type(skeleton_->progs.pool_hit, multi);
    bpf_program__set_expected_attach_type(skeleton_->progs.pool_cleanup, multi);
    bpf_program__set_expected_attach_type(skeleton_->progs.growth_hit, multi);
  }
  if (const int result = pool_events__load(skeleton_)) return load_error("loading the BPF programs", result);
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.pool_order), &PoolPrograms::keep_ordered, this, nullptr);
  if (ring_ == nullptr) return load_error("mapping the ring of events", -errno);
  const int growths = bpf_map__fd(skeleton_->maps.growths);
  if (const int result = ring_buffer__add(ring_, growths, &PoolPrograms::keep_growth, this)) {
    return load_error("mapping the ring of growths", result);
  }
  const auto ignore = [](void*, void*, std::size_t) { return 0; };  // that there is one says everything
  stops_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.stops), ignore, nullptr, nullptr);
  if (stops_ == nullptr) return load_error("mapping the ring of stops", -errno);
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
  const int calls = bpf_map__fd(skeleton_->maps.growth_calls);
  for (const auto& key : keys_of<growth_key>(calls)) {
    if (key.generation == generation) bpf_map_delete_elem(calls, &key);
  }
  order_.erase(generation);
  growths_.erase(generation);
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
      way_(std::exchange(other.way_, std::nullopt)),
      points_(std::move(other.points_)) {}

PoolSlot::~PoolSlot() {
  if (programs_ == nullptr) return;
  __atomic_store_n(&control().armed, 0u, __ATOMIC_RELEASE);
  programs_->detacher_.detach(take_links(), [programs = programs_, slot = slot_, points = std::move(points_)] {
    programs->release(slot, points);
  });
}

void PoolSlot::detach() {
  __atomic_store_n(&control().armed, 0u, __ATOMIC_RELEASE);
  programs_->detacher_.detach(take_links());
}

attach::UprobeLinks PoolSlot::take_links() {
  attach::UprobeLinks all = std::exchange(links_, {});
  if (way_) {
    for (auto& link : way_->take_links()) all.push_back(std::move(link));
  }
  return all;
}

void PoolSlot::wait_for_random_moment() {
  way_.emplace(programs_->method_, bpf_program__fd(programs_->skeleton_->progs.pool_cleanup));
  way_->wait_for_random_moment(programs_->random_);
}

void PoolSlot::keep_way_open() {
  if (way_) way_->keep_open();
}

std::optional<AttachError> PoolSlot::attach(const std::vector<PoolSite>& sites) {
  struct Group {
    std::string object;
    std::vector<attach::ProbeSite> sites;
  };
  const auto& programs = programs_->skeleton_->progs;
  // By program and file: rare events first, because attaching takes 10 ms, and those attached before are paid meanwhile.
  const auto is_rare = [](const PoolSite& site) { return site.point.role == POOL_ROLE_CLEANUP; };
  std::map<std::tuple<bool, int, std::string>, Group> groups;
  for (const auto& site : sites) {
    const auto point = programs_->take_point(site.point);
    if (!point) return attach::from_errno(site.object, "all probe points for pools are taken", ENOSPC);
    points_.push_back(*point);
    const bpf_program* program = site.point.role == POOL_ROLE_CLEANUP ? programs.pool_cleanup
                                 : is_growth(site.point.role)         ? programs.growth_hit
                                                                      : programs.pool_hit;
    Group& group = groups[{!is_rare(site), bpf_program__fd(program), site.open_path}];
    group.object = site.object;
    group.sites.push_back({site.file_offset, slot_ | static_cast<std::uint64_t>(*point) << 32});
  }
  for (const auto& [key, group] : groups) {
    const auto& [is_frequent, program_fd, open_path] = key;
    auto links = attach::attach_uprobes(programs_->method_, ProbeKind::kEntry, program_fd,
                                        static_cast<pid_t>(control().tgid), open_path, group.sites, group.object);
    if (!links) return links.error();
    for (auto& link : *links) links_.push_back(std::move(link));
  }
  return std::nullopt;
}

int PoolPrograms::keep_ordered(void* self, void* data, std::size_t bytes) {
  if (bytes >= sizeof(pool_order_event)) {
    keep_event(*static_cast<const pool_order_event*>(data), static_cast<PoolPrograms*>(self)->order_);
  }
  return 0;
}

int PoolPrograms::keep_growth(void* self, void* data, std::size_t bytes) {
  if (bytes >= sizeof(growth_event)) {
    keep_event(*static_cast<const growth_event*>(data), static_cast<PoolPrograms*>(self)->growths_);
  }
  return 0;
}

void PoolPrograms::consume_rings() {
  (void)ring_buffer__consume(ring_);
}

bool PoolPrograms::sleep_until_stop(std::uint64_t when_ns) {
  const std::uint64_t now_ns = process::monotonic_ns();
  const std::uint64_t left_ns = when_ns - std::min(now_ns, when_ns);
  timespec left{};
  left.tv_sec = static_cast<time_t>(left_ns / 1'000'000'000u);
  left.tv_nsec = static_cast<long>(left_ns % 1'000'000'000u);
  pollfd ring{bpf_map__fd(skeleton_->maps.stops), POLLIN, 0};
  (void)ppoll(&ring, 1, &left, nullptr);
  return ring_buffer__consume(stops_) > 0;
}

void PoolSlot::start_growths() {
  programs_->growths_[static_cast<std::uint32_t>(control().generation)].clear();
}

std::vector<growth_event> PoolSlot::take_growths() {
  programs_->consume_rings();
  return std::exchange(programs_->growths_[static_cast<std::uint32_t>(control().generation)], {});
}

void PoolSlot::start_order() {
  programs_->order_[static_cast<std::uint32_t>(control().generation)].clear();
  control().in_order = 1;
}

std::vector<pool_order_event> PoolSlot::take_order() {
  programs_->consume_rings();
  return std::exchange(programs_->order_[static_cast<std::uint32_t>(control().generation)], {});
}

PoolResults PoolSlot::read() const {
  PoolResults results;
  const auto& maps = programs_->skeleton_->maps;
  const int sums = bpf_map__fd(maps.pool_sums);
  for (const auto& key : keys_of<pool_key>(sums)) {
    pool_sums value{};
    if (key.slot == slot_ && bpf_map_lookup_elem(sums, &key, &value) == 0) results.sums.emplace_back(key, value);
  }
  return results;
}

}  // namespace poolscope::probes

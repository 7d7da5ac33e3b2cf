#include "probes/collectors/go_gc_programs.h"

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "go_gc.skel.h"

namespace poolscope::probes {

using attach::AttachError;
using attach::AttachMethod;

namespace {

static_assert(sizeof(go_gc_event) == 16 && sizeof(go_gc_cycle) == 24 + 8 * GO_GC_WORDS);
static_assert(sizeof(go_gc_heap) == 24 + GO_GC_HEAP_BYTES && sizeof(go_gc_plan) == 8 * (GO_GC_WORDS + 5));

constexpr const char* kWhat = "the garbage collection probe";

// libbpf prints load failures at length; the caller gets one sentence instead.
int print_nothing(libbpf_print_level, const char*, va_list) {
  return 0;
}

}  // namespace

Result<std::unique_ptr<GoGcPrograms>, AttachError> GoGcPrograms::load(AttachMethod method) {
  std::unique_ptr<GoGcPrograms> programs(new GoGcPrograms);
  if (auto error = programs->open_and_load(method)) return Failure{*error};
  return programs;
}

GoGcPrograms::~GoGcPrograms() {
  ring_buffer__free(ring_);
  if (skeleton_ != nullptr) go_gc__destroy(skeleton_);
}

std::optional<AttachError> GoGcPrograms::open_and_load(AttachMethod method) {
  method_ = method;
  libbpf_set_print(std::getenv("POOLSCOPE_DEBUG_LIBBPF") != nullptr ? nullptr : print_nothing);
  skeleton_ = go_gc__open();
  if (skeleton_ == nullptr) return attach::from_errno(kWhat, "opening the BPF object", errno);
  if (method == AttachMethod::kUprobeMulti) {
    bpf_program__set_expected_attach_type(skeleton_->progs.cycle_end,
                                          static_cast<bpf_attach_type>(attach::kAttachTypeUprobeMulti));
  }
  if (const int result = go_gc__load(skeleton_); result != 0)
    return attach::from_errno(kWhat, "loading the BPF program", -result);
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.events), on_event, this, nullptr);
  if (ring_ == nullptr) return attach::from_errno(kWhat, "mapping the ring buffer", errno);
  return std::nullopt;
}

Result<attach::UprobeLinks, AttachError> GoGcPrograms::watch(pid_t pid, const go_gc_plan& plan, const std::string& path,
                                                             std::uint64_t file_offset, const std::string& what) {
  const auto tgid = static_cast<__u32>(pid);
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.plans), &tgid, &plan, BPF_ANY) != 0)
    return Failure{attach::from_errno(what, "telling the kernel where to read", errno)};
  ring_buffer__consume(ring_);  // what an earlier watch of this pid left there is not for this one
  inboxes_[pid] = {};
  auto links = attach::attach_uprobes(method_, attach::ProbeKind::kEntry, bpf_program__fd(skeleton_->progs.cycle_end),
                                      pid, path, {{file_offset, tgid}}, what);
  if (!links) forget(pid);
  return links;
}

void GoGcPrograms::forget(pid_t pid) {
  const auto tgid = static_cast<__u32>(pid);
  bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.plans), &tgid);
  inboxes_.erase(pid);
}

int GoGcPrograms::on_event(void* self, void* data, std::size_t bytes) {
  if (bytes < sizeof(go_gc_event)) return 0;
  const auto* event = static_cast<const go_gc_event*>(data);
  auto& inboxes = static_cast<GoGcPrograms*>(self)->inboxes_;
  const auto found = inboxes.find(static_cast<pid_t>(event->tgid));
  if (found == inboxes.end()) return 0;  // forgotten meanwhile
  Cycles& inbox = found->second;
  if (event->kind == GO_GC_EVENT_CYCLE && bytes >= sizeof(go_gc_cycle)) {
    if (inbox.cycles.size() < kMaxCycles) inbox.cycles.push_back(*static_cast<const go_gc_cycle*>(data));
  } else if (event->kind == GO_GC_EVENT_HEAP && bytes >= sizeof(go_gc_heap)) {
    const auto* heap = static_cast<const go_gc_heap*>(data);
    const auto* start = reinterpret_cast<const std::byte*>(heap->data);
    inbox.heap.assign(start, start + std::min<std::size_t>(heap->bytes, sizeof heap->data));
    inbox.heap_cycles = inbox.cycles.size();
  }
  return 0;
}

GoGcPrograms::Cycles GoGcPrograms::take(pid_t pid) {
  ring_buffer__consume(ring_);
  const auto found = inboxes_.find(pid);
  if (found == inboxes_.end()) return {};
  Cycles taken = std::exchange(found->second, {});
  const auto tgid = static_cast<__u32>(pid);
  go_gc_plan plan{};
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.plans), &tgid, &plan) == 0) {
    taken.hits = plan.hits;
    taken.copy_ns = plan.copy_ns;
  }
  return taken;
}

}  // namespace poolscope::probes

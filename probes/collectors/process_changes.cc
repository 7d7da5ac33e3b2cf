#include "probes/collectors/process_changes.h"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>

#include <bpf/libbpf.h>

#include "process_changes.skel.h"

namespace poolscope::probes {

using attach::AttachError;

namespace {

constexpr const char* kWhat = "the events of processes";

// libbpf prints load failures at length; the caller gets one sentence instead.
int print_no_process_changes(libbpf_print_level, const char*, va_list) {
  return 0;
}

}  // namespace

Result<std::unique_ptr<ProcessChanges>, AttachError> ProcessChanges::start() {
  libbpf_set_print(std::getenv("POOLSCOPE_DEBUG_LIBBPF") != nullptr ? nullptr : print_no_process_changes);
  std::unique_ptr<ProcessChanges> changes(new ProcessChanges);
  changes->skeleton_ = process_changes__open();
  if (changes->skeleton_ == nullptr) return Failure{attach::from_errno(kWhat, "opening the BPF object", errno)};
  if (const int result = process_changes__load(changes->skeleton_); result != 0)
    return Failure{attach::from_errno(kWhat, "loading the BPF programs", -result)};
  if (const int result = process_changes__attach(changes->skeleton_); result != 0)
    return Failure{attach::from_errno(kWhat, "attaching the BPF programs", -result)};
  return changes;
}

ProcessChanges::~ProcessChanges() {
  if (skeleton_ != nullptr) process_changes__destroy(skeleton_);
}

bool ProcessChanges::any_since(std::uint64_t looked_ns) const {
  const auto last_ns = std::atomic_ref(skeleton_->bss->last_change_ns).load(std::memory_order_relaxed);
  return last_ns + kSettleNs >= looked_ns;
}

}  // namespace poolscope::probes

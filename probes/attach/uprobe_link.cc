#include "probes/attach/uprobe_link.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

namespace poolscope::attach {
namespace {

// The part of union bpf_attr that BPF_LINK_CREATE reads for uprobe.multi (linux/bpf.h since 6.6).
struct LinkCreateUprobeMulti {
  std::uint32_t program_fd, target_fd, attach_type, flags;
  std::uint64_t path, offsets, ref_counter_offsets, cookies;
  std::uint32_t count, multi_flags;
  std::int32_t pid;
  std::uint32_t padding;
};
constexpr std::uint32_t kMultiFlagReturn = 1;  // BPF_F_UPROBE_MULTI_RETURN

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

Result<UprobeLinks, AttachError> attach_multi(ProbeKind kind, int program_fd, pid_t pid, const std::string& path,
                                              const std::vector<ProbeSite>& sites, const std::string& what) {
  std::vector<std::uint64_t> offsets, cookies;
  for (const auto& site : sites) {
    offsets.push_back(site.file_offset);
    cookies.push_back(site.cookie);
  }
  LinkCreateUprobeMulti request{};
  request.program_fd = static_cast<std::uint32_t>(program_fd);
  request.attach_type = kind == ProbeKind::kSession ? kAttachTypeUprobeSession : kAttachTypeUprobeMulti;
  request.path = address_of(path.c_str());
  request.offsets = address_of(offsets.data());
  request.cookies = address_of(cookies.data());
  request.count = static_cast<std::uint32_t>(sites.size());
  request.multi_flags = kind == ProbeKind::kReturn ? kMultiFlagReturn : 0;
  request.pid = pid;
  UniqueFd link(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request))));
  if (!link) return Failure{from_errno(what, "uprobe.multi link", errno)};
  UprobeLinks links;
  links.push_back(std::move(link));
  return links;
}

Result<std::uint32_t, AttachError> perf_uprobe_type(const std::string& what) {
  std::ifstream file("/sys/bus/event_source/devices/uprobe/type");
  std::uint32_t type = 0;
  if (!(file >> type)) {
    return Failure{AttachError{AttachError::Reason::kUnsupported, what, "the kernel has no uprobe events", 0}};
  }
  return type;
}

Result<UniqueFd, AttachError> open_perf_uprobe(std::uint32_t type, ProbeKind kind, pid_t pid, const std::string& path,
                                               const ProbeSite& site, const std::string& what) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.config = kind == ProbeKind::kReturn ? 1 : 0;  // bit "retprobe" of the uprobe PMU
  attributes.config1 = address_of(path.c_str());
  attributes.config2 = site.file_offset;
  UniqueFd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) return Failure{from_errno(what, "perf uprobe", errno)};
  return event;
}

Result<UprobeLinks, AttachError> attach_perf(ProbeKind kind, int program_fd, pid_t pid, const std::string& path,
                                             const std::vector<ProbeSite>& sites, const std::string& what) {
  auto type = perf_uprobe_type(what);
  if (!type) return Failure{type.error()};
  UprobeLinks links;
  for (const auto& site : sites) {
    auto event = open_perf_uprobe(*type, kind, pid, path, site, what);
    if (!event) return Failure{event.error()};
    bpf_attr request{};
    request.link_create.prog_fd = static_cast<std::uint32_t>(program_fd);
    request.link_create.target_fd = static_cast<std::uint32_t>(event->get());
    request.link_create.attach_type = BPF_PERF_EVENT;
    request.link_create.perf_event.bpf_cookie = site.cookie;
    UniqueFd link(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof(request))));
    if (!link) return Failure{from_errno(what, "BPF link to perf uprobe", errno)};
    if (ioctl(event->get(), PERF_EVENT_IOC_ENABLE, 0) != 0)
      return Failure{from_errno(what, "enabling the perf uprobe", errno)};
    links.push_back(std::move(link));
    links.push_back(std::move(*event));
  }
  return links;
}

}  // namespace

Result<UprobeLinks, AttachError> attach_uprobes(AttachMethod method, ProbeKind kind, int program_fd, pid_t pid,
                                                const std::string& path, const std::vector<ProbeSite>& sites,
                                                const std::string& what) {
  if (sites.empty()) return UprobeLinks{};
  if (method == AttachMethod::kUprobeMulti) return attach_multi(kind, program_fd, pid, path, sites, what);
  if (kind == ProbeKind::kSession) {
    return Failure{AttachError{AttachError::Reason::kUnsupported, what, "session links need uprobe.multi", 0}};
  }
  return attach_perf(kind, program_fd, pid, path, sites, what);
}

}  // namespace poolscope::attach

#include "probes/attach/attach_error.h"

#include <cerrno>
#include <cstring>

namespace poolscope::attach {

std::string reason_label(AttachError::Reason reason) {
  switch (reason) {
    case AttachError::Reason::kTargetGone:
      return "target_gone";
    case AttachError::Reason::kNotPermitted:
      return "not_permitted";
    case AttachError::Reason::kUnsupported:
      return "kernel_unsupported";
    case AttachError::Reason::kReturnProbeRefused:
      return "return_probe_refused";
    case AttachError::Reason::kSystem:
      return "system_error";
  }
  return "system_error";
}

namespace {

std::string advice(AttachError::Reason reason) {
  switch (reason) {
    case AttachError::Reason::kNotPermitted:
      return "; needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (or root), see `poolscope doctor`";
    case AttachError::Reason::kUnsupported:
      return "; this kernel lacks what is needed, see `poolscope doctor`";
    case AttachError::Reason::kReturnProbeRefused:
      return "; the target runs under seccomp and this kernel's return probes would kill it";
    default:
      return "";
  }
}

}  // namespace

std::string describe(const AttachError& error) {
  std::string text = "cannot attach to " + error.what;
  if (!error.cause.empty()) text += ": " + error.cause;
  if (error.sys_errno != 0) {
    text += ": " + std::string(std::strerror(error.sys_errno)) + " (" + strerrorname_np(error.sys_errno) + ")";
  }
  return text + advice(error.reason);
}

AttachError from_errno(std::string what, std::string cause, int sys_errno) {
  auto reason = AttachError::Reason::kSystem;
  if (sys_errno == EPERM || sys_errno == EACCES) reason = AttachError::Reason::kNotPermitted;
  if (sys_errno == ESRCH || sys_errno == ENOENT) reason = AttachError::Reason::kTargetGone;
  if (sys_errno == EOPNOTSUPP || sys_errno == ENOSYS) reason = AttachError::Reason::kUnsupported;
  return AttachError{reason, std::move(what), std::move(cause), sys_errno};
}

}  // namespace poolscope::attach

#include "agent/host/host_files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"
#include "probes/process/proc_file.h"

namespace poolscope::host {
namespace {

constexpr std::size_t kMaxStateBytes = std::size_t{64} << 20;

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// Of this user alone: nobody else can have written it.
bool is_private(const std::string& file) {
  struct stat status {};
  return ::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::string read_boot_id() {
  const auto text = process::read_proc_file("/proc/sys/kernel/random/boot_id", 64);
  return text ? text->substr(0, text->find('\n')) : "";
}

HostState read_state(const std::string& file, const std::string& boot_id) {
  HostState nothing{boot_id, {}};
  if (boot_id.empty() || !is_private(file)) return nothing;
  const auto text = process::read_proc_file(file, kMaxStateBytes);
  if (!text) return nothing;
  const auto state = parse_state(*text);
  return state && state->boot_id == boot_id ? *state : nothing;
}

Result<Done, std::string> write_state(const std::string& file, const HostState& state) {
  const std::string fresh = file + ".new";
  (void)::unlink(fresh.c_str());
  const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd && write_all(fd.get(), text_of(state)) && ::rename(fresh.c_str(), file.c_str()) == 0) return Done{};
  return Failure{"cannot write " + file + ": " + std::strerror(errno)};
}

}  // namespace poolscope::host

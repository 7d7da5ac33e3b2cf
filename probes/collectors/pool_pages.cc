#include "probes/collectors/pool_pages.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "poolscope/unique_fd.h"
#include "probes/process/proc_file.h"

namespace poolscope::probes {
namespace {

constexpr char kPagePath[] = "/memfd:" PS_STATS_MEMFD_NAME;
constexpr unsigned kMaxDescriptors = 4096;  // that are looked through

PageFault system_fault(const std::string& what, int error) {
  return {PageFault::Reason::kSystem, what + ": " + std::strerror(error)};
}

UniqueFd open_read_only(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

// A process that keeps the file open shows it without the right to open what it maps.
UniqueFd open_by_descriptor(pid_t pid, std::uint64_t inode) {
  std::error_code error;
  unsigned seen = 0;
  std::filesystem::directory_iterator at(process::proc_path(pid, "fd"), error);
  for (; !error && at != std::filesystem::directory_iterator() && seen < kMaxDescriptors; at.increment(error), ++seen) {
    const auto link = process::read_proc_link(at->path().string());
    if (!link || !link->starts_with(kPagePath)) continue;
    UniqueFd fd = open_read_only(at->path().string());
    struct stat file {};
    if (fd && ::fstat(fd.get(), &file) == 0 && file.st_ino == inode) return fd;
  }
  return {};
}

Result<UniqueFd, PageFault> open_mapped(pid_t pid, const process::Mapping& mapping) {
  const std::string path = process::proc_path(pid, "map_files/") + fmt::format("{:x}-{:x}", mapping.start, mapping.end);
  UniqueFd fd = open_read_only(path);
  if (fd) return fd;
  const int error = errno;
  if (error != EPERM && error != EACCES) return Failure{system_fault("cannot open " + path, error)};
  fd = open_by_descriptor(pid, mapping.inode);
  if (fd) return fd;
  return Failure{PageFault{PageFault::Reason::kNotPermitted,
                           "opening " + path + " needs CAP_CHECKPOINT_RESTORE and CAP_SYS_PTRACE, as root has"}};
}

// What getpid() gives in the process: the last number of "NSpid:\t4711\t12". Without it, the pid that we know.
std::uint64_t own_pid(pid_t pid) {
  constexpr std::string_view kLine = "\nNSpid:";
  const auto status = process::read_proc_file(process::proc_path(pid, "status"), 16384);
  const std::size_t at = status ? status->find(kLine) : std::string::npos;
  if (at == std::string::npos) return static_cast<std::uint64_t>(pid);
  const std::string line = status->substr(at + kLine.size(), status->find('\n', at + 1) - at - kLine.size());
  return std::strtoull(line.c_str() + line.find_last_not_of("0123456789") + 1, nullptr, 10);
}

// Huge pages that run out are a SIGBUS for who reads, ordinary ones are not.
bool is_in_ordinary_memory(int fd) {
  struct statfs system {};
  return ::fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

std::optional<PageFault> seal_fault(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals >= 0 && (seals & PS_PAGE_SEALS) == PS_PAGE_SEALS && is_in_ordinary_memory(fd)) return std::nullopt;
  return PageFault{PageFault::Reason::kNotSealed,
                   "is no memfd with the seals SEAL, SHRINK and GROW: it could shrink while it is read"};
}

}  // namespace

void SealedFile::Unmap::operator()(const std::byte* base) const {
  ::munmap(const_cast<std::byte*>(base), bytes);
}

Result<SealedFile, PageFault> SealedFile::map(pid_t pid, const process::Mapping& mapping) {
  auto fd = open_mapped(pid, mapping);
  if (!fd) return Failure{fd.error()};
  if (auto fault = seal_fault(fd->get())) return Failure{*std::move(fault)};
  struct stat file {};
  if (::fstat(fd->get(), &file) != 0) return Failure{system_fault("fstat", errno)};
  const auto bytes = static_cast<std::uint64_t>(file.st_size);
  if (bytes < sizeof(ps_stats_header) || bytes > kMaxPageBytes) {
    return Failure{PageFault{PageFault::Reason::kDamaged, fmt::format("of {} bytes, which no writer makes it", bytes)}};
  }
  void* base = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd->get(), 0);
  if (base == MAP_FAILED) return Failure{system_fault("mmap", errno)};
  return SealedFile(Base(static_cast<const std::byte*>(base), Unmap{bytes}));
}

std::vector<model::PoolPageRecord> PoolPages::read(std::uint64_t now_ns) {
  (void)look(now_ns);
  return read_last(now_ns);
}

std::vector<model::PoolPageRecord> PoolPages::read_last(std::uint64_t now_ns) {
  std::vector<model::PoolPageRecord> records;
  for (Page& page : pages_) {
    if (auto record = read(page, now_ns)) records.push_back(*std::move(record));
  }
  return records;
}

bool PoolPages::look(std::uint64_t now_ns) {
  if (now_ns < look_due_ns_) return false;
  const std::size_t before = pages_.size();
  // A page is mapped in addition; only the child of a fork puts one where its parent's was, and who ends one and makes another.
  const auto space = process::address_space(process_.pid);
  const bool is_as_it_was = space && space == space_ && not_ours_.empty() && ++looks_ % process::kReadMapsEvery != 0;
  if (!is_as_it_was && open_all()) space_ = space;
  const bool any_new = pages_.size() > before;
  wait_ns_ = any_new ? kFirstWaitNs : std::min(2 * wait_ns_, kLongestWaitNs);
  look_due_ns_ = now_ns + wait_ns_;
  return any_new;
}

bool PoolPages::open_all() {
  const auto mappings = process::read_maps(process_.pid);
  if (!mappings) return false;
  bool is_settled = true;
  for (const process::Mapping& mapping : *mappings) {
    if (mapping.deleted && mapping.path == kPagePath) is_settled &= open(mapping);
  }
  return is_settled;
}

bool PoolPages::open(const process::Mapping& mapping) {
  const bool is_known = not_ours_.contains(mapping.inode) ||
                        std::ranges::any_of(pages_, [&](const Page& page) { return page.inode == mapping.inode; });
  if (is_known || pages_.size() + not_ours_.size() >= kMaxPages) return true;
  auto file = SealedFile::map(process_.pid, mapping);
  if (!file) {
    fault_ = file.error();
    return false;
  }
  const auto reading = read_page(file->bytes());
  if (!reading) {
    if (reading.error().reason != PageFault::Reason::kNotReady) fault_ = reading.error();
    return false;
  }
  // Ticks alone do not tell a child that was forked at once: they are 10 ms long.
  const bool is_its_own =
      reading->header.start_ticks == process_.start_time_ticks && reading->header.pid == own_pid(process_.pid);
  if (!is_its_own) {
    not_ours_.insert(mapping.inode);
    return true;
  }
  pages_.push_back({mapping.inode, std::move(*file), 0, {}});
  return true;
}

std::optional<model::PoolPageRecord> PoolPages::read(Page& page, std::uint64_t now_ns) {
  auto reading = read_page(page.file.bytes());
  if (!reading) {
    fault_ = reading.error();
    return std::nullopt;
  }
  tell_refused(reading->header);
  std::map<model::PoolIdentity, model::PoolPageSums> pools;
  std::map<std::uint32_t, PageSlot> last;
  for (PageSlot& slot : reading->slots) {
    const auto found = page.last.find(slot.index);
    const bool is_same = found != page.last.end() && found->second.pool.sequence == slot.pool.sequence;
    model::PoolPageSums sums{identity_of(slot), slot.pool.known, counts_since(is_same ? &found->second : nullptr, slot),
                             state_of(slot, reading->header, now_ns)};
    const auto [at, is_new] = pools.try_emplace(sums.pool, sums);
    if (!is_new) at->second.merge(sums);
    last.emplace(slot.index, std::move(slot));
  }
  page.last = std::move(last);
  const std::uint64_t start_ns = page.read_ns == 0 ? now_ns : page.read_ns;
  page.read_ns = now_ns;
  model::PoolPageRecord record{process_, page.inode, start_ns, now_ns - start_ns, {}};
  for (auto& [identity, sums] : pools) record.pools.push_back(std::move(sums));
  return record;
}

void PoolPages::tell_refused(const ps_stats_header& header) {
  if (header.refused_pools == 0 && header.refused_blocks == 0) return;
  caveat_ = fmt::format("the stats page is full: {} pools and the counts of {} threads are not on it",
                        header.refused_pools, header.refused_blocks);
}

}  // namespace poolscope::probes

#include "agent/cli/pool_request.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "poolscope/stats_page.h"
#include "poolscope/unique_fd.h"
#include "probes/process/maps.h"
#include "probes/process/proc_file.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

using Reason = PoolRequestError::Reason;
constexpr std::chrono::milliseconds kLookEvery(20);

Failure<PoolRequestError> refuse(Reason reason, std::string text) {
  return Failure{PoolRequestError{reason, std::move(text)}};
}

// One of the two files of a process, by reading and writing: no mapping that could fault.
class PageFile {
 public:
  static Result<PageFile, PoolRequestError> open(pid_t pid, const process::Mapping& mapping, int flags) {
    const std::string path =
        process::proc_path(pid, "map_files/") + fmt::format("{:x}-{:x}", mapping.start, mapping.end);
    PageFile file(UniqueFd(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)));
    if (!file.fd_) return refuse(Reason::kSystem, "cannot open " + path + ": " + std::strerror(errno));
    const int seals = ::fcntl(file.fd_.get(), F_GET_SEALS);
    if (seals < 0 || (seals & PS_PAGE_SEALS) != PS_PAGE_SEALS)
      return refuse(Reason::kSystem, "what process " + std::to_string(pid) + " shows is no sealed memfd");
    return file;
  }
  // nullopt: shorter than that.
  template <typename T>
  [[nodiscard]] std::optional<T> read(std::uint64_t at, std::size_t bytes = sizeof(T)) const {
    T value{};
    const auto wanted = static_cast<ssize_t>(std::min(bytes, sizeof(T)));
    if (::pread(fd_.get(), &value, static_cast<std::size_t>(wanted), static_cast<off_t>(at)) != wanted)
      return std::nullopt;
    return value;
  }
  [[nodiscard]] bool write(std::uint64_t at, const void* bytes, std::size_t count) const {
    return ::pwrite(fd_.get(), bytes, count, static_cast<off_t>(at)) == static_cast<ssize_t>(count);
  }

 private:
  explicit PageFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// A pool on the stats page of its process.
struct PoolSlotPlace {
  std::uint32_t index = 0;
  std::uint64_t at = 0;  // in the file
  std::uint64_t bytes = 0;
  std::uint64_t sequence = 0;
};

bool is_named(const char (&text)[96], std::string_view name) {
  return std::string_view(text, ::strnlen(text, sizeof(text))) == name;
}

Result<PoolSlotPlace, PoolRequestError> slot_of(const PageFile& page, const ps_stats_header& header,
                                                const std::string& name) {
  std::optional<PoolSlotPlace> found;
  for (std::uint32_t i = 0; i < header.pools_used; ++i) {
    const std::uint64_t at = header.pools_offset + std::uint64_t{i} * header.pool_bytes;
    const auto pool = page.read<ps_pool>(at, header.pool_bytes);
    if (!pool || (pool->sequence & 1) != 0 || pool->state != PS_POOL_LIVE || !is_named(pool->name, name)) continue;
    if (found) return refuse(Reason::kNoSuchPool, "the process has several pools of this name");
    found = PoolSlotPlace{i, at, header.pool_bytes, pool->sequence};
  }
  if (!found) return refuse(Reason::kNoSuchPool, "the process has no pool of this name");
  return *found;
}

// Of the mappings with this name, the one that belongs to the process itself and not to the parent that forked it.
template <typename Header>
Result<std::pair<PageFile, Header>, PoolRequestError> open_page(const model::ProcessKey& process, const char* name,
                                                                std::uint64_t magic, int flags) {
  const auto maps = process::read_maps(process.pid);
  if (!maps) return refuse(Reason::kSystem, process::describe(maps.error()));
  for (const auto& mapping : *maps) {
    if (mapping.path != std::string("/memfd:") + name || mapping.file_offset != 0) continue;
    auto file = PageFile::open(process.pid, mapping, flags);
    if (!file) return Failure{file.error()};
    const auto header = file->template read<Header>(0);
    if (!header || header->magic != magic || header->version != PS_STATS_VERSION ||
        header->start_ticks != process.start_time_ticks)
      continue;
    return std::pair{std::move(*file), *header};
  }
  return refuse(Reason::kNotAllowed, "its service lets no pool be resized (resizable_by_agent)");
}

ps_control request_of(const PoolRequest& wanted, const PoolSlotPlace& pool, std::uint64_t number) {
  ps_control request{};
  request.request = number;
  request.pool_sequence = pool.sequence;
  const auto of = [&](const char* name) { return wanted.limit == name ? wanted.value : PS_UNCHANGED; };
  request.buffer_bytes = of("buffer_bytes");
  request.max_idle_buffers = of("max_idle_buffers");
  request.max_borrowed_buffers = of("max_borrowed_buffers");
  request.max_retained_bytes = of("max_retained_bytes");
  return request;
}

// The limits first, the number last: who sees the number sees the limits.
bool put_request(const PageFile& control, std::uint64_t at, const ps_control& request) {
  constexpr std::size_t kNumberBytes = sizeof(request.request);
  static_assert(offsetof(ps_control, request) == 0);
  return control.write(at + kNumberBytes, reinterpret_cast<const char*>(&request) + kNumberBytes,
                       sizeof(request) - kNumberBytes) &&
         control.write(at, &request.request, kNumberBytes);
}

// nullopt: not taken in time.
std::optional<ps_request_result> wait_for_answer(const PageFile& page, const PoolSlotPlace& pool, std::uint64_t number,
                                                 std::chrono::milliseconds wait_at_most) {
  const auto deadline = std::chrono::steady_clock::now() + wait_at_most;
  for (;; std::this_thread::sleep_for(kLookEvery)) {
    const auto now = page.read<ps_pool>(pool.at, pool.bytes);
    if (now && now->sequence == pool.sequence && now->request_seen == number)
      return static_cast<ps_request_result>(now->request_result);
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
  }
}

}  // namespace

Result<Done, PoolRequestError> ask_pool(pid_t pid, const PoolRequest& wanted, std::chrono::milliseconds wait_at_most) {
  const auto status = process::read_status(pid);
  if (!status) return refuse(Reason::kSystem, "process " + std::to_string(pid) + " is not there");
  auto page = open_page<ps_stats_header>(status->key, PS_STATS_MEMFD_NAME, PS_STATS_MAGIC, O_RDONLY);
  if (!page) return Failure{page.error()};
  const auto& [stats, header] = *page;
  if (const char* problem = ps_stats_problem(&header, header.page_bytes))
    return refuse(Reason::kSystem, std::string("its stats page is ") + problem);
  const auto pool = slot_of(stats, header, wanted.pool);
  if (!pool) return Failure{pool.error()};

  auto control = open_page<ps_control_header>(status->key, PS_CONTROL_MEMFD_NAME, PS_CONTROL_MAGIC, O_RDWR);
  if (!control) return Failure{control.error()};
  const auto& [file, control_header] = *control;
  const std::uint64_t at = control_header.slots_offset + std::uint64_t{pool->index} * control_header.slot_bytes;
  const auto before = file.read<ps_control>(at);
  if (!before || pool->index >= control_header.slot_capacity || control_header.slot_bytes < sizeof(ps_control))
    return refuse(Reason::kSystem, "its control page is damaged");
  ps_control request = request_of(wanted, *pool, before->request + 1);
  if (!put_request(file, at, request)) return refuse(Reason::kSystem, "its control page cannot be written");
  const auto answer = wait_for_answer(stats, *pool, request.request, wait_at_most);
  if (answer == PS_REQUEST_APPLIED) return Done{};
  if (answer) return refuse(Reason::kRefused, "the pool refuses another " + wanted.limit);
  request.pool_sequence = 0;  // of no pool: nobody takes it any more
  (void)file.write(at + offsetof(ps_control, pool_sequence), &request.pool_sequence, sizeof(request.pool_sequence));
  return refuse(Reason::kNotAllowed,
                fmt::format("it did not take the request within {} s: its service does not allow it "
                            "(resizable_by_agent), or it had nothing to create or to drop meanwhile",
                            std::chrono::duration_cast<std::chrono::seconds>(wait_at_most).count()));
}

}  // namespace poolscope::cli

#pragma once
// PoolPages: the pools that one process publishes on its stats pages (poolscope/stats_page.h). Level L0: nothing is attached to the
// process, it is not stopped and does not notice.
//   Rights    those of opening /proc/PID/map_files (CAP_CHECKPOINT_RESTORE, CAP_SYS_PTRACE); no BPF. Where the process still has the
//             file open, /proc/PID/fd does.
//   After end a page stays mapped here, so what the process counted last can be read when it is gone, however it ended.
//   Memory    a page is mapped, at most kMaxPages of kMaxPageBytes; of each pool the last reading is kept, 13 KiB.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/pool_page_record.h"
#include "poolscope/result.h"
#include "probes/collectors/pool_page_reader.h"
#include "probes/process/maps.h"

namespace poolscope::probes {

// A memfd mapped read-only; sealed, so that it cannot shrink under the mapping.
class SealedFile {
 public:
  static constexpr std::uint64_t kMaxPageBytes = std::uint64_t{256} << 20;

  // The file that `mapping` of the process shows.
  [[nodiscard]] static Result<SealedFile, PageFault> map(pid_t pid, const process::Mapping& mapping);
  [[nodiscard]] std::span<const std::byte> bytes() const { return {base_.get(), base_.get_deleter().bytes}; }

 private:
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(const std::byte* base) const;
  };
  using Base = std::unique_ptr<const std::byte, Unmap>;
  explicit SealedFile(Base base) : base_(std::move(base)) {}
  Base base_;
};

class PoolPages {
 public:
  static constexpr std::size_t kMaxPages = 8;
  // A process that shows no new page is looked at after this time, then after twice that, and so on.
  static constexpr std::uint64_t kFirstWaitNs = 100'000'000, kLongestWaitNs = 16'000'000'000;

  explicit PoolPages(const model::ProcessKey& process) : process_(process) {}

  // Opens pages that are new, when it is time to look again. Whether there were any: rates are of the time since they were read first.
  bool look(std::uint64_t now_ns);
  // A record of each page, new ones included. A child that inherited its parent's page has none of that.
  [[nodiscard]] std::vector<model::PoolPageRecord> read(std::uint64_t now_ns);
  // The same without new ones: the pid may be another program's by now.
  [[nodiscard]] std::vector<model::PoolPageRecord> read_last(std::uint64_t now_ns);
  // Why a page that is there could not be read the last time; of a page that is read, what of it is not complete.
  [[nodiscard]] const std::optional<PageFault>& fault() const { return fault_; }
  [[nodiscard]] const std::string& caveat() const { return caveat_; }
  [[nodiscard]] bool has_pages() const { return !pages_.empty(); }

 private:
  struct Page {
    std::uint64_t inode;
    SealedFile file;
    std::uint64_t read_ns = 0;  // 0: not yet
    std::map<std::uint32_t, PageSlot> last;
  };
  // False: there is a page that may be read later.
  bool open_all();
  bool open(const process::Mapping& mapping);
  [[nodiscard]] std::optional<model::PoolPageRecord> read(Page& page, std::uint64_t now_ns);
  void tell_refused(const ps_stats_header& header);

  model::ProcessKey process_;
  std::vector<Page> pages_;
  std::set<std::uint64_t> not_ours_;  // inodes of pages that will never be read
  std::optional<PageFault> fault_;
  std::string caveat_;
  std::uint64_t look_due_ns_ = 0, wait_ns_ = kFirstWaitNs;
  std::optional<process::AddressSpace> space_;  // when all of its pages were known
  unsigned looks_ = 0;
};

}  // namespace poolscope::probes

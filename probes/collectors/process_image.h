#pragma once
// ProcessImage: the code of one process: which ELF files are mapped where, and what an address in it is called.
//   ElfCache  keeps parsed files by identity, so that 200 PostgreSQL backends parse libc once.
//   Threads   one thread.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include "exporters/model/record.h"
#include "poolscope/result.h"
#include "probes/elf/elf_file.h"
#include "probes/process/maps.h"
#include "probes/process/process.h"

namespace poolscope::probes {

class ElfCache {
 public:
  // Null when the file cannot be read or is no ELF file we understand; the failure is remembered too.
  [[nodiscard]] std::shared_ptr<const elf::ElfFile> open(pid_t pid, const std::string& path,
                                                         const std::string& display_name);

 private:
  static constexpr std::size_t kMaxFiles = 512;               // then all are forgotten; images keep the ones they use
  using Key = std::tuple<dev_t, ino_t, off_t, time_t, long>;  // device, inode, size and mtime: inodes are reused
  std::map<Key, std::shared_ptr<const elf::ElfFile>> files_;
};

// An ELF file as this process has it mapped.
struct LoadedObject {
  process::MappedObject mapped;
  std::shared_ptr<const elf::ElfFile> file;
  std::uint64_t bias = 0;  // process address = ELF address + bias
  std::string open_path;   // what the kernel opens to reach this very file
};

class ProcessImage {
 public:
  [[nodiscard]] static Result<ProcessImage, process::ProcessError> read(const model::ProcessKey& key, ElfCache& cache);

  [[nodiscard]] const model::ProcessKey& key() const { return key_; }
  [[nodiscard]] const std::vector<LoadedObject>& objects() const { return objects_; }
  [[nodiscard]] const LoadedObject* object_at(std::uint64_t address) const;
  // The call whose return address is `return_address`, so the line and function of the call itself.
  [[nodiscard]] const model::Frame& call_frame(std::uint64_t return_address);
  // Unwind row at the call; nothing when .eh_frame has none with constants.
  [[nodiscard]] std::optional<elf::FrameStep> frame_step(std::uint64_t return_address) const;
  // True when the set of mapped files differs from what is in /proc now (dlopen, exec).
  [[nodiscard]] bool is_stale();

 private:
  model::ProcessKey key_;
  std::vector<LoadedObject> objects_;
  std::uint64_t fingerprint_ = 0;
  std::optional<process::AddressSpace> space_;  // at the last look at the maps
  unsigned looks_ = 0;
  std::unordered_map<std::uint64_t, model::Frame> frames_;
};

}  // namespace poolscope::probes

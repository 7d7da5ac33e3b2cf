#pragma once
// What code of a process is for, by the names of its functions: allocating, copying, collecting garbage.
//   FileParts     of one ELF file, by ELF address; the same for all processes that map it.
//   ProcessParts  of all files of a process, by address in it.
//   Allocator     libraries that are nothing else (jemalloc, tcmalloc, mimalloc) as a whole; of glibc and musl everything from the first to
//                 the last function of malloc, because static functions have no names in stripped files; functions by name elsewhere
//                 (static programs, operator new, PyObject_Malloc, runtime.mallocgc).
//   Copy          memcpy, memmove, memset and their relatives, all variants that an IFUNC chooses from; not what compilers inlined.
//   Gc            of Go, and of CPython where static functions have names.
//   Threads       one; pure but for reading the file.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "probes/collectors/process_image.h"
#include "probes/go/go_program.h"

namespace poolscope::probes {

enum class CodePart : std::uint8_t {
  kOther,
  kAllocator,
  kMemoryCall,  // asks the kernel for memory, or gives it back
  kCopy,
  kGc
};

// By the name of a function of C or C++, as the symbol table has it; kOther for all that is not known.
[[nodiscard]] CodePart part_of_function(std::string_view name);
// By the name of a function of a Go program: "runtime.mallocgc".
[[nodiscard]] CodePart part_of_go_function(std::string_view name);

struct PartRange {
  std::uint64_t start = 0, end = 0;
  CodePart part = CodePart::kOther;
  bool operator==(const PartRange&) const = default;
};

struct FileParts {
  std::vector<PartRange> ranges;  // ascending, none overlaps another
  // Whether functions that allocate, copy, collect were found in it.
  bool allocates = false, copies = false, collects = false;
  // Whether there are some that have no name: the allocator and the collector of a stripped CPython.
  bool hides_allocator = false, hides_collector = false;
};
[[nodiscard]] FileParts parts_of(const elf::ElfFile& file);
[[nodiscard]] FileParts parts_of(const go::GoProgram& program);

// Ascending and without overlap: of two ranges at one address the one that starts later has it.
[[nodiscard]] std::vector<PartRange> disjoint(std::vector<PartRange> ranges);

class ProcessParts {
 public:
  // Of the files of a process and where they lie.
  struct Placed {
    std::shared_ptr<const FileParts> file;
    std::uint64_t bias = 0;
  };
  explicit ProcessParts(const std::vector<Placed>& files);

  [[nodiscard]] CodePart at(std::uint64_t address) const;
  // Whether the functions of a part are all known; otherwise an address that is none of it may be one without a name.
  [[nodiscard]] bool knows_allocator() const { return sums_.allocates && !sums_.hides_allocator; }
  [[nodiscard]] bool knows_copy() const { return sums_.copies; }
  [[nodiscard]] bool knows_gc() const { return !sums_.hides_collector; }
  // It collects garbage, by functions that are known.
  [[nodiscard]] bool collects() const { return sums_.collects; }

 private:
  std::vector<PartRange> ranges_;
  FileParts sums_;  // without ranges
};

// Parts of files that were looked through, for as long as somebody has the file.
class PartsCache {
 public:
  [[nodiscard]] std::shared_ptr<const FileParts> of(const std::shared_ptr<const elf::ElfFile>& file);
  // `program` is in `file`.
  [[nodiscard]] std::shared_ptr<const FileParts> of(const std::shared_ptr<const elf::ElfFile>& file,
                                                    const go::GoProgram& program);

 private:
  struct Entry {
    std::weak_ptr<const elf::ElfFile> file;
    std::shared_ptr<const FileParts> parts;
  };
  template <typename Look>
  std::shared_ptr<const FileParts> find(const std::shared_ptr<const elf::ElfFile>& file, Look look);
  static constexpr std::size_t kMaxFiles = 1024;
  std::map<const elf::ElfFile*, Entry> files_;
};

}  // namespace poolscope::probes

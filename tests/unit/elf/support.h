#pragma once
// What the ELF tests share: opening fixtures, system libraries and files made up byte by byte.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <elf.h>

#include "probes/elf/elf_file.h"

namespace poolscope::elf::test {

using Bytes = std::vector<std::uint8_t>;
using OpenResult = Result<std::unique_ptr<ElfFile>, ElfError>;

[[nodiscard]] std::string fixture_path(const std::string& name);
[[nodiscard]] Bytes bytes_of(const std::string& path);

// `root` is an empty directory by default, so that debug files installed on the machine change nothing.
[[nodiscard]] OpenResult open_path(const std::string& path, const std::string& root = "/proc/self/fdinfo");
[[nodiscard]] OpenResult open_bytes(const Bytes& bytes);
// The opened file; fails the test and aborts when it cannot be opened.
[[nodiscard]] std::unique_ptr<ElfFile> opened(OpenResult result);
[[nodiscard]] std::unique_ptr<ElfFile> open_fixture(const std::string& name);

// The one function of this name; aborts when there is none.
[[nodiscard]] const Symbol& function(const ElfFile& file, std::string_view name);

template <typename T>
T* at(Bytes& bytes, std::uint64_t offset) {
  return offset + sizeof(T) <= bytes.size() ? reinterpret_cast<T*>(bytes.data() + offset) : nullptr;
}
[[nodiscard]] inline Elf64_Ehdr& header(Bytes& bytes) {
  return *at<Elf64_Ehdr>(bytes, 0);
}
// nullptr when there is none of this type.
[[nodiscard]] Elf64_Shdr* section(Bytes& bytes, std::uint32_t type);
[[nodiscard]] Elf64_Shdr* section(Bytes& bytes, std::string_view name);
[[nodiscard]] Elf64_Phdr* code_segment(Bytes& bytes);

// A directory that is removed, with all in it, at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  // Makes the directories on the way to `relative` and gives its full path.
  [[nodiscard]] std::string place_for(const std::string& relative) const;

 private:
  std::string path_;
};

}  // namespace poolscope::elf::test

#include "tests/unit/elf/support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poolscope::elf::test {

std::string fixture_path(const std::string& name) {
  return std::string(ELF_FIXTURES "/") + name;
}

Bytes bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

OpenResult open_path(const std::string& path, const std::string& root) {
  return ElfFile::open(open(path.c_str(), O_RDONLY | O_CLOEXEC), path, root);
}

OpenResult open_bytes(const Bytes& bytes) {
  const int fd = memfd_create("elf_test", MFD_CLOEXEC);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return ElfFile::open(fd, "made up", "/proc/self/fdinfo");
}

std::unique_ptr<ElfFile> opened(OpenResult result) {
  if (!result) ADD_FAILURE() << describe(result.error());
  return std::move(result).value();
}

std::unique_ptr<ElfFile> open_fixture(const std::string& name) {
  return opened(open_path(fixture_path(name)));
}

const Symbol& function(const ElfFile& file, std::string_view name) {
  const auto found = file.find_function(name);
  if (found.empty()) {
    ADD_FAILURE() << file.display_name() << " has no function " << name;
    std::abort();
  }
  return *found.front();
}

Elf64_Shdr* section(Bytes& bytes, std::uint32_t type) {
  for (unsigned i = 0; i < header(bytes).e_shnum; ++i) {
    auto* candidate = at<Elf64_Shdr>(bytes, header(bytes).e_shoff + i * sizeof(Elf64_Shdr));
    if (candidate->sh_type == type) return candidate;
  }
  return nullptr;
}

Elf64_Shdr* section(Bytes& bytes, std::string_view name) {
  const Elf64_Ehdr& elf = header(bytes);
  const auto* names = at<Elf64_Shdr>(bytes, elf.e_shoff + elf.e_shstrndx * sizeof(Elf64_Shdr));
  for (unsigned i = 0; i < elf.e_shnum; ++i) {
    auto* candidate = at<Elf64_Shdr>(bytes, elf.e_shoff + i * sizeof(Elf64_Shdr));
    if (name == reinterpret_cast<const char*>(&bytes[names->sh_offset + candidate->sh_name])) return candidate;
  }
  return nullptr;
}

Elf64_Phdr* code_segment(Bytes& bytes) {
  for (unsigned i = 0; i < header(bytes).e_phnum; ++i) {
    auto* candidate = at<Elf64_Phdr>(bytes, header(bytes).e_phoff + i * sizeof(Elf64_Phdr));
    if (candidate->p_type == PT_LOAD && (candidate->p_flags & PF_X) != 0) return candidate;
  }
  return nullptr;
}

TemporaryDirectory::TemporaryDirectory() : path_("/tmp/poolscope_elf_test_XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) std::abort();
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

std::string TemporaryDirectory::place_for(const std::string& relative) const {
  const std::filesystem::path place = std::filesystem::path(path_) / relative;
  std::filesystem::create_directories(place.parent_path());
  return place;
}

}  // namespace poolscope::elf::test

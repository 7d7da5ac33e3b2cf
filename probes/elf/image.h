#pragma once
// Image: one ELF file (a program, a shared library or a debug file) opened for reading, its headers checked.
//   Reading  libelf with ELF_C_READ and pread; nothing is mapped.
//   Limits   the numbers of sections and segments are checked before libelf allocates for them; section bytes on request.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gelf.h>
#include <libelf.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"
#include "probes/elf/elf_file.h"

namespace poolscope::elf {

class Image {
 public:
  struct Section {
    Elf_Scn* handle = nullptr;
    std::size_t index = 0;
    std::string_view name;  // empty when the name table is damaged
    GElf_Shdr header{};
  };

  [[nodiscard]] static Result<Image, ElfError> open(UniqueFd fd, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Elf* handle() const { return handle_.get(); }
  [[nodiscard]] const Elf64_Ehdr& header() const { return header_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] const std::vector<GElf_Phdr>& segments() const { return segments_; }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  // First section of this name or type that has bytes in the file; nullptr when there is none.
  [[nodiscard]] const Section* section_named(std::string_view name) const;
  [[nodiscard]] const Section* section_of_type(std::uint32_t type) const;

  // The section's bytes as they are in the file, kept until the image is gone. Empty when they are not all in
  // the file, more than `max_bytes`, or cannot be read.
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> section_bytes(const Section& section,
                                                                           std::uint64_t max_bytes) const;
  // Up to `max_bytes` at `offset`; less at the end of the file.
  [[nodiscard]] std::vector<std::uint8_t> read_at(std::uint64_t offset, std::size_t max_bytes) const;

  // Lower-case hex, or empty.
  [[nodiscard]] std::string build_id() const;

  [[nodiscard]] Failure<ElfError> failure(ElfError::Reason reason, std::string detail) const;

 private:
  struct EndElf {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  Image(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Result<Done, ElfError> read_header();
  Result<Done, ElfError> read_tables();

  UniqueFd fd_;
  std::string name_;
  std::uint64_t size_bytes_ = 0;
  Elf64_Ehdr header_{};
  std::unique_ptr<Elf, EndElf> handle_;
  std::vector<GElf_Phdr> segments_;
  std::vector<Section> sections_;
};

// Whether there is debug information, and not more than kMaxDebugInfoBytes of it: libdw unpacks every section at once.
[[nodiscard]] bool has_bounded_debug_info(const Image& image);

}  // namespace poolscope::elf

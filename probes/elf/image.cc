#include "probes/elf/image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <elfutils/libdwelf.h>
#include <sys/stat.h>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

using Reason = ElfError::Reason;

// Bytes read from `offset`, or -1 with errno. Short only at the end of the file.
ssize_t read_fully(int fd, std::uint64_t offset, std::span<std::uint8_t> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t entry_bytes, std::uint64_t file_bytes) {
  return offset <= file_bytes && count <= (file_bytes - offset) / entry_bytes;
}

std::string table_beyond_end(std::string_view table, std::uint64_t count, std::uint64_t offset,
                             std::uint64_t file_bytes) {
  return "its table of " + std::to_string(count) + " " + std::string(table) + " at offset " + std::to_string(offset) +
         " does not fit into its " + std::to_string(file_bytes) + " bytes";
}

}  // namespace

Failure<ElfError> Image::failure(Reason reason, std::string detail) const {
  return Failure{ElfError{reason, name_, std::move(detail)}};
}

Result<Image, ElfError> Image::open(UniqueFd fd, std::string name) {
  Image image(std::move(fd), std::move(name));
  if (auto read = image.read_header(); !read) return Failure{read.error()};
  elf_version(EV_CURRENT);
  image.handle_.reset(elf_begin(image.fd_.get(), ELF_C_READ, nullptr));
  if (!image.handle_) return image.failure(Reason::kDamaged, elf_errmsg(-1));
  if (auto read = image.read_tables(); !read) return Failure{read.error()};
  return image;
}

Result<Done, ElfError> Image::read_header() {
  struct stat status {};
  if (fstat(fd_.get(), &status) != 0) {
    return Failure{ElfError{Reason::kCannotOpen, name_, "cannot be examined", errno}};
  }
  if (!S_ISREG(status.st_mode)) return failure(Reason::kNotElf, "not a regular file");
  size_bytes_ = static_cast<std::uint64_t>(status.st_size);

  std::uint8_t bytes[sizeof header_] = {};
  const ssize_t got = read_fully(fd_.get(), 0, bytes);
  if (got < 0) return Failure{ElfError{Reason::kCannotOpen, name_, "cannot be read", errno}};
  if (got < SELFMAG || std::memcmp(bytes, ELFMAG, SELFMAG) != 0) {
    return failure(Reason::kNotElf, "does not start with the ELF magic number");
  }
  if (got <= EI_DATA) return failure(Reason::kDamaged, "ends inside the ELF header");
  if (bytes[EI_CLASS] != ELFCLASS64) return failure(Reason::kWrongMachine, "not a 64-bit ELF file");
  if (bytes[EI_DATA] != ELFDATA2LSB) return failure(Reason::kWrongMachine, "not a little-endian ELF file");
  if (got < static_cast<ssize_t>(sizeof header_)) return failure(Reason::kDamaged, "ends inside the ELF header");
  std::memcpy(&header_, bytes, sizeof header_);
  if (header_.e_machine != EM_X86_64) {
    return failure(Reason::kWrongMachine, "made for ELF machine " + std::to_string(header_.e_machine));
  }
  if (header_.e_type != ET_EXEC && header_.e_type != ET_DYN) {
    return failure(Reason::kNotElf, "ELF type " + std::to_string(header_.e_type) + " is no program or shared library");
  }
  if (header_.e_phnum > kMaxSegments) {  // PN_XNUM, which says that the true number is elsewhere, is above it too
    return failure(Reason::kTooLarge, std::to_string(header_.e_phnum) + " segments, at most " +
                                          std::to_string(kMaxSegments) + " are read");
  }
  if (header_.e_phnum > 0 && header_.e_phentsize != sizeof(Elf64_Phdr)) {
    return failure(Reason::kDamaged, "segment headers of " + std::to_string(header_.e_phentsize) + " bytes");
  }
  if (header_.e_shoff != 0 && header_.e_shentsize != sizeof(Elf64_Shdr)) {
    return failure(Reason::kDamaged, "section headers of " + std::to_string(header_.e_shentsize) + " bytes");
  }
  if (!fits(header_.e_phoff, header_.e_phnum, sizeof(Elf64_Phdr), size_bytes_)) {
    return failure(Reason::kDamaged, table_beyond_end("segments", header_.e_phnum, header_.e_phoff, size_bytes_));
  }
  // With 0 sections and a table, section 0 holds the number; linkers write that only above 65 279 sections.
  if (header_.e_shnum == 0 && header_.e_shoff != 0) return failure(Reason::kTooLarge, "more than 65279 sections");
  if (!fits(header_.e_shoff, header_.e_shnum, sizeof(Elf64_Shdr), size_bytes_)) {
    return failure(Reason::kDamaged, table_beyond_end("sections", header_.e_shnum, header_.e_shoff, size_bytes_));
  }
  return Done{};
}

Result<Done, ElfError> Image::read_tables() {
  for (std::size_t i = 0; i < header_.e_phnum; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(handle(), static_cast<int>(i), &segment) == nullptr) {
      return failure(Reason::kDamaged, std::string("unreadable segment headers: ") + elf_errmsg(-1));
    }
    segments_.push_back(segment);
  }
  for (std::size_t i = 0; i < header_.e_shnum; ++i) {
    Section section{elf_getscn(handle(), i), i, {}, {}};
    if (section.handle == nullptr || gelf_getshdr(section.handle, &section.header) == nullptr) {
      return failure(Reason::kDamaged, std::string("unreadable section headers: ") + elf_errmsg(-1));
    }
    sections_.push_back(section);
  }
  if (header_.e_shstrndx >= sections_.size()) return Done{};
  const auto names = section_bytes(sections_[header_.e_shstrndx], kMaxSectionBytes);
  if (!names) return Done{};
  for (Section& section : sections_) {
    if (section.header.sh_name >= names->size()) continue;
    const auto* start = reinterpret_cast<const char*>(names->data()) + section.header.sh_name;
    section.name = {start, strnlen(start, std::min<std::size_t>(names->size() - section.header.sh_name, 256))};
  }
  return Done{};
}

const Image::Section* Image::section_named(std::string_view name) const {
  const auto found = std::ranges::find_if(sections_, [&](const Section& section) {
    return section.name == name && section.header.sh_type != SHT_NOBITS && section.header.sh_type != SHT_NULL;
  });
  return found == sections_.end() ? nullptr : &*found;
}

const Image::Section* Image::section_of_type(std::uint32_t type) const {
  const auto found =
      std::ranges::find_if(sections_, [&](const Section& section) { return section.header.sh_type == type; });
  return found == sections_.end() ? nullptr : &*found;
}

std::optional<std::span<const std::uint8_t>> Image::section_bytes(const Section& section,
                                                                  std::uint64_t max_bytes) const {
  const GElf_Shdr& header = section.header;
  if (header.sh_type == SHT_NOBITS || header.sh_type == SHT_NULL) return std::nullopt;
  if (header.sh_size > max_bytes || !fits(header.sh_offset, header.sh_size, 1, size_bytes_)) return std::nullopt;
  if (header.sh_size == 0) return std::span<const std::uint8_t>{};
  const Elf_Data* data = elf_rawdata(section.handle, nullptr);
  if (data == nullptr || data->d_buf == nullptr) return std::nullopt;
  return std::span(static_cast<const std::uint8_t*>(data->d_buf), data->d_size);
}

std::vector<std::uint8_t> Image::read_at(std::uint64_t offset, std::size_t max_bytes) const {
  if (offset >= size_bytes_) return {};
  std::vector<std::uint8_t> bytes(std::min<std::uint64_t>(max_bytes, size_bytes_ - offset));
  const ssize_t got = read_fully(fd_.get(), offset, bytes);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::string Image::build_id() const {
  // libdwelf reads every note it comes across, whole.
  for (const GElf_Phdr& segment : segments_) {
    if (segment.p_type == PT_NOTE && segment.p_filesz > kMaxNoteBytes) return {};
  }
  for (const Section& section : sections_) {
    if (section.header.sh_type == SHT_NOTE && section.header.sh_size > kMaxNoteBytes) return {};
  }
  const void* id = nullptr;
  const ssize_t length = dwelf_elf_gnu_build_id(handle(), &id);
  if (length <= 0) return {};
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : std::span(static_cast<const std::uint8_t*>(id), static_cast<std::size_t>(length))) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

bool has_bounded_debug_info(const Image& image) {
  std::uint64_t total_bytes = 0;
  bool has_info = false;
  for (const auto& section : image.sections()) {
    if (!section.name.starts_with(".debug_") && !section.name.starts_with(".zdebug_")) continue;
    if (section.header.sh_type == SHT_NOBITS) continue;
    GElf_Chdr packed;
    const bool is_packed =
        (section.header.sh_flags & SHF_COMPRESSED) != 0 && gelf_getchdr(section.handle, &packed) != nullptr;
    const std::uint64_t bytes = is_packed ? packed.ch_size : section.header.sh_size;
    if (bytes > kMaxDebugInfoBytes) return false;
    total_bytes += bytes;
    has_info = has_info || section.name.ends_with("debug_info");
  }
  return has_info && total_bytes <= kMaxDebugInfoBytes;
}

}  // namespace poolscope::elf

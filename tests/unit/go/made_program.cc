#include "tests/unit/go/made_program.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poolscope::go::test {
namespace {

using Format = PcLineTable::Format;

// Where the parts of a table lie: header, names (Go 1.2: at the end), entries, records.
struct TableLayout {
  TableLayout(Format format, const std::vector<MadeFunction>& functions) {
    constexpr std::uint64_t kWord = 8;
    is_relative = format == Format::kGo118 || format == Format::kGo120;
    field_bytes = is_relative ? 4 : kWord;
    names_at = is_relative ? 9 * kWord : 8 * kWord;
    entries_at = names_at;
    for (const auto& function : functions) entries_at += function.name.size() + 1;
    if (format == Format::kGo12) entries_at = 2 * kWord;
    // records count from the entries, and in Go 1.2 from the table
    first_record = (2 * functions.size() + 1) * field_bytes + (format == Format::kGo12 ? entries_at : 0);
  }
  bool is_relative = false;
  std::uint64_t field_bytes = 0;
  std::uint64_t names_at = 0;
  std::uint64_t entries_at = 0;
  std::uint64_t first_record = 0;
};

void append_number(Bytes& bytes, std::uint64_t value, std::uint64_t size_bytes) {
  for (std::uint64_t i = 0; i < size_bytes; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

std::unique_ptr<elf::ElfFile> open_descriptor(int fd, const std::string& name) {
  auto file = elf::ElfFile::open(fd, name, "/proc/self/fdinfo");  // a root without debug files
  if (!file) throw std::runtime_error(describe(file.error()));
  return std::move(*file);
}

std::unique_ptr<elf::ElfFile> open_bytes(const Bytes& bytes) {
  const int fd = memfd_create("test", MFD_CLOEXEC);
  if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("cannot write a file in memory");
  return open_descriptor(fd, "made_up");
}

Bytes make_elf(const Bytes& code, const Bytes& data) {
  constexpr std::uint64_t kPage = 0x1000;
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  const std::uint64_t data_offset = kPage + (code.size() + kPage - 1) / kPage * kPage;
  Bytes elf;
  append(elf, header);
  append(elf, Elf64_Phdr{PT_LOAD, PF_R | PF_X, kPage, kCodeAddress, 0, code.size(), code.size(), kPage});
  append(elf, Elf64_Phdr{PT_LOAD, PF_R | PF_W, data_offset, kDataAddress, 0, data.size(), data.size(), kPage});
  elf.resize(data_offset + data.size());
  std::ranges::copy(code, elf.begin() + kPage);
  std::ranges::copy(data, elf.begin() + static_cast<std::ptrdiff_t>(data_offset));
  return elf;
}

Bytes make_elf_with_debug_info(const Bytes& abbreviations, const Bytes& information) {
  Bytes elf = make_elf({0x90}, Bytes(64));
  std::string names(1, '\0');
  std::vector<Elf64_Shdr> sections(1);
  const auto add = [&](const char* name, std::uint32_t type, const void* bytes, std::size_t count) {
    Elf64_Shdr section{};
    section.sh_name = static_cast<Elf64_Word>(names.size());
    section.sh_type = type;
    section.sh_offset = elf.size();
    section.sh_size = count;
    section.sh_addralign = 1;
    names += name;
    names += '\0';
    const auto* start = static_cast<const std::uint8_t*>(bytes);
    elf.insert(elf.end(), start, start + count);
    sections.push_back(section);
  };
  add(".debug_abbrev", SHT_PROGBITS, abbreviations.data(), abbreviations.size());
  add(".debug_info", SHT_PROGBITS, information.data(), information.size());
  const std::string all_names = names + ".shstrtab" + '\0';
  add(".shstrtab", SHT_STRTAB, all_names.data(), all_names.size());
  elf.resize((elf.size() + 7) / 8 * 8);
  auto& header = *reinterpret_cast<Elf64_Ehdr*>(elf.data());
  header.e_shoff = elf.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  header.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);
  for (const Elf64_Shdr& section : sections) append(elf, section);
  return elf;
}

Bytes make_build_info_header(std::uint8_t pointer_bytes, std::uint8_t flags) {
  Bytes data;
  append_text(data, "\xff Go buildinf:");
  data.push_back(pointer_bytes);
  data.push_back(flags);
  return data;
}

Bytes make_build_info(const std::string& version, const std::string& modules) {
  Bytes data = make_build_info_header(8, 2);
  data.resize(32);
  data.push_back(static_cast<std::uint8_t>(version.size()));
  append_text(data, version);
  data.push_back(static_cast<std::uint8_t>(modules.size()));
  append_text(data, modules);
  return data;
}

Bytes make_table(const TableForm& form, const std::vector<MadeFunction>& functions, std::uint64_t header_text) {
  const TableLayout layout(form.format, functions);
  Bytes table;
  append(table, form.magic);
  for (const std::uint8_t byte : {0, 0, 1, 8}) table.push_back(byte);
  const std::uint64_t count = functions.size();
  std::vector<std::uint64_t> words = {count};
  if (form.format == Format::kGo116) words = {count, 0, layout.names_at, 0, 0, 0, layout.entries_at};
  if (layout.is_relative) words = {count, 0, header_text, layout.names_at, 0, 0, 0, layout.entries_at};
  for (const std::uint64_t word : words) append(table, word);
  std::string names;
  for (const auto& function : functions) names += function.name + '\0';
  if (form.format != Format::kGo12) append_text(table, names);

  const std::uint64_t record_bytes = layout.field_bytes + sizeof(std::int32_t);
  const std::uint64_t base = layout.is_relative ? 0 : kCodeAddress;
  std::uint64_t entry = base;
  for (std::size_t i = 0; i < count; ++i) {
    append_number(table, entry, layout.field_bytes);
    append_number(table, layout.first_record + i * record_bytes, layout.field_bytes);
    entry += functions[i].size_bytes;
  }
  append_number(table, entry, layout.field_bytes);
  entry = base;
  std::uint64_t name = form.format == Format::kGo12 ? layout.first_record + count * record_bytes : 0;
  for (const auto& function : functions) {
    append_number(table, entry, layout.field_bytes);
    append_number(table, name, sizeof(std::int32_t));
    entry += function.size_bytes;
    name += function.name.size() + 1;
  }
  if (form.format == Format::kGo12) append_text(table, names);
  return table;
}

}  // namespace poolscope::go::test

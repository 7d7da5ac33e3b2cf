#include "probes/elf/elf_file.h"

#include <cstring>
#include <map>
#include <utility>

#include "probes/elf/code_map.h"
#include "probes/elf/debug_file.h"
#include "probes/elf/image.h"
#include "probes/elf/limits.h"
#include "probes/elf/lines.h"
#include "probes/elf/mini_debug_info.h"
#include "probes/elf/symbols.h"
#include "probes/elf/unwind.h"
#include "probes/elf/versions.h"

namespace poolscope::elf {
namespace {

using Reason = ElfError::Reason;

const char* way_out(Reason reason) {
  switch (reason) {
    case Reason::kCannotOpen:
      return "the agent must be allowed to read the files of the target, see `poolscope doctor`";
    case Reason::kNotElf:
      return "only ELF programs and shared libraries can be probed";
    case Reason::kWrongMachine:
      return "only 64-bit x86 programs can be probed";
    case Reason::kDamaged:
      return "was it cut off or replaced on disk? Restart the target from a whole file";
    case Reason::kTooLarge:
      return "strip it and install its symbols as a debug file below /usr/lib/debug";
  }
  return "";
}

std::string read_soname(const Image& image) {
  const Image::Section* dynamic = image.section_of_type(SHT_DYNAMIC);
  if (dynamic == nullptr || dynamic->header.sh_link >= image.sections().size()) return {};
  const auto entries = image.section_bytes(*dynamic, kMaxNoteBytes);
  const auto names = image.section_bytes(image.sections()[dynamic->header.sh_link], kMaxSectionBytes);
  if (!entries || !names) return {};
  for (std::size_t i = 0; i + sizeof(Elf64_Dyn) <= entries->size(); i += sizeof(Elf64_Dyn)) {
    Elf64_Dyn entry;
    std::memcpy(&entry, entries->data() + i, sizeof entry);
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_SONAME) return std::string(string_at(*names, entry.d_un.d_val));
  }
  return {};
}

bool has_segment(const Image& image, std::uint32_t type) {
  for (const GElf_Phdr& segment : image.segments()) {
    if (segment.p_type == type) return true;
  }
  return false;
}

class OpenedElfFile final : public ElfFile {
 public:
  OpenedElfFile(Image image, CodeMap code, std::string root)
      : image_(std::move(image)),
        code_(std::move(code)),
        root_(std::move(root)),
        build_id_(image_.build_id()),
        soname_(read_soname(image_)) {}

  Result<Done, ElfError> load_symbols();

  const std::string& display_name() const override { return image_.name(); }
  const std::string& build_id() const override { return build_id_; }
  std::string_view soname() const override { return soname_; }
  bool is_shared_object_or_pie() const override { return image_.header().e_type == ET_DYN; }
  bool has_interpreter() const override { return has_segment(image_, PT_INTERP); }
  bool has_full_symbols() const override { return has_full_symbols_; }
  std::uint64_t entry_address() const override { return image_.header().e_entry; }

  std::span<const Symbol> functions() const override { return symbols_.functions(); }
  std::vector<const Symbol*> find_function(std::string_view name) const override { return symbols_.find(name); }
  const Symbol* function_at(std::uint64_t address) const override { return symbols_.at(address); }

  std::optional<std::uint64_t> file_offset(std::uint64_t address) const override;
  std::optional<std::uint64_t> address_of_file_offset(std::uint64_t offset) const override;
  std::vector<std::uint8_t> read_code(std::uint64_t address, std::size_t max_bytes) const override;
  CodeSegment code_segment(std::uint64_t address) const override;
  std::optional<FrameStep> frame_step(std::uint64_t address) const override;
  std::string source_line(std::uint64_t address) const override;
  const Image* image() const override { return &image_; }
  const Image* debug_image() const override { return debug_file() ? &*debug_file() : nullptr; }

 private:
  bool add_full_symbols(const Image& image);
  bool add_mini_debug_info();
  const std::optional<Image>& debug_file() const;

  Image image_;
  CodeMap code_;
  std::string root_;
  std::string build_id_;
  std::string soname_;
  SymbolTable symbols_;
  bool has_full_symbols_ = false;

  mutable bool looked_for_debug_file_ = false;
  mutable std::optional<Image> debug_file_;
  mutable std::map<std::uint64_t, std::vector<std::uint8_t>> code_bytes_;  // by address of the span
  mutable std::optional<Unwinder> unwinder_;
  mutable std::optional<Lines> lines_;
};

// What the file itself lists must be readable; the other sources are a bonus, and a damaged one is as good as
// none.
Result<Done, ElfError> OpenedElfFile::load_symbols() {
  const auto exported = symbols_.add(image_, SymbolTable::Source::kDynamic, code_);
  if (!exported) return Failure{exported.error()};
  const auto full = symbols_.add(image_, SymbolTable::Source::kFull, code_);
  if (!full) return Failure{full.error()};
  has_full_symbols_ = *full || add_mini_debug_info() || (debug_file() && add_full_symbols(*debug_file()));
  symbols_.finish(code_);
  return Done{};
}

bool OpenedElfFile::add_full_symbols(const Image& image) {
  const auto added = symbols_.add(image, SymbolTable::Source::kFull, code_);
  return added && *added;
}

bool OpenedElfFile::add_mini_debug_info() {
  const Image::Section* section = image_.section_named(".gnu_debugdata");
  if (section == nullptr) return false;
  const auto packed = image_.section_bytes(*section, kMaxSectionBytes);
  if (!packed) return false;
  UniqueFd unpacked = unpack_xz(*packed, kMaxMiniDebugInfoBytes);
  if (!unpacked) return false;
  const auto image = Image::open(std::move(unpacked), image_.name() + " (.gnu_debugdata)");
  return image && add_full_symbols(*image);
}

const std::optional<Image>& OpenedElfFile::debug_file() const {
  if (!looked_for_debug_file_) debug_file_ = open_debug_file(image_, root_);
  looked_for_debug_file_ = true;
  return debug_file_;
}

std::optional<std::uint64_t> OpenedElfFile::file_offset(std::uint64_t address) const {
  const CodeSpan* span = code_.find(address);
  if (span == nullptr) return std::nullopt;
  return span->file_offset + (address - span->address);
}

std::optional<std::uint64_t> OpenedElfFile::address_of_file_offset(std::uint64_t offset) const {
  const CodeSpan* span = code_.find_offset(offset);
  if (span == nullptr) return std::nullopt;
  return span->address + (offset - span->file_offset);
}

std::vector<std::uint8_t> OpenedElfFile::read_code(std::uint64_t address, std::size_t max_bytes) const {
  const CodeSpan* span = code_.find(address);
  if (span == nullptr) return {};
  const std::uint64_t skipped = address - span->address;
  return image_.read_at(span->file_offset + skipped, std::min<std::uint64_t>(max_bytes, span->size_bytes - skipped));
}

ElfFile::CodeSegment OpenedElfFile::code_segment(std::uint64_t address) const {
  const CodeSpan* span = code_.find(address);
  if (span == nullptr || span->size_bytes > kMaxSectionBytes) return {};
  const auto [entry, is_new] = code_bytes_.try_emplace(span->address);
  if (is_new) entry->second = image_.read_at(span->file_offset, span->size_bytes);
  return {span->address, entry->second};
}

std::optional<FrameStep> OpenedElfFile::frame_step(std::uint64_t address) const {
  if (!unwinder_) unwinder_.emplace(image_);
  return unwinder_->step(address);
}

std::string OpenedElfFile::source_line(std::uint64_t address) const {
  if (!lines_) {
    const bool own = Lines::present_in(image_);
    if (!own && !debug_file()) return {};
    lines_.emplace(own ? image_ : *debug_file());
  }
  return lines_->at(address);
}

}  // namespace

std::string describe(const ElfError& error) {
  std::string text = "cannot read " + error.object + ": " + error.detail;
  if (error.sys_errno != 0) text += std::string(" (") + strerrorname_np(error.sys_errno) + ")";
  return text + "; " + way_out(error.reason);
}

Result<std::unique_ptr<ElfFile>, ElfError> ElfFile::open(int fd, std::string display_name, std::string root) {
  auto image = Image::open(UniqueFd(fd), std::move(display_name));
  if (!image) return Failure{image.error()};
  auto code = CodeMap::of(*image);
  if (!code) return Failure{code.error()};
  auto file = std::make_unique<OpenedElfFile>(std::move(*image), std::move(*code), std::move(root));
  if (auto loaded = file->load_symbols(); !loaded) return Failure{loaded.error()};
  return std::unique_ptr<ElfFile>(std::move(file));
}

}  // namespace poolscope::elf

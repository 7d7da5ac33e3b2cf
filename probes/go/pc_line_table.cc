#include "probes/go/pc_line_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace poolscope::go {
namespace {

using Reason = PcLineTableError::Reason;

constexpr std::uint32_t kMagicGo12 = 0xfffffffb;
constexpr std::uint32_t kMagicGo116 = 0xfffffffa;
constexpr std::uint32_t kMagicGo118 = 0xfffffff0;
constexpr std::uint32_t kMagicGo120 = 0xfffffff1;
constexpr std::array kMagics = {kMagicGo120, kMagicGo118, kMagicGo116, kMagicGo12};

// Headers without a section that are followed up: each costs reading what may be its table.
constexpr int kMaxTries = 4;

constexpr std::uint64_t kFixedHeaderBytes = 8;  // magic, 0, 0, smallest instruction, pointer
constexpr std::uint64_t kWord = 8;
// Word of the header behind the fixed part; the first is the number of functions.
constexpr std::uint64_t kTextStartWord =
    2;  // since Go 1.18; in 1.16 there is none, and the offsets are one word earlier

struct Header {
  std::uint32_t magic = 0;
  std::uint8_t zero[2] = {};
  std::uint8_t instruction_bytes = 1;
  std::uint8_t pointer_bytes = kWord;
};
static_assert(sizeof(Header) == kFixedHeaderBytes);

bool is_header(const Header& header) {
  return std::ranges::find(kMagics, header.magic) != kMagics.end() && header.zero[0] == 0 && header.zero[1] == 0 &&
         header.instruction_bytes == 1 && header.pointer_bytes == kWord;
}

struct Location {
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;  // at most; a table that was found without its section ends earlier
};

Failure<PcLineTableError> failure(Reason reason, const std::string& object, std::string detail) {
  return Failure{PcLineTableError{reason, object, std::move(detail)}};
}

std::optional<Location> section_location(const elf::Image& image) {
  for (const char* name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
    const auto* section = image.section_named(name);
    if (section != nullptr) return Location{section->header.sh_addr, section->header.sh_size};
  }
  return std::nullopt;
}

std::optional<std::uint64_t> text_symbol(const elf::ElfFile& file) {
  const auto symbols = file.find_function("runtime.text");
  if (!symbols.empty()) return symbols.front()->address;
  const auto* section = file.image()->section_named(".text");
  if (section == nullptr) return std::nullopt;
  return section->header.sh_addr;
}

Result<PcLineTable, PcLineTableError> read_table(const elf::ElfFile& file, const FileMemory& memory,
                                                 const Location& location) {
  const std::string& object = file.display_name();
  if (location.size_bytes > kMaxTableBytes)
    return failure(Reason::kTooLarge, object, std::to_string(location.size_bytes) + " bytes");
  std::vector<std::uint8_t> bytes(location.size_bytes);
  if (!memory.read(location.address, std::as_writable_bytes(std::span(bytes))))
    return failure(Reason::kDamaged, object, "it does not lie in the bytes of the file");
  return PcLineTable::parse(std::move(bytes), text_symbol(file), object);
}

Result<PcLineTable, PcLineTableError> locate_and_read(const elf::ElfFile& file, const FileMemory& memory,
                                                      Location& place) {
  if (const auto section = section_location(*file.image())) {
    place = *section;
    return read_table(file, memory, place);
  }
  std::optional<PcLineTable> table;
  int tries = 0;
  const auto try_at = [&](const FileMemory::Span& span, std::uint64_t address) {
    const std::uint64_t room_bytes = span.size_bytes - (address - span.address);
    place = {address, std::min(room_bytes, kMaxTableBytes)};
    auto read = read_table(file, memory, place);
    if (read) table = std::move(*read);
    return table || ++tries == kMaxTries;
  };
  // in the code last: only old linkers put constants there too
  for (const bool executable : {false, true}) {
    for (const auto& span : memory.spans()) {
      if (span.is_executable != executable) continue;
      for (const std::uint32_t magic : kMagics) {
        const Header header{.magic = magic};
        const auto pattern = std::as_bytes(std::span(&header, 1));
        if (!scan(memory, span, pattern, kWord, [&](std::uint64_t address) { return try_at(span, address); })) continue;
        if (table) return std::move(*table);
        return failure(Reason::kNotFound, file.display_name(), "what looks like its header is none");
      }
    }
  }
  return failure(Reason::kNotFound, file.display_name(), "there is no .gopclntab, and nothing like it in the segments");
}

}  // namespace

std::string describe(const PcLineTableError& error) {
  std::string what = "no Go function table in " + error.object + ": ";
  switch (error.reason) {
    case Reason::kNotFound:
      return what + error.detail + "; is it a Go program, and not packed?";
    case Reason::kDamaged:
      return what + error.detail + "; was the file cut off or obfuscated?";
    case Reason::kTooLarge:
      return what + error.detail + ", at most " + std::to_string(kMaxTableBytes) + " are read";
  }
  return what;
}

bool PcLineTable::has_section(const elf::Image& image) {
  return section_location(image).has_value();
}

Result<PcLineTable, PcLineTableError> PcLineTable::open(const elf::ElfFile& file, const FileMemory& memory) {
  Location place;
  auto table = locate_and_read(file, memory, place);
  if (!table) return table;
  const ModuleDataQuery query{place.address, place.size_bytes, table->format_ == Format::kGo120};
  if (table->format_ != Format::kGo12) table->module_data_ = find_module_data(*file.image(), memory, query);
  if (table->lacks_text_start() && table->module_data_) table->text_start_ = table->module_data_->text_start;
  return table;
}

Result<PcLineTable, PcLineTableError> PcLineTable::parse(std::vector<std::uint8_t> bytes,
                                                         std::optional<std::uint64_t> text_start,
                                                         const std::string& object) {
  PcLineTable table;
  table.bytes_ = std::move(bytes);
  if (!table.read_header()) return failure(Reason::kDamaged, object, "its header does not fit its bytes");
  if (table.lacks_text_start()) {
    if (!text_start) return failure(Reason::kDamaged, object, "nothing says where its code starts");
    table.text_start_ = *text_start;
  }
  return table;
}

bool PcLineTable::lacks_text_start() const {
  return is_relative_to_text() && number(kFixedHeaderBytes + kTextStartWord * kWord, kWord) == 0;
}

bool PcLineTable::read_header() {
  Header header;
  if (bytes_.size() < sizeof header) return false;
  std::memcpy(&header, bytes_.data(), sizeof header);
  if (!is_header(header)) return false;
  const auto word = [&](std::uint64_t index) { return number(kFixedHeaderBytes + index * kWord, kWord); };
  function_count_ = word(0);
  switch (header.magic) {
    case kMagicGo12:
      format_ = Format::kGo12;
      entries_offset_ = kFixedHeaderBytes + kWord;  // names and records count from the start of the table
      break;
    case kMagicGo116:
      format_ = Format::kGo116;
      names_offset_ = word(2);
      records_offset_ = entries_offset_ = word(6);
      break;
    default:
      format_ = header.magic == kMagicGo118 ? Format::kGo118 : Format::kGo120;
      text_start_ = word(kTextStartWord);
      names_offset_ = word(3);
      records_offset_ = entries_offset_ = word(7);
  }
  // One more entry than functions: it holds the end of the last one, and is half as long as the others.
  const std::uint64_t entry_bytes = 2 * field_bytes();
  const std::uint64_t size_bytes = bytes_.size();
  return names_offset_ <= size_bytes && entries_offset_ <= size_bytes && function_count_ <= size_bytes / entry_bytes &&
         function_count_ * entry_bytes + field_bytes() <= size_bytes - entries_offset_;
}

// 0 where the table has no such bytes; a text start, a count or an offset of 0 is harmless everywhere.
std::uint64_t PcLineTable::number(std::uint64_t offset, std::uint64_t bytes) const {
  std::uint64_t value = 0;
  if (offset <= bytes_.size() && bytes <= bytes_.size() - offset) std::memcpy(&value, bytes_.data() + offset, bytes);
  return value;
}

std::uint64_t PcLineTable::entry_address(std::size_t index) const {
  return text_start_ + number(entries_offset_ + index * 2 * field_bytes(), field_bytes());
}

std::optional<std::string_view> PcLineTable::name_of(std::size_t index) const {
  const std::uint64_t record = number(entries_offset_ + (index * 2 + 1) * field_bytes(), field_bytes());
  if (record > bytes_.size() - records_offset_) return std::nullopt;
  // a record starts with the entry of the function; its name comes next
  const std::uint64_t at = records_offset_ + record + field_bytes();
  if (at > bytes_.size() || bytes_.size() - at < sizeof(std::int32_t)) return std::nullopt;
  const std::uint64_t name = number(at, sizeof(std::int32_t));
  if (name >= bytes_.size() - names_offset_) return std::nullopt;
  const auto* start = reinterpret_cast<const char*>(bytes_.data() + names_offset_ + name);
  const std::size_t room_bytes = std::min(bytes_.size() - names_offset_ - name, kMaxFunctionNameBytes);
  return std::string_view(start, room_bytes);
}

std::optional<GoFunction> PcLineTable::function(std::size_t index) const {
  if (index >= function_count_) return std::nullopt;
  const auto name = name_of(index);
  const std::uint64_t start = entry_address(index);
  const std::uint64_t end = entry_address(index + 1);
  if (!name || end <= start) return std::nullopt;
  const std::size_t length = name->find('\0');
  if (length == std::string_view::npos) return std::nullopt;
  return GoFunction{std::string(name->substr(0, length)), start, end - start};
}

std::optional<GoFunction> PcLineTable::find(std::string_view name) const {
  for (std::size_t index = 0; index < function_count_; ++index) {
    const auto candidate = name_of(index);
    const bool is_it = candidate && candidate->size() > name.size() && candidate->starts_with(name) &&
                       (*candidate)[name.size()] == '\0';
    if (!is_it) continue;
    if (auto found = function(index)) return found;
  }
  return std::nullopt;
}

std::optional<GoFunction> PcLineTable::at(std::uint64_t address) const {
  std::size_t low = 0, high = function_count_;  // the last entry at or before `address` is in [low, high)
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (entry_address(middle) <= address ? low : high) = middle;
  }
  auto found = function(low);
  if (found && address - found->address >= found->size_bytes) return std::nullopt;
  return found;
}

}  // namespace poolscope::go

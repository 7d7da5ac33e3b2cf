#include "probes/go/build_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace poolscope::go {
namespace {

using Reason = BuildInfoError::Reason;

constexpr std::string_view kMagic = "\xff Go buildinf:";
constexpr std::uint64_t kAlignmentBytes = 16;
constexpr std::uint64_t kHeaderBytes = 32;
constexpr std::uint8_t kBigEndian = 1;
constexpr std::uint8_t kStringsInPlace = 2;
constexpr unsigned kMaxVarintShift = 28;
// The module text stands between two marks of 16 bytes, by which `go version` finds it in very old programs.
constexpr std::size_t kMarkBytes = 16;

struct Header {
  char magic[14];
  std::uint8_t pointer_bytes;
  std::uint8_t flags;
  std::uint64_t version_string;  // address of a Go string {data, length}; only when the strings are not in place
  std::uint64_t module_string;
};
static_assert(sizeof(Header) == kHeaderBytes);

std::optional<std::string> text_at(const FileMemory& memory, std::uint64_t address, std::uint64_t length,
                                   std::uint64_t max_bytes) {
  if (length > max_bytes) return std::nullopt;
  std::string text(length, '\0');
  if (length != 0 && !memory.read(address, std::as_writable_bytes(std::span(text)))) return std::nullopt;
  return text;
}

std::optional<std::string> go_string_at(const FileMemory& memory, std::uint64_t address, std::uint64_t max_bytes) {
  const auto header = memory.value<std::array<std::uint64_t, 2>>(address);
  if (!header) return std::nullopt;
  return text_at(memory, (*header)[0], (*header)[1], max_bytes);
}

// A varint length and as many bytes; moves `address` behind them.
std::optional<std::string> take_text(const FileMemory& memory, std::uint64_t& address, std::uint64_t max_bytes) {
  std::uint64_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = memory.value<std::uint8_t>(address++);
    if (!byte || shift > kMaxVarintShift) return std::nullopt;
    length |= std::uint64_t{*byte & 0x7fu} << shift;
    if ((*byte & 0x80) == 0) break;
  }
  auto text = text_at(memory, address, length, max_bytes);
  address += length;
  return text;
}

std::optional<std::uint64_t> find_header(const elf::Image& image, const FileMemory& memory) {
  const auto pattern = std::as_bytes(std::span(kMagic));
  std::optional<std::uint64_t> found;
  const auto keep = [&](std::uint64_t address) {
    found = address;
    return true;
  };
  if (const auto* section = image.section_named(".go.buildinfo")) {
    const auto* span = memory.span_at(section->header.sh_addr);
    if (span != nullptr) {
      FileMemory::Span part = *span;
      part.address = section->header.sh_addr;
      part.size_bytes =
          std::min<std::uint64_t>(section->header.sh_size, span->size_bytes - (part.address - span->address));
      if (scan(memory, part, pattern, kAlignmentBytes, keep)) return found;
    }
  }
  for (const auto& span : memory.spans()) {
    if (span.is_writable && scan(memory, span, pattern, kAlignmentBytes, keep)) return found;
  }
  return std::nullopt;
}

// Keys and values with blanks or quotes are quoted; of Go's escapes only \" and \\ stand in flags of real builds.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back() || (text.front() != '"' && text.front() != '`'))
    return std::string(text);
  const bool has_escapes = text.front() == '"';
  text = text.substr(1, text.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes = has_escapes && text[i] == '\\' && i + 1 < text.size();
    if (escapes && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    plain += text[i];
  }
  return plain;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

void parse_setting(std::string_view line, BuildInfo& info) {
  // a quoted key may hold an equals sign
  std::size_t equals = line.find('=');
  if (line.starts_with('"')) equals = line.find("\"=") + 1;
  if (equals == 0 || equals >= line.size()) return;
  info.settings.emplace_back(unquoted(line.substr(0, equals)), unquoted(line.substr(equals + 1)));
}

void parse_modules(std::string_view text, BuildInfo& info) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view kind = take_until(line, '\t');
    if (kind == "path") info.main_package = line;
    if (kind == "mod") {
      info.main_module = take_until(line, '\t');
      info.main_module_version = take_until(line, '\t');
    }
    if (kind == "build") parse_setting(line, info);
  }
}

std::string_view without_marks(std::string_view text) {
  if (text.size() < 2 * kMarkBytes + 1 || text[text.size() - kMarkBytes - 1] != '\n') return {};
  return text.substr(kMarkBytes, text.size() - 2 * kMarkBytes);
}

}  // namespace

std::string describe(const BuildInfoError& error) {
  if (error.reason == Reason::kNotGo) return error.object + " is no Go program: " + error.detail;
  return "cannot read the build information of " + error.object + ": " + error.detail +
         "; was the file packed, obfuscated or cut off?";
}

std::optional<GoVersion> parse_go_version(std::string_view text) {
  for (std::size_t at = text.find("go"); at != std::string_view::npos; at = text.find("go", at + 1)) {
    GoVersion version;
    const char* end = text.data() + text.size();
    const auto major = std::from_chars(text.data() + at + 2, end, version.major);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') continue;
    if (std::from_chars(major.ptr + 1, end, version.minor).ec == std::errc{}) return version;
  }
  return std::nullopt;
}

const std::string* BuildInfo::setting(std::string_view key) const {
  const auto found = std::ranges::find(settings, key, [](const auto& each) -> std::string_view { return each.first; });
  return found == settings.end() ? nullptr : &found->second;
}

Result<BuildInfo, BuildInfoError> read_build_info(const elf::Image& image, const FileMemory& memory) {
  const auto address = find_header(image, memory);
  if (!address) return Failure{BuildInfoError{Reason::kNotGo, image.name(), "it carries no Go build information"}};
  const auto damaged = [&](const char* detail) {
    return Failure{BuildInfoError{Reason::kDamaged, image.name(), detail}};
  };
  const auto header = memory.value<Header>(*address);
  if (!header) return damaged("it ends inside its header");

  std::optional<std::string> version, modules;
  if ((header->flags & kStringsInPlace) != 0) {
    std::uint64_t next = *address + kHeaderBytes;
    version = take_text(memory, next, kMaxVersionBytes);
    if (version) modules = take_text(memory, next, kMaxModuleBytes);
  } else {
    if (header->pointer_bytes != 8 || (header->flags & kBigEndian) != 0)
      return damaged("its pointers are not those of a 64-bit little-endian machine");
    version = go_string_at(memory, header->version_string, kMaxVersionBytes);
    modules = header->module_string == 0 ? "" : go_string_at(memory, header->module_string, kMaxModuleBytes);
  }
  if (!version) return damaged("its version text cannot be read");
  if (!modules) return damaged("its module text cannot be read");
  BuildInfo info;
  info.version_text = *version;
  info.version = parse_go_version(*version);
  parse_modules(without_marks(*modules), info);
  return info;
}

}  // namespace poolscope::go

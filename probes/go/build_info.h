#pragma once
// BuildInfo: what the Go linker writes into every program about how it was built: Go version, main module, settings.
//   Where    .go.buildinfo, else the 16-byte aligned magic "\xff Go buildinf:" anywhere in the writable segments.
//            Stripping keeps it.
//   Formats  two pointers to Go strings (before Go 1.18), both strings in place (since).
//   Hostile  lengths are capped (kMaxVersionBytes, kMaxModuleBytes); pointers that lead nowhere give kDamaged.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"
#include "probes/go/file_memory.h"

namespace poolscope::go {

inline constexpr std::uint64_t kMaxVersionBytes = 1024;
inline constexpr std::uint64_t kMaxModuleBytes = 4u << 20;

struct GoVersion {
  unsigned major = 0;
  unsigned minor = 0;
  // clang-tidy 14 takes a defaulted <=> for a null pointer
  auto operator<=>(const GoVersion&) const = default;  // NOLINT(modernize-use-nullptr): sees a pointer in 0
};
// "go1.19.8", "go1.22rc1", "devel go1.20-abcdef Mon..." give 1.19, 1.22, 1.20; anything else nothing.
[[nodiscard]] std::optional<GoVersion> parse_go_version(std::string_view text);

struct BuildInfo {
  std::string version_text;          // "go1.19.8", as the program carries it
  std::optional<GoVersion> version;  // nothing where the text has none ("devel +0a1b2c")
  std::string main_package;          // import path of package main; empty when the program was built without modules
  std::string main_module;           // "github.com/prometheus/prometheus"; may be empty too
  std::string main_module_version;   // "v2.42.0", "(devel)"
  std::vector<std::pair<std::string, std::string>> settings;  // "-race" -> "true", "CGO_ENABLED" -> "1"; since Go 1.18

  // nullptr when it is not there.
  [[nodiscard]] const std::string* setting(std::string_view key) const;
};

struct BuildInfoError {
  enum class Reason { kNotGo, kDamaged };
  Reason reason;
  std::string object;  // display name of the file
  std::string detail;  // what was wrong, for a person
};
[[nodiscard]] std::string describe(const BuildInfoError& error);

[[nodiscard]] Result<BuildInfo, BuildInfoError> read_build_info(const elf::Image& image, const FileMemory& memory);

}  // namespace poolscope::go

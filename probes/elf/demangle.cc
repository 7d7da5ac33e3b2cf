#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <llvm/Demangle/Demangle.h>

#include "probes/elf/elf_file.h"

namespace poolscope::elf {
namespace {

// Names above these limits are shown as they are. A mangled name can refer back to parts of itself, so that its text doubles
// with each pair of references: 255 bytes can stand for a gigabyte. Of 79,272 names in libstdc++, LLVM, clang and Boost
// none has more than 40 references and 7 have more than 30.
constexpr std::size_t kMaxMangledBytes = 4096;
constexpr std::size_t kMaxReferences = 32;     // "S_", "S1_", "T0_" in C++, "B3_" in Rust
constexpr std::size_t kMaxPackExpansions = 2;  // "Dp", "sp": each prints its pattern once per element

// Both find what they count inside identifiers too, which only makes them stricter.
std::size_t count_references(std::string_view name, std::string_view openers, std::string_view digits) {
  std::size_t count = 0;
  for (std::size_t i = name.find_first_of(openers); i != name.npos; i = name.find_first_of(openers, i + 1)) {
    const std::size_t end = name.find_first_not_of(digits, i + 1);
    if (end == name.npos || name[end] != '_') continue;
    ++count;
    i = end;
  }
  return count;
}

std::size_t count_pack_expansions(std::string_view name) {
  std::size_t count = 0;
  for (std::size_t i = name.find('p', 1); i != name.npos && i + 1 < name.size(); i = name.find('p', i + 1)) {
    const bool is_expression =
        name[i - 1] == 's' && std::string_view("TLfc").find(name[i + 1]) != std::string_view::npos;
    if (name[i - 1] == 'D' || is_expression) ++count;
  }
  return count;
}

bool is_harmless_cpp(std::string_view name) {
  return name.size() <= kMaxMangledBytes && count_pack_expansions(name) <= kMaxPackExpansions &&
         count_references(name, "ST", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") <= kMaxReferences;
}

bool is_harmless_rust(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return name.size() <= kMaxMangledBytes && count_references(name, "B", kDigits) <= kMaxReferences;
}

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

std::optional<std::string> taken(char* text) {
  if (text == nullptr) return std::nullopt;
  const std::unique_ptr<char, FreeText> owner(text);
  return std::string(text);
}

struct Escape {
  std::string_view code, text;
};
constexpr Escape kRustEscapes[] = {{"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"},
                                   {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}};

// The text of "$code$", e.g. "<" of "LT" and "~" of "u7e"; nothing for codes that rustc does not write.
std::optional<std::string> unescape(std::string_view code) {
  const auto known = std::ranges::find(kRustEscapes, code, &Escape::code);
  if (known != std::end(kRustEscapes)) return std::string(known->text);
  if (!code.starts_with('u')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), value, 16);
  // rustc writes letters and digits beyond ASCII as they are and has escapes for punctuation only.
  if (error != std::errc{} || end != code.data() + code.size() || value < 0x20 || value > 0x7e) return std::nullopt;
  return std::string(1, static_cast<char>(value));
}

std::string readable_component(std::string_view part) {
  if (part.starts_with("_$")) part.remove_prefix(1);  // rustc puts "_" before a name that would start with an escape
  std::string text;
  while (!part.empty()) {
    if (part.starts_with("..")) {
      text += "::";
      part.remove_prefix(2);
      continue;
    }
    const std::size_t close = part.front() == '$' ? part.find('$', 1) : part.npos;
    const auto escaped = close == part.npos ? std::nullopt : unescape(part.substr(1, close - 1));
    text += escaped ? *escaped : std::string(1, part.front());
    part.remove_prefix(escaped ? close + 1 : 1);
  }
  return text;
}

bool is_rust_hash(std::string_view part) {
  return part.size() == 17 && part.front() == 'h' &&
         part.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

// "_ZN4core3fmt5Write9write_fmt17h<16 hex digits>E": a C++ nested name whose last part is a hash.
std::optional<std::string> demangle_rust_legacy(std::string_view name) {
  if (!name.starts_with("_ZN")) return std::nullopt;
  name.remove_prefix(3);
  std::string text, pending;
  bool pending_is_hash = false;
  while (!name.empty() && name.front() != 'E') {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), length);
    const auto digits = static_cast<std::size_t>(end - name.data());
    if (error != std::errc{} || length == 0 || length > name.size() - digits) return std::nullopt;
    if (!pending.empty()) text += (text.empty() ? "" : "::") + pending;
    const std::string_view part = name.substr(digits, length);
    pending_is_hash = is_rust_hash(part);
    pending = readable_component(part);
    name.remove_prefix(digits + length);
  }
  // After the E only what compilers append: ".llvm.1234", ".cold".
  const bool whole = name.size() == 1 || (name.size() > 1 && name[1] == '.');
  return whole && pending_is_hash && !text.empty() ? std::optional(text) : std::nullopt;
}

}  // namespace

std::string demangle(std::string_view name) {
  std::string mangled(name);
  if (name.starts_with("_R") && is_harmless_rust(name)) {
    if (auto text = taken(llvm::rustDemangle(mangled.c_str(), nullptr, nullptr, nullptr))) return *text;
  }
  if (auto text = demangle_rust_legacy(name)) return *text;
  if (name.starts_with("_Z") && is_harmless_cpp(name)) {
    if (auto text = taken(llvm::itaniumDemangle(mangled.c_str(), nullptr, nullptr, nullptr))) return *text;
  }
  return mangled;
}

}  // namespace poolscope::elf

// is_allocation_wrapper(): tells by its name whether a function only passes allocations on.

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "probes/collectors/allocator_plan.h"

namespace poolscope::probes {
namespace {

constexpr std::string_view kOperator = "operator";
constexpr std::string_view kScope = "::";

bool is_identifier(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Length of "operator<<", "operator()" and the like at `at`: brackets that bracket nothing. 0 when there is none.
std::size_t operator_length(std::string_view symbol, std::size_t at) {
  static constexpr std::array<std::string_view, 11> kSigns = {"()", "<=>", "<<=", ">>=", "->*", "<<",
                                                              ">>", "<=",  ">=",  "->",  "[]"};
  const auto text = symbol.substr(at);
  if (!text.starts_with(kOperator) || (at > 0 && is_identifier(symbol[at - 1]))) return 0;
  const auto rest = text.substr(kOperator.size());
  for (const auto sign : kSigns) {
    if (rest.starts_with(sign)) return kOperator.size() + sign.size();
  }
  return rest.starts_with("<") || rest.starts_with(">") ? kOperator.size() + 1 : 0;
}

struct Name {
  std::string_view path;  // qualified, with template arguments, without return type and parameters
  std::string_view last;  // its last part, without template arguments
};

// Walks over a demangled signature outside of brackets: "T* ns::make<U (*)(int)>(int) const" is ns::make<U (*)(int)>, make.
Name parse(std::string_view symbol) {
  std::size_t depth = 0, start = 0, last = 0, last_end = std::string_view::npos, end = symbol.size();
  for (std::size_t i = 0; i < symbol.size(); ++i) {
    const char c = symbol[i];
    if (const std::size_t length = operator_length(symbol, i); length != 0) {
      i += length - 1;
      continue;
    }
    if (c == '(' && depth == 0 && i != last) {  // a part that begins with one is (anonymous namespace)
      end = i;
      break;
    }
    if (depth == 0 && c == ' ' && !symbol.substr(0, i).ends_with(kOperator)) {
      start = last = i + 1;
      last_end = std::string_view::npos;
    }
    if (depth == 0 && symbol.substr(i).starts_with(kScope)) {
      last = i + kScope.size();
      last_end = std::string_view::npos;
    }
    if (depth == 0 && (c == '<' || c == '[') && i != last && last_end == std::string_view::npos) last_end = i;
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if ((c == '>' || c == ')' || c == '}' || c == ']') && depth > 0) --depth;
  }
  last = std::min(last, end);
  return {symbol.substr(start, end - start), symbol.substr(last, std::min(last_end, end) - last)};
}

// A word of an identifier, in lower case.
bool means_allocation(const std::string& word) {
  if (word.starts_with("dealloc") || word.starts_with("unalloc") || word == "dedup") return false;
  if (word.find("allocation") != std::string::npos) return false;
  if (word == "allocate" || word == "reallocate" || word == "dup") return true;
  for (const std::string_view part : {"malloc", "calloc", "realloc"}) {
    if (word.find(part) != std::string::npos) return true;
  }
  static constexpr std::array<std::string_view, 6> kEndings = {"alloc",  "strdup", "strndup",
                                                               "wcsdup", "memdup", "asprintf"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](auto ending) { return word.ends_with(ending); });
}

// Words are parted by anything that is no letter and by capitals: MemoryContextAlloc, g_try_malloc0_n, OPENSSL_malloc.
bool has_allocating_word(std::string_view identifier) {
  std::string word;
  char previous = 0;
  for (const char c : identifier) {
    const bool is_letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool starts_word =
        std::isupper(static_cast<unsigned char>(c)) != 0 && std::islower(static_cast<unsigned char>(previous)) != 0;
    if ((!is_letter || starts_word) && means_allocation(std::exchange(word, {}))) return true;
    if (is_letter) word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    previous = c;
  }
  return means_allocation(word);
}

// The insides of the standard libraries of C++ and Rust, except where they only call what they were given: the code of a
// lambda or a functor may have been inlined there.
bool is_of_standard_library(std::string_view path) {
  static constexpr std::array<std::string_view, 6> kStarts = {
      "std::", "__gnu_cxx::", "alloc::", "core::", "<alloc::", "<core::"};
  static constexpr std::array<std::string_view, 6> kCallers = {"{lambda",  "{{closure",  "::_M_invoke",
                                                               "::_M_run", "::__invoke", "'lambda"};
  const auto starts = [&](auto start) { return path.starts_with(start); };
  const auto contains = [&](auto part) { return path.find(part) != std::string_view::npos; };
  return std::any_of(kStarts.begin(), kStarts.end(), starts) &&
         std::none_of(kCallers.begin(), kCallers.end(), contains);
}

}  // namespace

bool is_allocation_wrapper(const std::string& symbol) {
  const Name name = parse(symbol);
  return is_of_standard_library(name.path) || name.last.starts_with("operator new") || has_allocating_word(name.last);
}

}  // namespace poolscope::probes

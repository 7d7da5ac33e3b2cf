// Texts for people: types, places in the code, misuse.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <typeinfo>

#include <cxxabi.h>
#include <dlfcn.h>

#include "poolscope/detail/memory_marks.h"
#include "poolscope/object_pool.h"

namespace poolscope {
namespace {

std::string place(const void* address) {
  if (address == nullptr) return "somebody unknown";
  char text[256];
  Dl_info info;
  if (dladdr(address, &info) != 0 && info.dli_sname != nullptr)
    std::snprintf(text, sizeof(text), "%s+0x%tx", info.dli_sname,
                  static_cast<const char*>(address) - static_cast<const char*>(info.dli_saddr));
  else if (dladdr(address, &info) != 0)
    std::snprintf(text, sizeof(text), "%s+0x%tx", info.dli_fname,
                  static_cast<const char*>(address) - static_cast<const char*>(info.dli_fbase));
  else
    std::snprintf(text, sizeof(text), "%p", address);
  return text;
}

const char* what(PoolMisuse::Kind kind) {
  switch (kind) {
    case PoolMisuse::Kind::kReleasedTwice:
      return "released twice";
    case PoolMisuse::Kind::kForeign:
      return "released, but is not of this pool or was destroyed";
    case PoolMisuse::Kind::kUsedAfterRelease:
      return "written to after its release";
    case PoolMisuse::Kind::kLeaked:
      return "not released";
  }
  return "misused";
}

}  // namespace

std::string describe(const PoolMisuse& misuse) {
  char object[32];
  std::snprintf(object, sizeof(object), "%p", misuse.object);
  std::string text = std::string("pool ") + misuse.pool + ": " + object + " " + what(misuse.kind) +
                     "; last borrowed by " + place(misuse.borrower);
  if (misuse.borrowed_ns > 0) text += " " + std::to_string(misuse.borrowed_ns / 1'000'000) + " ms ago";
  return text;
}

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                         &std::free);
  return text ? text.get() : type.name();
}

std::uint64_t detail::fingerprint_bytes(const void* object, std::size_t bytes) noexcept {
  std::uint64_t value = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < bytes; ++i)
    value = (value ^ static_cast<const unsigned char*>(object)[i]) * 0x100000001b3;
  return value;
}

}  // namespace poolscope

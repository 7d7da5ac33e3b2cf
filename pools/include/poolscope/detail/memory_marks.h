#pragma once
// Tells memory checkers that idle objects are not to be touched. AddressSanitizer: whenever the including code is compiled with it.
// Valgrind: with POOLSCOPE_VALGRIND defined, which costs some instructions per call.

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define POOLSCOPE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLSCOPE_ASAN 1
#endif
#endif
// A name of its own for each way: a program may be compiled with what the library was not.
#ifdef POOLSCOPE_ASAN
#include <sanitizer/asan_interface.h>
#define POOLSCOPE_MARKS marks_with_asan
#elif defined(POOLSCOPE_VALGRIND)
#define POOLSCOPE_MARKS marks_with_valgrind
#else
#define POOLSCOPE_MARKS no_marks
#endif
#ifdef POOLSCOPE_VALGRIND
#include <valgrind/memcheck.h>
#endif

namespace poolscope::detail {

inline namespace POOLSCOPE_MARKS {

inline void mark_idle([[maybe_unused]] void* object, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef POOLSCOPE_VALGRIND
  VALGRIND_MAKE_MEM_NOACCESS(object, bytes);
#endif
#ifdef POOLSCOPE_ASAN
  ASAN_POISON_MEMORY_REGION(object, bytes);
#endif
}

inline void mark_borrowed([[maybe_unused]] void* object, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef POOLSCOPE_ASAN
  if (object != nullptr) ASAN_UNPOISON_MEMORY_REGION(object, bytes);
#endif
#ifdef POOLSCOPE_VALGRIND
  if (object != nullptr) VALGRIND_MAKE_MEM_DEFINED(object, bytes);
#endif
}

}  // namespace POOLSCOPE_MARKS

// FNV-1a over the bytes of an object, padding included: only what changes matters.
std::uint64_t fingerprint_bytes(const void* object, std::size_t bytes) noexcept;

}  // namespace poolscope::detail

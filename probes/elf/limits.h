#pragma once
// How much of a foreign file we are ready to read. A file above a limit gives ElfError::Reason::kTooLarge, or
// goes without the part in question where the rest is usable.

#include <cstddef>
#include <cstdint>

namespace poolscope::elf {

inline constexpr std::size_t kMaxSections = 65'536;
inline constexpr std::size_t kMaxSegments = 1'024;
inline constexpr std::uint64_t kMaxSectionBytes = 256u << 20;  // one section or code segment
inline constexpr std::uint64_t kMaxNoteBytes = 64u << 10;
inline constexpr std::size_t kMaxSymbols = 4'000'000;
inline constexpr std::size_t kMaxNameBytes = 64u << 10;       // one symbol name; longer ones are skipped
inline constexpr std::uint64_t kMaxAllNamesBytes = 1u << 30;  // names may share bytes in the file, not in our memory
inline constexpr std::size_t kMaxVersions = 32'768;           // the version index has 15 bits
inline constexpr std::uint64_t kMaxMiniDebugInfoBytes = 256u << 20;  // unpacked
inline constexpr std::uint64_t kMaxXzMemoryBytes = 128u << 20;       // dictionary of the decompressor
inline constexpr std::uint64_t kMaxDebugInfoBytes = 1u << 30;        // all .debug_* sections together, unpacked
inline constexpr std::size_t kMaxFrameFunctions = 4'000'000;
inline constexpr std::size_t kMaxFrameProgramBytes = 64u << 10;  // unwind instructions of one function
inline constexpr std::size_t kMaxRememberedRows = 64;
inline constexpr std::size_t kMaxLineRanges = 4'000'000;

}  // namespace poolscope::elf

#pragma once
// The bytes of a recording (docs/reference/recording.md): zstd frames of text, and between them zstd's skippable frames that say where the
// text begins and of which time it is. All numbers little-endian.
//   Foreign   every length is checked against a limit and against what is there before anything is read or allocated.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"

namespace poolscope::recording {

inline constexpr std::uint32_t kFormatVersion = 1;
// Of one chunk; a writer closes it long before.
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxCompressedBytes = kMaxTextBytes + (std::size_t{1} << 20);
inline constexpr std::size_t kMaxChunks = 1'000'000;

// Flag of a chunk that can be read without those before it: it begins with the status and the totals of every target.
inline constexpr std::uint32_t kBeginsWithState = 1;

// What is said of a chunk before its text. Times are those of the wall clock.
struct ChunkHeader {
  std::uint32_t compressed_bytes = 0;
  std::uint32_t text_bytes = 0;
  std::uint32_t lines = 0;
  std::uint32_t flags = 0;                   // kBeginsWithState
  std::uint64_t first_unix_ns = 0;           // nothing in it is older but what was carried over
  std::uint64_t last_unix_ns = 0;            // of its last moment
  std::uint64_t unix_less_monotonic_ns = 0;  // at that moment, modulo 2^64
  bool operator==(const ChunkHeader&) const = default;
};

struct ChunkPlace {
  std::uint64_t offset = 0;  // of the frame with its header
  ChunkHeader header;
  bool operator==(const ChunkPlace&) const = default;
};

inline constexpr std::size_t kFrameHeadBytes = 8;
inline constexpr std::size_t kFileHeaderBytes = kFrameHeadBytes + 20;
inline constexpr std::size_t kChunkHeaderBytes = kFrameHeadBytes + 44;
inline constexpr std::size_t kIndexEntryBytes = 48;
inline constexpr std::size_t kIndexTailBytes = 12;

enum class FrameKind { kFile, kChunk, kIndex, kOther, kNone };
struct FrameHead {
  FrameKind kind = FrameKind::kNone;  // kOther: to be skipped; kNone: no skippable frame
  std::uint32_t payload_bytes = 0;
};
[[nodiscard]] FrameHead read_frame_head(std::string_view bytes);

[[nodiscard]] std::string file_header();
// `bytes`: the first kFileHeaderBytes of the file, fewer when it is shorter. The version; nothing when it is no recording.
[[nodiscard]] std::optional<std::uint32_t> read_file_header(std::string_view bytes);

// Header and text, as they stand in the file. Fills in the lengths of `header`. Fails when zstd does.
[[nodiscard]] Result<std::string, std::string> pack_chunk(ChunkHeader& header, std::string_view text);
// `bytes`: kChunkHeaderBytes. Nothing when they are damaged or beyond a limit.
[[nodiscard]] std::optional<ChunkHeader> read_chunk_header(std::string_view bytes);
// `bytes`: header.compressed_bytes. Nothing when they are damaged.
[[nodiscard]] std::optional<std::string> unpack_text(const ChunkHeader& header, std::string_view bytes);

[[nodiscard]] std::string pack_index(const std::vector<ChunkPlace>& chunks);
// From the last kIndexTailBytes of a file: the length of the index frame. Nothing when there is none.
[[nodiscard]] std::optional<std::uint64_t> index_bytes(std::string_view tail);
// `bytes`: the whole index frame. Nothing when it is damaged.
[[nodiscard]] std::optional<std::vector<ChunkPlace>> read_index(std::string_view bytes);

}  // namespace poolscope::recording

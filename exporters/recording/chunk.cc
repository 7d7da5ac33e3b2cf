#include "exporters/recording/chunk.h"

#include <algorithm>
#include <array>
#include <memory>

#include <zlib.h>
#include <zstd.h>

namespace poolscope::recording {
namespace {

// Of the sixteen that zstd skips.
constexpr std::uint32_t kFileMagic = 0x184D2A50, kChunkMagic = 0x184D2A51, kIndexMagic = 0x184D2A52;
constexpr std::uint32_t kLastSkippable = 0x184D2A5F;
constexpr std::string_view kFileName = "poolscope record";
constexpr std::uint32_t kIndexEnd = 0x49535050;  // "PPSI"
constexpr int kLevel = 3;

class Packer {
 public:
  template <typename T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  }
  void text(std::string_view text) { bytes_ += text; }
  void header(const ChunkHeader& header) {
    for (const auto value : {header.compressed_bytes, header.text_bytes, header.lines, header.flags}) number(value);
    for (const auto value : {header.first_unix_ns, header.last_unix_ns, header.unix_less_monotonic_ns}) number(value);
  }
  void checksum_since(std::size_t begin) {
    const std::string_view since = std::string_view(bytes_).substr(begin);
    number(static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(since.data()), since.size())));
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// The caller has checked that the bytes are there.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T number() {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  ChunkHeader header() {
    ChunkHeader header;
    for (auto* value : {&header.compressed_bytes, &header.text_bytes, &header.lines, &header.flags})
      *value = number<std::uint32_t>();
    for (auto* value : {&header.first_unix_ns, &header.last_unix_ns, &header.unix_less_monotonic_ns})
      *value = number<std::uint64_t>();
    return header;
  }

 private:
  std::string_view bytes_;
};

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

bool is_within_limits(const ChunkHeader& header) {
  return header.compressed_bytes > 0 && header.compressed_bytes <= kMaxCompressedBytes &&
         header.text_bytes <= kMaxTextBytes;
}

}  // namespace

FrameHead read_frame_head(std::string_view bytes) {
  if (bytes.size() < kFrameHeadBytes) return {};
  Unpacker unpacker(bytes);
  const auto magic = unpacker.number<std::uint32_t>();
  const auto payload_bytes = unpacker.number<std::uint32_t>();
  if (magic < kFileMagic || magic > kLastSkippable) return {};
  constexpr std::array kinds = {FrameKind::kFile, FrameKind::kChunk, FrameKind::kIndex};
  return {magic - kFileMagic < kinds.size() ? kinds[magic - kFileMagic] : FrameKind::kOther, payload_bytes};
}

std::string file_header() {
  Packer packer;
  packer.number(kFileMagic);
  packer.number(static_cast<std::uint32_t>(kFileHeaderBytes - kFrameHeadBytes));
  packer.text(kFileName);
  packer.number(kFormatVersion);
  return packer.take();
}

std::optional<std::uint32_t> read_file_header(std::string_view bytes) {
  const FrameHead head = read_frame_head(bytes);
  if (head.kind != FrameKind::kFile || bytes.size() < kFileHeaderBytes) return std::nullopt;
  if (head.payload_bytes != kFileHeaderBytes - kFrameHeadBytes) return std::nullopt;
  bytes.remove_prefix(kFrameHeadBytes);
  if (!bytes.starts_with(kFileName)) return std::nullopt;
  return Unpacker(bytes.substr(kFileName.size())).number<std::uint32_t>();
}

Result<std::string, std::string> pack_chunk(ChunkHeader& header, std::string_view text) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  std::string compressed(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const std::size_t size =
      ZSTD_compress2(context.get(), compressed.data(), compressed.size(), text.data(), text.size());
  if (ZSTD_isError(size) != 0) return Failure{std::string("zstd: ") + ZSTD_getErrorName(size)};
  header.compressed_bytes = static_cast<std::uint32_t>(size);
  header.text_bytes = static_cast<std::uint32_t>(text.size());
  header.lines = static_cast<std::uint32_t>(std::ranges::count(text, '\n'));
  Packer packer;
  packer.number(kChunkMagic);
  packer.number(static_cast<std::uint32_t>(kChunkHeaderBytes - kFrameHeadBytes));
  packer.header(header);
  packer.checksum_since(kFrameHeadBytes);
  packer.text(std::string_view(compressed).substr(0, size));
  return packer.take();
}

std::optional<ChunkHeader> read_chunk_header(std::string_view bytes) {
  const FrameHead head = read_frame_head(bytes);
  if (head.kind != FrameKind::kChunk || bytes.size() < kChunkHeaderBytes) return std::nullopt;
  if (head.payload_bytes != kChunkHeaderBytes - kFrameHeadBytes) return std::nullopt;
  const std::string_view payload = bytes.substr(kFrameHeadBytes, head.payload_bytes);
  const std::string_view checked = payload.substr(0, payload.size() - sizeof(std::uint32_t));
  if (Unpacker(payload.substr(checked.size())).number<std::uint32_t>() != checksum(checked)) return std::nullopt;
  const ChunkHeader header = Unpacker(checked).header();
  return is_within_limits(header) ? std::optional(header) : std::nullopt;
}

std::optional<std::string> unpack_text(const ChunkHeader& header, std::string_view bytes) {
  if (!is_within_limits(header) || bytes.size() != header.compressed_bytes) return std::nullopt;
  if (ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != header.text_bytes) return std::nullopt;
  std::string text(header.text_bytes, '\0');
  const std::size_t size = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  return size == header.text_bytes ? std::optional(std::move(text)) : std::nullopt;
}

std::string pack_index(const std::vector<ChunkPlace>& chunks) {
  Packer packer;
  packer.number(kIndexMagic);
  packer.number(static_cast<std::uint32_t>(chunks.size() * kIndexEntryBytes + kIndexTailBytes));
  for (const ChunkPlace& chunk : chunks) {
    packer.number(chunk.offset);
    packer.header(chunk.header);
  }
  packer.checksum_since(kFrameHeadBytes);
  packer.number(static_cast<std::uint32_t>(packer.size() + kIndexTailBytes - sizeof(std::uint32_t)));
  packer.number(kIndexEnd);
  return packer.take();
}

std::optional<std::uint64_t> index_bytes(std::string_view tail) {
  if (tail.size() != kIndexTailBytes) return std::nullopt;
  Unpacker unpacker(tail.substr(sizeof(std::uint32_t)));
  const auto bytes = unpacker.number<std::uint32_t>();
  if (unpacker.number<std::uint32_t>() != kIndexEnd) return std::nullopt;
  if (bytes < kFrameHeadBytes + kIndexTailBytes) return std::nullopt;
  const std::size_t entries = bytes - kFrameHeadBytes - kIndexTailBytes;
  if (entries % kIndexEntryBytes != 0 || entries / kIndexEntryBytes > kMaxChunks) return std::nullopt;
  return bytes;
}

std::optional<std::vector<ChunkPlace>> read_index(std::string_view bytes) {
  const FrameHead head = read_frame_head(bytes);
  if (head.kind != FrameKind::kIndex || bytes.size() != kFrameHeadBytes + head.payload_bytes) return std::nullopt;
  if (bytes.size() < kFrameHeadBytes + kIndexTailBytes) return std::nullopt;
  if (index_bytes(bytes.substr(bytes.size() - kIndexTailBytes)) != bytes.size()) return std::nullopt;
  const std::string_view entries = bytes.substr(kFrameHeadBytes, bytes.size() - kFrameHeadBytes - kIndexTailBytes);
  if (Unpacker(bytes.substr(kFrameHeadBytes + entries.size())).number<std::uint32_t>() != checksum(entries))
    return std::nullopt;
  std::vector<ChunkPlace> chunks(entries.size() / kIndexEntryBytes);
  Unpacker unpacker(entries);
  for (ChunkPlace& chunk : chunks) {
    chunk.offset = unpacker.number<std::uint64_t>();
    chunk.header = unpacker.header();
  }
  return chunks;
}

}  // namespace poolscope::recording

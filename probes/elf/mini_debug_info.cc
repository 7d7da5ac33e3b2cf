#include "probes/elf/mini_debug_info.h"

#include <array>
#include <cerrno>

#include <lzma.h>
#include <sys/mman.h>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

bool write_fully(int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

struct Decoder {
  lzma_stream stream = LZMA_STREAM_INIT;
  ~Decoder() { lzma_end(&stream); }
};

}  // namespace

UniqueFd unpack_xz(std::span<const std::uint8_t> packed, std::uint64_t max_bytes) {
  Decoder decoder;
  lzma_stream& stream = decoder.stream;
  if (lzma_stream_decoder(&stream, kMaxXzMemoryBytes, 0) != LZMA_OK) return {};
  UniqueFd file(memfd_create("gnu_debugdata", MFD_CLOEXEC));
  if (!file) return {};

  std::array<std::uint8_t, 65536> chunk;
  stream.next_in = packed.data();
  stream.avail_in = packed.size();
  lzma_ret state = LZMA_OK;
  while (state == LZMA_OK) {  // ends: each round makes output up to max_bytes, and liblzma fails when it cannot go on
    stream.next_out = chunk.data();
    stream.avail_out = chunk.size();
    state = lzma_code(&stream, LZMA_FINISH);
    if (state != LZMA_OK && state != LZMA_STREAM_END) return {};
    if (stream.total_out > max_bytes) return {};
    if (!write_fully(file.get(), std::span(chunk).first(chunk.size() - stream.avail_out))) return {};
  }
  return file;
}

}  // namespace poolscope::elf

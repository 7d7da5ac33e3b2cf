#include "probes/elf/debug_file.h"

#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <linux/openat2.h>
#include <lzma.h>
#include <sys/syscall.h>

#include "probes/elf/limits.h"
#include "probes/elf/versions.h"

namespace poolscope::elf {
namespace {

struct DebugLink {
  std::string name;
  std::uint32_t crc = 0;
};

// Contents: the name with its terminator, zeros up to a multiple of 4, the CRC-32 of the debug file.
std::optional<DebugLink> debug_link(const Image& image) {
  const Image::Section* section = image.section_named(".gnu_debuglink");
  if (section == nullptr) return std::nullopt;
  const auto bytes = image.section_bytes(*section, kMaxNoteBytes);
  if (!bytes) return std::nullopt;
  const std::string_view name = string_at(*bytes, 0);
  const std::size_t crc_offset = (name.size() + 1 + 3) / 4 * 4;
  if (name.empty() || name.find('/') != name.npos || bytes->size() < crc_offset + 4) return std::nullopt;
  DebugLink link{std::string(name), 0};
  std::memcpy(&link.crc, bytes->data() + crc_offset, sizeof link.crc);
  return link;
}

std::optional<Image> open_below(const UniqueFd& root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a FIFO in the place of the file must not block us
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!fd) return std::nullopt;
  auto image = Image::open(std::move(fd), path);
  if (!image) return std::nullopt;
  return std::move(*image);
}

std::optional<std::uint32_t> crc_of(const Image& image) {
  constexpr std::size_t kChunkBytes = 1 << 20;
  if (image.size_bytes() > kMaxDebugInfoBytes) return std::nullopt;
  std::uint32_t crc = 0;
  for (std::uint64_t offset = 0; offset < image.size_bytes(); offset += kChunkBytes) {
    const auto chunk = image.read_at(offset, kChunkBytes);
    crc = lzma_crc32(chunk.data(), chunk.size(), crc);
  }
  return crc;
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace

std::optional<Image> open_debug_file(const Image& image, const std::string& root) {
  const UniqueFd root_fd(open(root.empty() ? "/" : root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd) return std::nullopt;
  const std::string build_id = image.build_id();
  if (build_id.size() > 2) {
    const std::string path = "usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
    auto found = open_below(root_fd, path);
    if (found && found->build_id() == build_id) return found;
  }
  const auto link = debug_link(image);
  if (!link) return std::nullopt;
  auto found = open_below(root_fd, "usr/lib/debug/" + directory_of(image.name()) + link->name);
  if (!found) return std::nullopt;
  const bool belongs = build_id.empty() ? crc_of(*found) == link->crc : found->build_id() == build_id;
  return belongs ? std::move(found) : std::nullopt;
}

}  // namespace poolscope::elf

#include "agent/host/host_memory.h"

#include <cerrno>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poolscope::host {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr std::uint64_t kPageBytes = 4096;

Failure<std::string> failed(const char* what) {
  return Failure{std::string(what) + ": " + std::strerror(errno)};
}

Result<UniqueFd, std::string> make_memfd(const char* name, std::uint64_t bytes) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return failed("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return failed("ftruncate of a memfd");
  return fd;
}

Result<Done, std::string> seal(int fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) != 0) return failed("sealing a memfd");
  return Done{};
}

// Made by a host of this user (a file's owner is who made it), of this size and sealed as ours.
bool is_ours(int fd, std::uint64_t inode, std::uint64_t bytes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_uid != ::geteuid() || status.st_ino != inode) return false;
  return static_cast<std::uint64_t>(status.st_size) == bytes &&
         ::fcntl(fd, F_GET_SEALS) == (kSizeSeals | F_SEAL_SEAL) && (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

std::uint64_t words_bytes(std::uint32_t max_buffers) {
  return detail::HostedWords<>::bytes_for(max_buffers);
}

}  // namespace

std::uint64_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

Result<PoolMemory, std::string> PoolMemory::create(std::uint64_t buffer_bytes, std::uint32_t max_buffers) {
  PoolMemory memory;
  memory.stride_bytes_ = hosted::stride_for(buffer_bytes);
  auto words = make_memfd("poolscope-hosted-words", words_bytes(max_buffers));
  if (!words) return Failure{words.error()};
  auto payload = make_memfd("poolscope-hosted-payload", memory.stride_bytes_ * max_buffers);
  if (!payload) return Failure{payload.error()};
  for (const auto* fd : {&*words, &*payload}) {
    if (const auto sealed = seal(fd->get(), kSizeSeals); !sealed) return Failure{sealed.error()};
  }
  memory.words_fd_ = std::move(*words);
  memory.payload_fd_ = std::move(*payload);
  if (const auto mapped = memory.map_words(max_buffers); !mapped) return Failure{mapped.error()};
  if (const auto made = memory.make_control(buffer_bytes, max_buffers); !made) return Failure{made.error()};
  return memory;
}

Result<PoolMemory, std::string> PoolMemory::adopt(const PoolRecord& record, std::vector<UniqueFd> words_and_payload) {
  if (words_and_payload.size() != 2) return Failure{std::string("words and payload are two descriptors")};
  PoolMemory memory;
  memory.stride_bytes_ = hosted::stride_for(record.buffer_bytes);
  memory.words_fd_ = std::move(words_and_payload[0]);
  memory.payload_fd_ = std::move(words_and_payload[1]);
  if (!is_ours(memory.words_fd(), record.words_inode, words_bytes(record.max_buffers)) ||
      !is_ours(memory.payload_fd(), record.payload_inode, memory.stride_bytes_ * record.max_buffers))
    return Failure{std::string("this is not the memory of the pool")};
  if (const auto mapped = memory.map_words(record.max_buffers); !mapped) return Failure{mapped.error()};
  if (const auto made = memory.make_control(record.buffer_bytes, record.max_buffers); !made)
    return Failure{made.error()};
  return memory;
}

Result<Done, std::string> PoolMemory::map_words(std::uint32_t max_buffers) {
  auto mapping = hosted::Mapping::of(words_fd(), words_bytes(max_buffers), PROT_READ | PROT_WRITE);
  if (!mapping) return Failure{std::string("mmap of the words: ") + std::strerror(mapping.error())};
  words_ = std::move(*mapping);
  return Done{};
}

Result<Done, std::string> PoolMemory::make_control(std::uint64_t buffer_bytes, std::uint32_t max_buffers) {
  auto fd = make_memfd("poolscope-hosted-control", hosted::kControlBytes);
  if (!fd) return Failure{fd.error()};
  auto mapping = hosted::Mapping::of(fd->get(), hosted::kControlBytes, PROT_READ | PROT_WRITE);
  if (!mapping) return Failure{std::string("mmap of the control page: ") + std::strerror(mapping.error())};
  // The mapping that exists stays writable: this is why it comes before the seal.
  if (const auto sealed = seal(fd->get(), kSizeSeals | F_SEAL_FUTURE_WRITE); !sealed) return Failure{sealed.error()};
  control_fd_ = std::move(*fd);
  control_ = std::move(*mapping);
  auto* page = new (control_.base()) hosted::ControlPage{};
  page->magic = hosted::kControlMagic;
  page->version = hosted::kWireVersion;
  page->max_buffers = max_buffers;
  page->buffer_bytes = buffer_bytes;
  page->stride_bytes = stride_bytes_;
  return Done{};
}

int PoolMemory::punch(std::uint32_t first, std::uint32_t count) const {
  const std::uint64_t from = (first * stride_bytes_ + kPageBytes - 1) / kPageBytes * kPageBytes;
  const std::uint64_t to = (std::uint64_t{first} + count) * stride_bytes_ / kPageBytes * kPageBytes;
  if (from >= to) return 0;
  const int done = ::fallocate(payload_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                               static_cast<off_t>(to - from));
  return done == 0 ? 0 : errno;
}

std::uint64_t PoolMemory::payload_bytes() const {
  constexpr std::uint64_t kStatBlockBytes = 512;
  struct stat status {};
  return ::fstat(payload_fd(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * kStatBlockBytes : 0;
}

}  // namespace poolscope::host

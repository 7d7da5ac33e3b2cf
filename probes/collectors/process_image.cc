#include "probes/collectors/process_image.h"

#include <algorithm>
#include <functional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poolscope::probes {
namespace {

constexpr std::size_t kMaxCachedFrames = 65536;

std::uint64_t fingerprint_of(const std::vector<process::MappedObject>& objects) {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 1099511628211ull; };
  for (const auto& object : objects) {
    mix(object.device);
    mix(object.inode);
    if (!object.code.empty()) mix(object.code.front().start);
  }
  return hash;
}

// The kernel maps whole pages, so a mapping may begin before the first byte of its segment.
std::optional<std::uint64_t> load_bias(const elf::ElfFile& file, const process::Mapping& mapping) {
  constexpr std::uint64_t kPageBytes = 4096;
  for (const std::uint64_t into : {std::uint64_t{0}, kPageBytes - 1}) {
    if (const auto address = file.address_of_file_offset(mapping.file_offset + into))
      return mapping.start + into - *address;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const elf::ElfFile> ElfCache::open(pid_t pid, const std::string& path,
                                                   const std::string& display_name) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return nullptr;
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return nullptr;
  }
  const Key key{status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (const auto found = files_.find(key); found != files_.end()) {
    ::close(fd);
    return found->second;
  }
  if (files_.size() >= kMaxFiles) files_.clear();
  auto opened = elf::ElfFile::open(fd, display_name, "/proc/" + std::to_string(pid) + "/root");
  std::shared_ptr<const elf::ElfFile> file;
  if (opened) file = std::move(opened).value();
  return files_[key] = file;
}

Result<ProcessImage, process::ProcessError> ProcessImage::read(const model::ProcessKey& key, ElfCache& cache) {
  auto maps = process::read_maps(key.pid);
  if (!maps) return Failure{maps.error()};
  ProcessImage image;
  image.key_ = key;
  const auto mapped = process::executable_objects(*maps);
  image.fingerprint_ = fingerprint_of(mapped);
  for (const auto& object : mapped) {
    if (object.code.empty()) continue;
    const auto path = process::open_path(key.pid, object);
    if (!path) continue;
    auto file = cache.open(key.pid, *path, object.path);
    if (!file) continue;
    const auto bias = load_bias(*file, object.code.front());
    if (!bias) continue;
    image.objects_.push_back(LoadedObject{object, std::move(file), *bias, *path});
  }
  return image;
}

bool ProcessImage::is_stale() {
  const auto space = process::address_space(key_.pid);
  if (space && space == space_ && ++looks_ % process::kReadMapsEvery != 0) return false;
  space_ = space;
  const auto maps = process::read_maps(key_.pid);
  return !maps || fingerprint_of(process::executable_objects(*maps)) != fingerprint_;
}

const LoadedObject* ProcessImage::object_at(std::uint64_t address) const {
  for (const auto& object : objects_) {
    const auto inside = [address](const process::Mapping& mapping) {
      return address >= mapping.start && address < mapping.end;
    };
    if (std::any_of(object.mapped.code.begin(), object.mapped.code.end(), inside)) return &object;
  }
  return nullptr;
}

const model::Frame& ProcessImage::call_frame(std::uint64_t return_address) {
  if (const auto found = frames_.find(return_address); found != frames_.end()) return found->second;
  if (frames_.size() >= kMaxCachedFrames) frames_.clear();
  model::Frame frame;
  frame.offset = return_address;
  const std::uint64_t call = return_address - 1;  // inside the call instruction, which may be the function's last
  if (const LoadedObject* object = object_at(call)) {
    const std::uint64_t address = call - object->bias;
    frame.object = object->mapped.path;
    frame.offset = return_address - object->bias;
    if (const elf::Symbol* symbol = object->file->function_at(address)) frame.symbol = elf::demangle(symbol->name);
    frame.source = object->file->source_line(address);
  }
  return frames_[return_address] = std::move(frame);
}

std::optional<elf::FrameStep> ProcessImage::frame_step(std::uint64_t return_address) const {
  const LoadedObject* object = object_at(return_address - 1);
  if (object == nullptr) return std::nullopt;
  return object->file->frame_step(return_address - 1 - object->bias);
}

}  // namespace poolscope::probes

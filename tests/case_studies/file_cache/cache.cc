#include "tests/case_studies/file_cache/cache.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace poolscope::case_study {
namespace {

constexpr int kLookedAt = 5;  // oldest entries among which a victim is chosen
constexpr double kUseIsWorthNs = 1e6;

// Some milliseconds old, which is enough to expire by, and several times as fast.
std::int64_t clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void CacheEntry::reset() {
  path.clear();
  content.clear();
  if (content.capacity() > kRetainedBytes) content.shrink_to_fit();
  loaded_ns = used_ns = 0;
  uses = 0;
  attributes = {};
  is_dirty = false;
}

void MetadataEntry::reset() {
  path.clear();
  attributes = {};
  loaded_ns = 0;
}

FileCache::FileCache(FileLayer& files, const FileCacheOptions& options)
    : files_(files),
      options_(options),
      entries_(options.memory, "cache.entries"),
      metadata_entries_(options.memory, "cache.metadata") {}

FileCache::~FileCache() {
  for (CacheEntry* entry : order_) entries_.put(entry);
  for (auto& [path, entry] : metadata_) metadata_entries_.put(entry);
}

std::size_t FileCache::read(File& file, std::span<std::byte> bytes) {
  const std::lock_guard guard(lock_);
  now_ns_ = clock_ns();
  auto found = index_.find(file.path);
  if (found != index_.end() && has_expired(*found->second)) {
    remove(*found->second);
    found = index_.end();
  }
  CacheEntry& entry = found == index_.end() ? load(file.path) : *found->second;
  touch(entry);
  const std::size_t count = std::min(bytes.size(), entry.content.size() - std::min(file.offset, entry.content.size()));
  if (count > 0) std::memcpy(bytes.data(), entry.content.data() + file.offset, count);
  file.offset += count;
  return count;
}

void FileCache::write(File& file, std::span<const std::byte> bytes) {
  const std::lock_guard guard(lock_);
  now_ns_ = clock_ns();
  const auto found = index_.find(file.path);
  const std::size_t end = file.offset + bytes.size();
  if (options_.writing == Writing::kThrough) {
    files_.write(file.path, file.offset, bytes);
    if (found != index_.end()) remove(*found->second);
  } else {
    CacheEntry& entry = found == index_.end() ? add(file.path) : *found->second;
    touch(entry);
    if (entry.content.capacity() < end)
      entry.content.reserve(end);  // as much as there is, no more: the cache counts bytes
    if (entry.content.size() < end) entry.content.resize(end);
    std::memcpy(entry.content.data() + file.offset, bytes.data(), bytes.size());
    entry.is_dirty = true;
  }
  file.offset = end;
}

Attributes FileCache::stat(std::string_view path) {
  const std::lock_guard guard(lock_);
  const auto found = metadata_.find(path);
  if (found != metadata_.end()) return found->second->attributes;
  MetadataEntry* const entry = metadata_entries_.get();
  entry->path.assign(path);
  entry->attributes = files_.stat(path);
  entry->loaded_ns = clock_ns();
  metadata_.emplace(entry->path, entry);
  return entry->attributes;
}

void FileCache::invalidate(std::string_view path) {
  const std::lock_guard guard(lock_);
  if (const auto found = index_.find(path); found != index_.end()) remove(*found->second);
  drop_metadata(path);
}

CacheEntry& FileCache::load(std::string_view path) {
  CacheEntry& entry = add(path);
  const auto& content = files_.content(path);
  entry.content.assign(content.begin(), content.end());
  entry.attributes.bytes = content.size();
  return entry;
}

CacheEntry& FileCache::add(std::string_view path) {
  if (index_.size() >= options_.max_entries) evict_one();
  CacheEntry* const entry = entries_.get();
  entry->path.assign(path);
  entry->loaded_ns = now_ns_;
  order_.splice(order_.begin(), entry->kept_place);
  entry->place = order_.begin();
  enter(*entry);
  return *entry;
}

void FileCache::enter(CacheEntry& entry) {
  if (entry.kept_name.empty()) {
    entry.known_as = index_.emplace(entry.path, &entry).first;
    return;
  }
  entry.kept_name.key() = entry.path;
  entry.known_as = index_.insert(std::move(entry.kept_name)).position;
}

void FileCache::touch(CacheEntry& entry) {
  entry.used_ns = now_ns_;
  ++entry.uses;
  order_.splice(order_.begin(), order_, entry.place);
}

void FileCache::evict_one() {
  if (CacheEntry* const entry = victim()) remove(*entry);
}

CacheEntry* FileCache::victim() const {
  CacheEntry* chosen = nullptr;
  double least = 0;
  int looked_at = options_.eviction == Eviction::kLru ? 1 : kLookedAt;
  for (auto entry = order_.rbegin(); entry != order_.rend() && looked_at > 0; ++entry, --looked_at) {
    const auto uses = static_cast<double>((*entry)->uses);
    const double worth = options_.eviction == Eviction::kLfu ? uses
                         : options_.eviction == Eviction::kTtl
                             ? static_cast<double>((*entry)->loaded_ns)
                             : static_cast<double>((*entry)->used_ns) + uses * kUseIsWorthNs;
    if (chosen == nullptr || worth < least) {
      chosen = *entry;
      least = worth;
    }
  }
  return chosen;
}

void FileCache::remove(CacheEntry& entry) {
  if (entry.is_dirty) files_.write(entry.path, 0, entry.content);
  entry.kept_name = index_.extract(entry.known_as);
  entry.kept_place.splice(entry.kept_place.begin(), order_, entry.place);
  entries_.put(&entry);
}

bool FileCache::has_expired(const CacheEntry& entry) const {
  return now_ns_ - entry.loaded_ns > options_.ttl.count();
}

void FileCache::drop_metadata(std::string_view path) {
  const auto found = metadata_.find(path);
  if (found == metadata_.end()) return;
  MetadataEntry* const entry = found->second;
  metadata_.erase(found);
  metadata_entries_.put(entry);
}

}  // namespace poolscope::case_study

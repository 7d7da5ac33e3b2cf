#pragma once
// A cache in front of files: entries with content, metadata entries with attributes, both from a pool or from the heap.
//
//   Threads   any; one lock around each call.
//   Pooled    an entry goes back when it is evicted, invalidated or expired, with the memory of its path, of its content (up to
//             kRetainedBytes) and of its places in the index and in the order of use: the next one needs no allocation for them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <poolscope/object_pool.h>

#include "tests/case_studies/file_cache/file_layer.h"

namespace poolscope::case_study {

enum class Memory { kHeap, kPool };
enum class Eviction { kLru, kLfu, kTtl, kHybrid };
enum class Writing { kThrough, kBack };

struct CacheEntry;
// Keys are the paths inside the entries.
using CacheIndex = std::unordered_map<std::string_view, CacheEntry*>;

struct CacheEntry {
  static constexpr std::size_t kRetainedBytes = 1 << 20;

  std::string path;
  std::vector<std::byte> content;
  // Where it is in the cache, and what of that it keeps while it is in no cache.
  std::list<CacheEntry*>::iterator place;  // in the order of use
  CacheIndex::iterator known_as;
  std::list<CacheEntry*> kept_place{this};
  CacheIndex::node_type kept_name;
  std::int64_t loaded_ns = 0, used_ns = 0;
  std::uint64_t uses = 0;
  Attributes attributes;
  bool is_dirty = false;

  void reset();
};

struct MetadataEntry {
  std::string path;
  Attributes attributes;
  std::int64_t loaded_ns = 0;

  void reset();
};

// What new and delete are without a pool.
template <typename T>
class Entries {
 public:
  Entries(Memory memory, const char* name) {
    if (memory == Memory::kPool) pool_.emplace(PoolOptions{.name = name, .max_idle_buffers = 1024});
  }
  [[nodiscard]] T* get() { return pool_ ? pool_->acquire_raw() : new T(); }
  void put(T* entry) {
    if (pool_)
      pool_->release(entry);
    else
      delete entry;
  }
  [[nodiscard]] double hit_ratio() const { return pool_ ? pool_->stats().hit_ratio() : 0; }

 private:
  std::optional<ObjectPool<T>> pool_;
};

struct FileCacheOptions {
  Memory memory = Memory::kHeap;
  Eviction eviction = Eviction::kLru;
  Writing writing = Writing::kThrough;
  std::size_t max_entries = 256;
  std::chrono::nanoseconds ttl = std::chrono::hours(1);
};

class FileCache {
 public:
  FileCache(FileLayer& files, const FileCacheOptions& options);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  // An open file remembers its path and where it is, as descriptors do.
  struct File {
    std::string path;
    std::size_t offset = 0;
  };
  [[nodiscard]] static File open(std::string_view path) { return {.path = std::string(path)}; }

  // How many bytes were there.
  std::size_t read(File& file, std::span<std::byte> bytes);
  void write(File& file, std::span<const std::byte> bytes);
  [[nodiscard]] Attributes stat(std::string_view path);
  // Writes back what is dirty.
  void invalidate(std::string_view path);
  [[nodiscard]] double hit_ratio() const { return entries_.hit_ratio(); }

 private:
  CacheEntry& load(std::string_view path);
  CacheEntry& add(std::string_view path);
  void enter(CacheEntry& entry);
  void touch(CacheEntry& entry);
  void evict_one();
  [[nodiscard]] CacheEntry* victim() const;
  void remove(CacheEntry& entry);
  [[nodiscard]] bool has_expired(const CacheEntry& entry) const;
  void drop_metadata(std::string_view path);

  FileLayer& files_;
  FileCacheOptions options_;
  std::mutex lock_;
  Entries<CacheEntry> entries_;
  Entries<MetadataEntry> metadata_entries_;
  CacheIndex index_;
  std::list<CacheEntry*> order_;  // used last comes first
  std::unordered_map<std::string_view, MetadataEntry*> metadata_;
  std::int64_t now_ns_ = 0;  // of the call that is inside
};

}  // namespace poolscope::case_study

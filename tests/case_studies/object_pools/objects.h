#pragma once
// What a cache server makes for every request, of which each kind can come from a pool.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory_resource>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace poolscope::case_study {

// One entry of the cache on its way in or out.
struct CacheItem {
  std::string key;
  std::string_view value;
  std::chrono::nanoseconds time_to_live{};
  std::chrono::steady_clock::time_point created, accessed;

  void reset() {
    key.clear();
    value = {};
    time_to_live = {};
    created = accessed = {};
  }
};

// What somebody waits for while somebody else finds it.
struct AsyncResult {
  std::atomic<bool> is_done{false};
  std::string value;
  std::exception_ptr error;

  void set(std::string_view found) {
    value.assign(found);
    is_done.store(true, std::memory_order_release);
  }
  void reset() {
    is_done.store(false, std::memory_order_relaxed);
    value.clear();
    error = nullptr;
  }
};

// Reply to a question for several keys.
using KeyList = std::pmr::vector<std::pmr::string>;

// Attributes of an object; the server makes room for 128 of them.
using Attributes = std::pmr::unordered_map<std::pmr::string, std::variant<long, double, std::string_view>>;
inline constexpr std::size_t kRoomForAttributes = 128;

inline void fill(CacheItem& item) {
  item.key = "user:123";
  item.value = "Ada Lovelace";
  item.time_to_live = std::chrono::minutes(10);
}

inline void fill(KeyList& keys) {
  keys.reserve(16);
  for (const char* key : {"user:123:profile:name", "user:123:profile:mail", "user:123:visits", "user:123"})
    keys.emplace_back(key);
}

inline void fill(Attributes& attributes) {
  attributes.try_emplace("id", 123L);
  attributes.try_emplace("visits", 4711L);
  attributes.try_emplace("name", "Ada Lovelace");
}

}  // namespace poolscope::case_study

#pragma once
// FakeKernel: what probes/bpf/alloc_logic.h needs of the kernel, in ordinary memory: bounded maps, as full as a test wants
// them, and the memory of the observed process.
//   Threads   one. The operations take no context, so they act on FakeKernel::current, the kernel made last.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <type_traits>

#include "probes/bpf/alloc_burst.h"

namespace poolscope::probes::test {

// A BPF hash map: keys are compared as bytes, a full map refuses new keys, values stay where they are.
template <typename Key, typename Value>
class BoundedMap {
 public:
  static_assert(std::has_unique_object_representations_v<Key>, "padding in a key would make equal keys differ");

  void set_capacity(std::size_t entries) { capacity_ = entries; }
  Value* find(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  long put(const Key& key, const Value& value) {
    if (!entries_.contains(key) && entries_.size() >= capacity_) return -E2BIG;
    entries_.insert_or_assign(key, value);
    return 0;
  }
  Value* find_or_make(const Key& key) {
    if (Value* found = find(key)) return found;
    (void)put(key, Value{});
    return find(key);
  }
  void erase(const Key& key) { entries_.erase(key); }
  void clear() { entries_.clear(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

 private:
  struct AsBytes {
    bool operator()(const Key& a, const Key& b) const { return std::memcmp(&a, &b, sizeof(Key)) < 0; }
  };
  std::map<Key, Value, AsBytes> entries_;
  std::size_t capacity_ = SIZE_MAX;
};

struct FakeKernel {
  FakeKernel() { current = this; }
  ~FakeKernel() { current = nullptr; }
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  std::uint64_t now_ns = 1'000'000'000;
  alloc_control control{};
  alloc_counts counts{};
  BoundedMap<birth_key, birth> births;
  BoundedMap<site_key, site> sites;
  BoundedMap<chain_key, chain> chains;
  BoundedMap<__u32, thread_state> threads;
  BoundedMap<step_key, step> steps;
  BoundedMap<__u32, alloc_code> code_ranges;
  std::map<std::uint64_t, std::uint64_t> memory;  // of the target: words that can be read

  static inline FakeKernel* current = nullptr;
};

}  // namespace poolscope::probes::test

// The operations that alloc_logic.h asks for.
inline birth* births_find(const birth_key* key) {
  return poolscope::probes::test::FakeKernel::current->births.find(*key);
}
inline long births_put(const birth_key* key, const birth* life) {
  return poolscope::probes::test::FakeKernel::current->births.put(*key, *life);
}
inline void births_erase(const birth_key* key) {
  poolscope::probes::test::FakeKernel::current->births.erase(*key);
}
inline site* sites_find(const site_key* key) {
  return poolscope::probes::test::FakeKernel::current->sites.find(*key);
}
inline long sites_put(const site_key* key, const site* fresh) {
  return poolscope::probes::test::FakeKernel::current->sites.put(*key, *fresh);
}
inline chain* chains_find_or_make(const chain_key* key) {
  return poolscope::probes::test::FakeKernel::current->chains.find_or_make(*key);
}
inline thread_state* threads_find_or_make(__u32 tid) {
  return poolscope::probes::test::FakeKernel::current->threads.find_or_make(tid);
}
inline const step* steps_find(const step_key* key) {
  return poolscope::probes::test::FakeKernel::current->steps.find(*key);
}
inline const alloc_code* code_ranges_find(__u32 tgid) {
  return poolscope::probes::test::FakeKernel::current->code_ranges.find(tgid);
}
inline int user_read(__u64* value, __u64 address) {
  const auto& memory = poolscope::probes::test::FakeKernel::current->memory;
  const auto found = memory.find(address);
  if (found == memory.end()) return 1;
  *value = found->second;
  return 0;
}
template <typename Number>
inline void add(Number* sum, __u64 number) {
  *sum += static_cast<Number>(number);
}

#include "probes/bpf/alloc_logic.h"

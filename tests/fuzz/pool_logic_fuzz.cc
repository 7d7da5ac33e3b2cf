// Any list of hits on pools, over memory that says anything, for the logic of the BPF programs: what is counted must add up,
// whatever the maps could hold.
#include <cstdint>
#include <numeric>
#include <span>

#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/probes/fake_pool_kernel.h"

namespace {

using namespace poolscope::probes::test;

constexpr std::size_t kSettingsBytes = 4, kHitBytes = 8, kMaxBytes = 4096;
constexpr std::uint64_t kObjects = 0xc000010000, kObjectBytes = 64, kTypes = 0x4a1000;
constexpr std::uint32_t kTgid = 100, kElementTypes = 4;

struct Totals {
  std::uint64_t gets = 0, misses = 0, puts = 0, nil_puts = 0, regrowths = 0, sized_puts = 0, empty_puts = 0,
                followed_gets = 0, put_twice = 0, other_types = 0, holds = 0, needed = 0, buffers = 0;
};

template <std::size_t kCount>
std::uint64_t sum_of(const __u32 (&buckets)[kCount]) {
  return std::accumulate(std::begin(buckets), std::end(buckets), std::uint64_t{0});
}

class PoolWorld {
 public:
  explicit PoolWorld(const std::uint8_t* settings) {
    kernel_.slot_control.follows_objects = settings[0] & 1;
    kernel_.slot_control.in_order = settings[0] >> 3 & 1;
    if (settings[0] & 16) kernel_.order_capacity = settings[1];
    if (settings[0] & 2) kernel_.sums.set_capacity(settings[1] % 8);
    if (settings[0] & 4) kernel_.objects.set_capacity(settings[2] % 16);
    for (std::uint32_t i = 0; i < kElementTypes; ++i) {
      kernel_.elements.put({kTypes + i, kTgid}, {8, 16, i * settings[3], 0});
    }
  }

  void perform(const std::uint8_t* bytes) {
    write_memory(bytes[1], bytes[6], bytes[7]);
    if (bytes[0] % 16 == 15) ++kernel_.slot_control.collections;
    if (bytes[0] % 16 == 14) {
      constexpr std::uint64_t kMostOfADequeue = 0xffffffff;
      FUZZ_CHECK(pool_objects_of_local(object_of(bytes[1])) <= 1 + GO_MAX_CHAIN * kMostOfADequeue);
    }
    if (bytes[0] % 16 < 14) hit(bytes);
  }

  void check() const {
    const Totals all = totals();
    FUZZ_CHECK(all.gets + all.puts + all.nil_puts + miss_hits_ + grow_hits_ + other_hits_ +
                   kernel_.slot_control.dropped_pools ==
               hits_);
    FUZZ_CHECK(all.misses <= all.gets + miss_hits_);
    FUZZ_CHECK(all.empty_puts <= all.sized_puts && all.sized_puts <= all.puts && all.other_types <= all.puts);
    FUZZ_CHECK(all.buffers == all.sized_puts);
    FUZZ_CHECK(all.needed == all.sized_puts - all.empty_puts + sizes_asked_for_);
    FUZZ_CHECK(all.followed_gets <= all.gets && all.holds <= all.followed_gets);
    FUZZ_CHECK(all.holds + all.put_twice <= all.puts);
    FUZZ_CHECK(all.regrowths <= all.holds + grow_hits_);
    FUZZ_CHECK(all.regrowths <= all.sized_puts + grow_hits_);
    FUZZ_CHECK(kernel_.slot_control.dropped_objects <= all.followed_gets + all.puts);
    FUZZ_CHECK(kernel_.slot_control.dropped_reads <= 2 * (all.gets + all.puts));
    FUZZ_CHECK(kernel_.order.size() + kernel_.slot_control.dropped_order ==
               (kernel_.slot_control.in_order ? all.gets + all.puts : 0));
    if (!kernel_.slot_control.follows_objects) FUZZ_CHECK(all.followed_gets == 0 && kernel_.objects.size() == 0);
  }

 private:
  static std::uint64_t object_of(std::uint8_t pick) { return pick % 16 == 0 ? 0 : kObjects + pick % 16 * kObjectBytes; }

  // Words of an object: small ones, huge ones, links to other objects, or not there.
  void write_memory(std::uint8_t pick, std::uint8_t first, std::uint8_t second) {
    for (std::uint64_t offset = 0; offset < kObjectBytes; offset += 8) {
      const std::uint8_t seed = offset % 16 == 0 ? first : second;
      const std::uint64_t address = object_of(pick) + offset;
      if (seed == 0xff) kernel_.memory.erase(address);
      if (seed < 64) kernel_.memory[address] = std::uint64_t{seed} << (second % 64);
      if (seed >= 64 && seed < 128) kernel_.memory[address] = object_of(seed);
    }
  }

  void hit(const std::uint8_t* bytes) {
    pool_point point{};
    point.role = bytes[0] % 16 % (POOL_ROLE_COUNT + 1);
    point.pool_number = bytes[2] & 1;
    if (bytes[2] & 2) point.miss_mask = point.miss_value = point.nil_mask = point.nil_value = kZeroFlag;
    pool_event event{};
    event.control = &kernel_.slot_control;
    event.point = &point;
    event.now_ns = kernel_.now_ns += std::uint64_t{bytes[3]} << (bytes[2] >> 4 << 2);
    event.flags = bytes[2] & 4 ? kZeroFlag : 0;
    event.pool = bytes[4] % 8;
    event.object = object_of(bytes[1]);
    event.type = bytes[5] % 8 == 0 ? 0 : kTypes + bytes[5] % 8;
    event.size = bytes[2] & 8 ? std::uint64_t{bytes[7]} << (bytes[6] % 64) : 0;
    event.tgid = kTgid;
    const std::uint64_t dropped = kernel_.slot_control.dropped_pools;
    pool_on_event(&event);
    ++hits_;
    if (kernel_.slot_control.dropped_pools == dropped) expect(event);
  }
  void expect(const pool_event& event) {
    const std::uint32_t role = event.point->role;
    if (role == POOL_ROLE_MISS) ++miss_hits_;
    if (role == POOL_ROLE_GROW) ++grow_hits_;
    if (role > POOL_ROLE_GROW) ++other_hits_;
    if (role == POOL_ROLE_GET && event.size != 0) ++sizes_asked_for_;
  }

  [[nodiscard]] Totals totals() const {
    Totals all;
    for (const auto& [key, sums] : kernel_.sums) {
      all.gets += sums.gets;
      all.misses += sums.misses;
      all.puts += sums.puts;
      all.nil_puts += sums.nil_puts;
      all.regrowths += sums.regrowths;
      all.sized_puts += sums.sized_puts;
      all.empty_puts += sums.empty_puts;
      all.followed_gets += sums.followed_gets;
      all.put_twice += sums.put_twice;
      all.other_types += sums.other_types;
      all.holds += sum_of(sums.hold_ns);
      all.needed += sum_of(sums.needed_bytes);
      all.buffers += sum_of(sums.buffer_bytes);
    }
    return all;
  }

  FakePoolKernel kernel_;
  std::uint64_t hits_ = 0, miss_hits_ = 0, grow_hits_ = 0, other_hits_ = 0, sizes_asked_for_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kSettingsBytes || size > kMaxBytes) return 0;
  PoolWorld world(data);
  auto hits = std::span(data, size).subspan(kSettingsBytes);
  for (; hits.size() >= kHitBytes; hits = hits.subspan(kHitBytes)) {
    world.perform(hits.data());
    world.check();
  }
  return 0;
}

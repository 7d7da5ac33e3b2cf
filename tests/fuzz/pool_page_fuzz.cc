// Any bytes as a stats page: whatever a hostile service writes, reading stays inside and says nothing impossible. The first byte says how
// many words of a right header come before what the input has of it.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "probes/collectors/pool_page_reader.h"
#include "tests/fuzz/fuzz_check.h"

namespace {

using namespace poolscope::probes;

constexpr std::size_t kPageBytes = 32768;
constexpr std::uint64_t kNowNs = 100'000'000'000;

ps_stats_header right_header() {
  ps_stats_header header{};
  header.magic = PS_STATS_MAGIC;
  header.version = PS_STATS_VERSION;
  header.header_bytes = sizeof(header);
  header.pool_bytes = (sizeof(ps_pool) + 63) / 64 * 64;
  header.block_bytes = sizeof(ps_block);
  header.pools_offset = 192;
  header.blocks_offset = header.pools_offset + 2 * header.pool_bytes;
  header.pool_capacity = header.pools_used = 2;
  header.block_capacity = header.blocks_used = 4;
  header.page_bytes = kPageBytes;
  header.mark_interval_ns = 5'000'000'000;
  return header;
}

// As a vector of words: a mapping starts at a multiple of 8.
std::vector<std::uint64_t> page_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> page(kPageBytes / sizeof(std::uint64_t));
  const std::size_t right_bytes = size > 0 ? std::min<std::size_t>(data[0] % 32 * 8, sizeof(ps_stats_header)) : 0;
  if (size > 1) std::memcpy(page.data(), data + 1, std::min(size - 1, kPageBytes));
  const ps_stats_header header = right_header();
  std::memcpy(page.data(), &header, right_bytes);
  return page;
}

void check_slot(const PageSlot& slot, const PageReading& reading) {
  FUZZ_CHECK(slot.index < reading.header.pools_used);
  FUZZ_CHECK(slot.pool.sequence != 0 && slot.pool.sequence % 2 == 0);
  const auto identity = identity_of(slot);
  FUZZ_CHECK(identity.name.size() <= sizeof(slot.pool.name) && identity.element.size() <= sizeof(slot.pool.element));
  FUZZ_CHECK(identity.kind == "published" || identity.kind == "poolscope" || identity.kind == "hosted");
  const auto state = state_of(slot, reading.header, kNowNs);
  FUZZ_CHECK(state.has_value() == (slot.pool.state == PS_POOL_LIVE));
  const auto nothing = counts_since(&slot, slot);
  FUZZ_CHECK(nothing.gets == 0 && nothing.all_misses() == 0 && nothing.needed_bytes.empty() && nothing.hold_ns.empty());
  FUZZ_CHECK(counts_since(nullptr, slot).gets == slot.sums.gets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint64_t> page = page_of(data, size);
  const std::size_t bytes = size > 0 && data[0] >= 128 ? std::min(size, kPageBytes) : kPageBytes;
  const auto reading = read_page(std::as_bytes(std::span(page)).first(bytes));
  if (!reading) {
    FUZZ_CHECK(!reading.error().detail.empty());
    return 0;
  }
  FUZZ_CHECK(reading->header.page_bytes <= bytes);
  FUZZ_CHECK(reading->slots.size() <= reading->header.pools_used);
  for (const PageSlot& slot : reading->slots) check_slot(slot, *reading);
  return 0;
}

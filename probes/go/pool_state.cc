#include "probes/go/pool_state.h"

#include <algorithm>
#include <array>
#include <bit>

namespace poolscope::go {
namespace {

// As the process has them in memory.
struct PoolHeader {
  std::uint64_t local, local_size, victim, victim_size;
};
struct Interface {
  std::uint64_t type, data;
};
struct PoolLocal {
  Interface private_object;
  std::uint64_t chain_head, chain_tail;
  std::array<std::uint64_t, 12> padding;
};
static_assert(sizeof(PoolLocal) == 128);
struct Ring {
  std::uint64_t head_and_tail;  // head in the upper half
  std::uint64_t values, length, capacity;
  std::uint64_t next, previous;
};
static_assert(sizeof(Ring) == 48);

constexpr std::uint64_t kLargestRing = 1u << 30;  // sync.dequeueLimit
constexpr std::uint32_t kSampleOfRing = 16;

class StateReader {
 public:
  explicit StateReader(const MemoryReader& memory) : memory_(memory) {}

  // What the locals of one array hold; nothing when they cannot be read.
  std::optional<std::uint64_t> read_locals(std::uint64_t address, std::uint64_t count) {
    if (address == 0 || count == 0) return 0;
    if (count > PoolState::kMaxLocals) state_.is_complete = false;
    std::vector<PoolLocal> locals(std::min(count, PoolState::kMaxLocals));
    if (!memory_.read(address, std::as_writable_bytes(std::span(locals)))) return std::nullopt;
    std::uint64_t idle = 0;
    for (const PoolLocal& local : locals) {
      if (local.private_object.type != 0) {
        ++idle;
        keep(local.private_object);
      }
      const auto shared = read_chain(local.chain_head);
      if (!shared) return std::nullopt;
      idle += *shared;
    }
    return idle;
  }

  PoolState take() { return std::move(state_); }

 private:
  std::optional<std::uint64_t> read_chain(std::uint64_t address) {
    std::uint64_t idle = 0;
    for (unsigned rings = 0; address != 0; ++rings) {
      if (rings == PoolState::kMaxRings) {
        state_.is_complete = false;
        break;
      }
      const auto ring = memory_.value<Ring>(address);
      if (!ring || !is_plausible(*ring)) return std::nullopt;
      const auto held = std::min<std::uint64_t>(held_by(*ring), ring->length);
      idle += held;
      if (held > 0) sample(*ring, static_cast<std::uint32_t>(held));
      address = ring->previous;
    }
    return idle;
  }

  static std::uint32_t held_by(const Ring& ring) {
    return static_cast<std::uint32_t>(ring.head_and_tail >> 32) - static_cast<std::uint32_t>(ring.head_and_tail);
  }

  static bool is_plausible(const Ring& ring) {
    return std::has_single_bit(ring.length) && ring.length <= kLargestRing && ring.capacity >= ring.length;
  }

  // The newest ones: with bad luck (the ring ends in between) fewer than kSampleOfRing.
  void sample(const Ring& ring, std::uint32_t held) {
    const auto head = static_cast<std::uint32_t>(ring.head_and_tail >> 32);
    const auto length = static_cast<std::uint32_t>(ring.length);
    const std::uint32_t end = (head - 1) % length + 1;
    const std::uint32_t count = std::min({held, kSampleOfRing, end});
    std::array<Interface, kSampleOfRing> values{};
    const auto wanted = std::span(values).first(count);
    const std::uint64_t first = ring.values + (end - count) * sizeof(Interface);
    if (!memory_.read(first, std::as_writable_bytes(wanted))) return;
    for (const Interface& value : wanted) keep(value);
  }

  void keep(const Interface& object) {
    if (object.type != 0 && object.data != 0 && state_.sample.size() < PoolState::kMaxSample) {
      state_.sample.push_back({object.type, object.data});
    }
  }

  const MemoryReader& memory_;
  PoolState state_;
};

}  // namespace

std::optional<PoolState> read_pool_state(const MemoryReader& memory, std::uint64_t pool) {
  const auto header = memory.value<PoolHeader>(pool);
  if (!header) return std::nullopt;
  StateReader reader(memory);
  const auto local = reader.read_locals(header->local, header->local_size);
  const auto victims = reader.read_locals(header->victim, header->victim_size);
  if (!local || !victims) return std::nullopt;
  PoolState state = reader.take();
  state.idle = *local + *victims;
  state.victims = *victims;
  return state;
}

}  // namespace poolscope::go

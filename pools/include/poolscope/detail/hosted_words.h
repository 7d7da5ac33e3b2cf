#pragma once
// HostedWords: the words that the clients of a hosted pool and its host share: a slot word for each buffer, and hints where
// a free one may be. A view: the memory is whoever's who made it.
//   Authority the slot word alone says whose a buffer is: {owner, state, generation}. Every step of the protocol is one exchange of
//             one word, so a client that is killed anywhere leaves each buffer free, retired or borrowed by itself.
//   Hints     one bit for each buffer; set: worth a look. It may be set for a buffer that is out: who looks there clears it. It may be
//             clear for a free one when a client was killed between two steps: the host's audit sets it again. Both are harmless,
//             which a linked list would not be: it can be neither walked nor mended while others change it.
//   Threads   take() and put() from any thread of any client. They never wait; take() looks at each hint once.
//   Misuse    put() of what is not borrowed by the client any more changes nothing and says so.
//   Trust     every client can write every word here. No word is used as an index, and none ends a loop.
//   Counting  each take raises the generation of its slot, so the host knows the gets without anybody counting.
//   Races     names the places where another thread may do harm or a kill may hit; NoHostedRaces for everybody but the tests.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace poolscope::detail {

enum class SlotState : std::uint8_t { kFree, kBorrowed, kRetired };

inline constexpr std::uint16_t kNoClient = 0;
// Ids of clients are 1 .. kMaxHostedClients.
inline constexpr std::uint16_t kMaxHostedClients = 4096;
inline constexpr std::uint32_t kMaxHostedBuffers = 1U << 20;

// State in bits 0-7, owner in 16-31, generation in 32-63.
[[nodiscard]] constexpr std::uint64_t slot_word(SlotState state, std::uint16_t owner, std::uint32_t generation) {
  return static_cast<std::uint64_t>(state) | static_cast<std::uint64_t>(owner) << 16 |
         static_cast<std::uint64_t>(generation) << 32;
}
[[nodiscard]] constexpr SlotState state_of(std::uint64_t word) {
  return static_cast<SlotState>(word & 0xff);
}
[[nodiscard]] constexpr std::uint16_t owner_of(std::uint64_t word) {
  return static_cast<std::uint16_t>(word >> 16);
}
[[nodiscard]] constexpr std::uint32_t generation_of(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}
// Whether the protocol can have written `word`.
[[nodiscard]] constexpr bool is_sound(std::uint64_t word) {
  const bool is_borrowed = state_of(word) == SlotState::kBorrowed;
  return (word & 0xff00) == 0 && state_of(word) <= SlotState::kRetired && is_borrowed == (owner_of(word) != kNoClient);
}

struct HostedSlot {
  std::uint32_t index = 0;
  std::uint64_t word = 0;  // as it is while borrowed, never 0
};

// A slot or none. Not std::optional, which compilers keep in memory: reading there what was just written in two halves takes as long as a
// locked instruction.
class TakenSlot {
 public:
  constexpr TakenSlot() noexcept = default;
  constexpr explicit TakenSlot(const HostedSlot& slot) noexcept : slot_(slot) {}
  constexpr explicit operator bool() const noexcept { return slot_.word != 0; }
  constexpr const HostedSlot& operator*() const noexcept { return slot_; }
  constexpr const HostedSlot* operator->() const noexcept { return &slot_; }

 private:
  HostedSlot slot_{};
};

enum class HostedPut { kFreed, kRetired, kNotBorrowed };

enum class HostedRace { kBeforeClaim, kAfterClaim, kAfterForget, kBeforeFree, kAfterFree };
struct NoHostedRaces {
  static void at(HostedRace) noexcept {}
};

template <typename Races = NoHostedRaces>
class HostedWords {
 public:
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free && sizeof(Word) == 8, "words are shared with other processes");

  static constexpr std::uint32_t hint_words(std::uint32_t buffers) { return (buffers + 63) / 64; }
  // Counters on a line of their own, hints, then slots from the next line on.
  static constexpr std::size_t bytes_for(std::uint32_t buffers) {
    return slots_offset(buffers) + std::size_t{buffers} * sizeof(Word);
  }

  HostedWords() = default;
  // bytes_for(buffers) at `base`, which is aligned to 64; all 0 is a pool whose buffers are all free and not hinted at.
  HostedWords(void* base, std::uint32_t buffers) noexcept
      : failed_gets_(static_cast<Word*>(base)),
        hints_(reinterpret_cast<Word*>(static_cast<std::byte*>(base) + kHintsOffset)),
        slots_(reinterpret_cast<Word*>(static_cast<std::byte*>(base) + slots_offset(buffers))),
        buffers_(buffers) {}

  // A free buffer, `near` if that one is free, else the next one that is hinted at. What its last borrower wrote is visible.
  [[nodiscard]] TakenSlot take(std::uint16_t client, std::uint32_t near) noexcept {
    if (near >= buffers_) near = 0;
    if (const auto slot = claim(near, client)) return slot;
    const std::uint32_t words = hint_words(buffers_);
    std::uint32_t at = near / 64;
    for (std::uint32_t looked = 0; looked < words; ++looked) {
      if (const auto slot = take_hinted(at, client)) return slot;
      at = at + 1 == words ? 0 : at + 1;
    }
    failed_gets_->fetch_add(1, std::memory_order_relaxed);
    return {};
  }

  // Everything the caller wrote to the buffer before is visible to who takes it next. From `limit` on buffers are retired.
  HostedPut put(const HostedSlot& slot, std::uint32_t limit) noexcept {
    const SlotState state = slot.index < limit ? SlotState::kFree : SlotState::kRetired;
    std::uint64_t seen = slot.word;
    Races::at(HostedRace::kBeforeFree);
    // (A) pairs with (B), and with (C): either this thread sees the hint cleared, or forget() sees the buffer free.
    if (!slots_[slot.index].compare_exchange_strong(seen, slot_word(state, kNoClient, generation_of(slot.word)),
                                                    std::memory_order_seq_cst, std::memory_order_relaxed))
      return HostedPut::kNotBorrowed;
    Races::at(HostedRace::kAfterFree);
    if (state == SlotState::kRetired) return HostedPut::kRetired;
    hint(slot.index);
    return HostedPut::kFreed;
  }

  // True: it was not set.
  bool hint(std::uint32_t index) noexcept {
    Word& word = hints_[index / 64];
    const std::uint64_t bit = std::uint64_t{1} << (index % 64);
    if ((word.load(std::memory_order_seq_cst) & bit) != 0) return false;
    word.fetch_or(bit, std::memory_order_seq_cst);
    return true;
  }

  [[nodiscard]] Word& slot(std::uint32_t index) noexcept { return slots_[index]; }
  [[nodiscard]] std::uint64_t failed_gets() const noexcept { return failed_gets_->load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t buffers() const noexcept { return buffers_; }

 private:
  static constexpr std::size_t kHintsOffset = 64;
  static constexpr std::size_t slots_offset(std::uint32_t buffers) {
    return (kHintsOffset + hint_words(buffers) * sizeof(Word) + 63) / 64 * 64;
  }

  TakenSlot claim(std::uint32_t index, std::uint16_t client) noexcept {
    std::uint64_t seen = slots_[index].load(std::memory_order_relaxed);
    if (state_of(seen) != SlotState::kFree) return {};
    const std::uint64_t mine = slot_word(SlotState::kBorrowed, client, generation_of(seen) + 1);
    Races::at(HostedRace::kBeforeClaim);
    if (!slots_[index].compare_exchange_strong(seen, mine, std::memory_order_acquire,  // (B)
                                               std::memory_order_relaxed))
      return {};
    Races::at(HostedRace::kAfterClaim);
    return TakenSlot({index, mine});
  }

  TakenSlot take_hinted(std::uint32_t at, std::uint16_t client) noexcept {
    for (std::uint64_t bits = hints_[at].load(std::memory_order_relaxed); bits != 0; bits &= bits - 1) {
      const std::uint32_t index = at * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      if (index >= buffers_) return {};  // no bit of ours
      if (const auto slot = claim(index, client)) return slot;
      forget(index);
    }
    return {};
  }

  void forget(std::uint32_t index) noexcept {
    hints_[index / 64].fetch_and(~(std::uint64_t{1} << (index % 64)), std::memory_order_seq_cst);  // (C)
    Races::at(HostedRace::kAfterForget);
    if (state_of(slots_[index].load(std::memory_order_seq_cst)) == SlotState::kFree) hint(index);
  }

  Word* failed_gets_ = nullptr;
  Word* hints_ = nullptr;
  Word* slots_ = nullptr;
  std::uint32_t buffers_ = 0;
};

}  // namespace poolscope::detail

// The protocol of hosted pools: what clients do to the words, in every state that another one can leave behind.
#include <functional>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hosted/shared_words.h"

namespace poolscope::hosted::test {
namespace {

using detail::HostedPut;
using detail::HostedRace;
using detail::HostedSlot;
using detail::SlotState;
using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::vector<std::uint32_t> all_of(std::uint32_t buffers) {
  std::vector<std::uint32_t> all(buffers);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(HostedWords, GivesEachBufferOnceAndThenNone) {
  for (const std::uint32_t buffers : {1u, 2u, 63u, 64u, 65u, 200u}) {
    const SharedWords shared(buffers);
    EXPECT_THAT(drain(shared.words(), 1), testing::UnorderedElementsAreArray(all_of(buffers)));
    EXPECT_EQ(shared.words().failed_gets(), 1u);
  }
}

TEST(HostedWords, GivesTheNearBufferFirst) {
  const SharedWords shared(100);
  EXPECT_EQ(shared.words().take(1, 70)->index, 70u);
  EXPECT_EQ(shared.words().take(1, 70)->index, 64u) << "the first of the same word of hints";
}

TEST(HostedWords, TakesAHintBeyondTheEndAsTheFirst) {
  const SharedWords shared(3);
  EXPECT_EQ(shared.words().take(1, 3)->index, 0u);
  EXPECT_EQ(shared.words().take(1, 0xffffffff)->index, 1u);
}

TEST(HostedWords, PutMakesABufferFreeForOthers) {
  const SharedWords shared(1);
  auto words = shared.words();
  const auto slot = words.take(1, 0);
  EXPECT_FALSE(words.take(2, 0));
  EXPECT_EQ(words.put(*slot, 1), HostedPut::kFreed);
  EXPECT_EQ(detail::owner_of(words.take(2, 0)->word), 2u);
}

TEST(HostedWords, PutFromTheLimitOnRetires) {
  const SharedWords shared(2);
  auto words = shared.words();
  const auto slot = words.take(1, 1);
  EXPECT_EQ(words.put(*slot, 1), HostedPut::kRetired);
  EXPECT_THAT(drain(words, 1), ElementsAre(0));
}

TEST(HostedWords, SecondPutOfTheSameBorrowingChangesNothing) {
  const SharedWords shared(1);
  auto words = shared.words();
  const auto slot = words.take(1, 0);
  ASSERT_EQ(words.put(*slot, 1), HostedPut::kFreed);
  EXPECT_EQ(words.put(*slot, 1), HostedPut::kNotBorrowed);
  const auto again = words.take(1, 0);  // by the same client: only the generation differs
  EXPECT_EQ(words.put(*slot, 1), HostedPut::kNotBorrowed);
  EXPECT_EQ(words.put(*again, 1), HostedPut::kFreed);
}

// ---- what others do in between --------------------------------------------------------------------------------------

// Runs `action` inside the first call that comes to `point`, as another client would.
struct HookRaces {
  static inline HostedRace point;
  static inline std::function<void()> action;
  static void at(HostedRace here) {
    if (here != point || !action) return;
    std::exchange(action, nullptr)();
  }
};

TEST(HostedWordsRace, ABufferTakenBeforeTheClaimIsLeftToTheOther) {
  const SharedWords shared(2);
  HookRaces::point = HostedRace::kBeforeClaim;
  HookRaces::action = [&] { EXPECT_EQ(shared.words().take(2, 0)->index, 0u); };
  EXPECT_EQ(shared.words_with<HookRaces>().take(1, 0)->index, 1u);
}

TEST(HostedWordsRace, ABufferTakenAndPutBackBeforeTheClaimHasAnotherGeneration) {
  const SharedWords shared(1);
  HookRaces::point = HostedRace::kBeforeClaim;
  HookRaces::action = [&] {
    auto words = shared.words();
    (void)words.put(*words.take(2, 0), 1);
  };
  // The claim fails, the hint leads there again.
  const auto slot = shared.words_with<HookRaces>().take(1, 0);
  ASSERT_TRUE(slot);
  EXPECT_EQ(detail::generation_of(slot->word), 2u);
}

TEST(HostedWordsRace, ABufferPutBackWhileItsHintIsClearedIsHintedAtAgain) {
  const SharedWords shared(1);
  auto words = shared.words();
  const auto held = words.take(2, 0);  // its hint stays
  HookRaces::point = HostedRace::kAfterForget;
  HookRaces::action = [&] { EXPECT_EQ(words.put(*held, 1), HostedPut::kFreed); };
  EXPECT_FALSE(shared.words_with<HookRaces>().take(1, 0)) << "the others had it when we looked";
  EXPECT_THAT(drain(words, 1), ElementsAre(0));
}

TEST(HostedWordsRace, ABufferTakenRightAfterItsPutStaysWithTheTaker) {
  const SharedWords shared(1);
  auto words = shared.words_with<HookRaces>();
  const auto held = words.take(1, 0);
  detail::TakenSlot taken;
  HookRaces::point = HostedRace::kAfterFree;
  HookRaces::action = [&] { taken = shared.words().take(2, 0); };
  EXPECT_EQ(words.put(*held, 1), HostedPut::kFreed);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(words.take(1, 0));
  EXPECT_EQ(words.put(*taken, 1), HostedPut::kFreed);
}

// ---- kills ----------------------------------------------------------------------------------------------------------

// Ends the process at the `count`-th time that it comes to `point`.
struct KillRaces {
  static inline HostedRace point;
  static inline int count;
  static void at(HostedRace here) {
    if (here == point && --count == 0) ::_exit(0);
  }
};

constexpr std::uint16_t kVictim = 1, kSurvivor = 2;
constexpr std::uint32_t kBuffers = 5, kLimit = 4;

// Comes to every point: claims, finds what is out, retires, frees.
template <typename Races>
void use(const SharedWords& shared) {
  auto words = shared.words_with<Races>();
  const auto first = words.take(kVictim, kLimit);  // above the limit
  const auto second = words.take(kVictim, 0);      // the survivor's
  if (first) (void)words.put(*first, kLimit);
  if (second) (void)words.put(*second, kLimit);
  (void)words.take(kVictim, 1);
}

// After the victim has ended: nothing is lost, nothing is with two.
void expect_all_there(const SharedWords& shared, const HostedSlot& survivors) {
  HostedAudit audit(shared.base(), kBuffers);
  const AuditReport report = audit.pass(kLimit, live({kSurvivor}));
  EXPECT_EQ(report.borrowed + report.idle + report.retired, kBuffers);
  auto count = holders(shared.base(), shared.bytes(), kBuffers);
  EXPECT_EQ(count[kVictim], 0u);
  EXPECT_EQ(count[kSurvivor], 1u);
  EXPECT_EQ(count[detail::kNoClient], kBuffers - 1);
  auto words = shared.words();
  std::vector<std::uint32_t> rest = drain(words, 3);
  rest.push_back(survivors.index);
  EXPECT_THAT(rest, testing::UnorderedElementsAreArray(all_of(kLimit)));
  EXPECT_EQ(words.put(survivors, kLimit), HostedPut::kFreed);
}

class HostedKill : public testing::TestWithParam<HostedRace> {};

TEST_P(HostedKill, AtThePointLosesNothing) {
  bool was_killed = false;
  for (int count = 1; count <= 8; ++count) {
    const SharedWords shared(kBuffers);
    const auto survivors = shared.words().take(kSurvivor, 0);
    const pid_t child = ::fork();
    if (child == 0) {
      KillRaces::point = GetParam();
      KillRaces::count = count;
      use<KillRaces>(shared);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    was_killed = was_killed || WEXITSTATUS(status) == 0;
    expect_all_there(shared, *survivors);
  }
  EXPECT_TRUE(was_killed) << "the point was never reached";
}

INSTANTIATE_TEST_SUITE_P(Points, HostedKill,
                         testing::Values(HostedRace::kBeforeClaim, HostedRace::kAfterClaim, HostedRace::kAfterForget,
                                         HostedRace::kBeforeFree, HostedRace::kAfterFree));

// ---- audit ----------------------------------------------------------------------------------------------------------

TEST(HostedAudit, TakesBackWhatEndedClientsHoldAndNothingElse) {
  const SharedWords shared(10);
  auto words = shared.words();
  for (int i = 0; i < 3; ++i) (void)words.take(1, 0);
  for (int i = 0; i < 2; ++i) (void)words.take(2, 0);
  HostedAudit audit(shared.base(), 10);
  const auto report = audit.pass(10, live({2}));
  EXPECT_EQ(report.reclaimed, 3u);
  EXPECT_EQ(report.borrowed, 2u);
  EXPECT_EQ(audit.held_by_client()[2], 2u);
  EXPECT_THAT(drain(words, 3), SizeIs(8));
}

TEST(HostedAudit, CountsGetsWithoutAnybodyCounting) {
  const SharedWords shared(4);
  auto words = shared.words();
  HostedAudit audit(shared.base(), 4);
  for (int i = 0; i < 1000; ++i) (void)words.put(*words.take(1, static_cast<std::uint32_t>(i)), 4);
  (void)words.take(1, 0);
  (void)audit.pass(4, live({1}));
  EXPECT_EQ(audit.gets(), 1001u);
}

TEST(HostedAudit, GenerationsThatWrapAreCountedOn) {
  const SharedWords shared(1);
  auto words = shared.words();
  words.slot(0).store(detail::slot_word(SlotState::kFree, 0, 0xffffffff));
  HostedAudit audit(shared.base(), 1);
  (void)words.put(*words.take(1, 0), 1);
  (void)words.put(*words.take(1, 0), 1);
  (void)audit.pass(1, live({1}));
  EXPECT_EQ(audit.gets(), 2u);
}

TEST(HostedAudit, ALowerLimitRetiresAndAHigherOneBringsBack) {
  const SharedWords shared(6);
  auto words = shared.words();
  const auto held = words.take(1, 5);
  HostedAudit audit(shared.base(), 6);
  EXPECT_EQ(audit.pass(2, live({1})).retired, 3u) << "one of the four above the limit is out";
  EXPECT_EQ(words.put(*held, 2), HostedPut::kRetired);
  EXPECT_EQ(audit.pass(2, live({1})).retired, 4u);
  EXPECT_THAT(drain(words, 1), UnorderedElementsAre(0, 1));
  EXPECT_EQ(audit.pass(6, live({1})).idle, 4u);
  EXPECT_THAT(drain(words, 1), UnorderedElementsAre(2, 3, 4, 5));
}

TEST(HostedAudit, MendsWordsThatNoClientOfOursWrites) {
  const std::uint64_t nonsense[] = {~0ull,
                                    0xff00,
                                    3,
                                    detail::slot_word(SlotState::kFree, 7, 1),
                                    detail::slot_word(SlotState::kBorrowed, 0, 1),
                                    detail::slot_word(SlotState::kRetired, 9, 1)};
  for (const std::uint64_t word : nonsense) {
    const SharedWords shared(1);
    shared.words().slot(0).store(word);
    const auto report = HostedAudit(shared.base(), 1).pass(1, live({7, 9}));
    EXPECT_EQ(report.mended, 1u) << std::hex << word;
    EXPECT_THAT(drain(shared.words(), 1), ElementsAre(0));
  }
}

TEST(HostedAudit, OwnersBeyondAllIdsAreNobody) {
  const SharedWords shared(1);
  shared.words().slot(0).store(detail::slot_word(SlotState::kBorrowed, 0xffff, 1));
  EXPECT_EQ(HostedAudit(shared.base(), 1).pass(1, live({1})).reclaimed, 1u);
}

}  // namespace
}  // namespace poolscope::hosted::test

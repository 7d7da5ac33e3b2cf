// BatchStack: what it keeps, and every order in which few threads can meet in it.
#include "poolscope/detail/batch_stack.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pools/interleaving.h"

namespace poolscope::detail::test {
namespace {

void* object(std::uintptr_t number) {
  return reinterpret_cast<void*>(number);
}

template <typename Races>
void push_one(BatchStack<Races>& stack, std::uintptr_t number) {
  void* const one = object(number);
  ASSERT_TRUE(stack.push(&one, 1));
}

template <typename Races>
std::vector<std::uintptr_t> drain(BatchStack<Races>& stack) {
  std::vector<std::uintptr_t> found;
  for (Batch batch; stack.pop(batch);) {
    for (std::uint32_t i = 0; i < batch.count; ++i) found.push_back(reinterpret_cast<std::uintptr_t>(batch.objects[i]));
  }
  return found;
}

TEST(BatchStack, GivesNothingWhenEmpty) {
  BatchStack<> stack;
  Batch batch;
  EXPECT_FALSE(stack.pop(batch));
}

TEST(BatchStack, GivesTheLastBatchFirst) {
  BatchStack<> stack;
  void* const two[] = {object(1), object(2)};
  ASSERT_TRUE(stack.push(two, 2));
  push_one(stack, 3);
  EXPECT_THAT(drain(stack), testing::ElementsAre(3, 1, 2));
}

TEST(BatchStack, KeepsThousandsOfBatches) {
  BatchStack<> stack;
  for (std::uintptr_t i = 1; i <= 5000; ++i) push_one(stack, i);
  const auto found = drain(stack);
  EXPECT_EQ(std::set<std::uintptr_t>(found.begin(), found.end()).size(), 5000u);
}

TEST(BatchStack, AgeHandsOutWhatWasNotNeededForTwoGenerations) {
  BatchStack<> stack;
  std::vector<std::uintptr_t> dropped;
  const auto drop = [&](const Batch& batch) { dropped.push_back(reinterpret_cast<std::uintptr_t>(batch.objects[0])); };
  for (std::uintptr_t i = 1; i <= 3; ++i) push_one(stack, i);
  stack.age(drop);
  EXPECT_THAT(dropped, testing::IsEmpty());
  Batch batch;
  ASSERT_TRUE(stack.pop(batch));  // 3, from the old generation
  push_one(stack, 3);
  stack.age(drop);
  EXPECT_THAT(dropped, testing::UnorderedElementsAre(1, 2));
  EXPECT_THAT(drain(stack), testing::ElementsAre(3));
}

// Runs `action` inside the first call that comes to `point`, as another thread would.
struct HookRaces {
  static inline RacePoint point;
  static inline std::function<void()> action;
  static void at(RacePoint here) {
    if (here != point || !action) return;
    const auto once = std::exchange(action, nullptr);
    once();
  }
};

TEST(BatchStackRace, PopRetriesAfterPopPopPush) {
  BatchStack<HookRaces> stack;
  push_one(stack, 1);
  push_one(stack, 2);
  Batch outer, first, second;
  HookRaces::point = RacePoint::kAfterReadNext;
  HookRaces::action = [&] {
    ASSERT_TRUE(stack.pop(first));   // 2
    ASSERT_TRUE(stack.pop(second));  // 1 stays out
    push_one(stack, 2);              // in the node that the outer pop() looks at
  };
  ASSERT_TRUE(stack.pop(outer));
  EXPECT_EQ(outer.objects[0], object(2));
  EXPECT_FALSE(stack.pop(outer)) << "1 was handed out twice";
}

TEST(BatchStackRace, PopRetriesWhenAllWasTakenToAge) {
  BatchStack<HookRaces> stack;
  push_one(stack, 1);
  push_one(stack, 2);
  HookRaces::point = RacePoint::kAfterReadNext;
  HookRaces::action = [&] { stack.age([](const Batch&) {}); };
  EXPECT_THAT(drain(stack), testing::UnorderedElementsAre(1, 2));
}

TEST(BatchStackRace, PushKeepsWhatCameInBetween) {
  BatchStack<HookRaces> stack;
  HookRaces::point = RacePoint::kBeforePublish;
  HookRaces::action = [&] { push_one(stack, 1); };
  push_one(stack, 2);
  EXPECT_THAT(drain(stack), testing::UnorderedElementsAre(1, 2));
}

// ---- every order -------------------------------------------------------------------------------------------------------

using Steps = BatchStack<StepRaces>;
struct Meeting {
  const char* name;
  std::uintptr_t inside;  // batches before
  std::uintptr_t added;   // by push_new()
  std::vector<std::function<void(Steps&, std::vector<std::uintptr_t>&)>> threads;
};

void pop_one(Steps& stack, std::vector<std::uintptr_t>& mine) {
  Batch batch;
  if (stack.pop(batch)) mine.push_back(reinterpret_cast<std::uintptr_t>(batch.objects[0]));
}
// A batch more.
template <std::uintptr_t kNumber>
void push_new(Steps& stack, std::vector<std::uintptr_t>&) {
  push_one(stack, kNumber);
}
void pop_and_push(Steps& stack, std::vector<std::uintptr_t>& mine) {
  pop_one(stack, mine);
  if (mine.empty()) return;
  push_one(stack, mine.back());
  mine.pop_back();
}
void pop_two_push_one(Steps& stack, std::vector<std::uintptr_t>& mine) {
  pop_one(stack, mine);
  pop_and_push(stack, mine);
}
void age(Steps& stack, std::vector<std::uintptr_t>& mine) {
  stack.age([&](const Batch& batch) { mine.push_back(reinterpret_cast<std::uintptr_t>(batch.objects[0])); });
}

class EveryOrder : public testing::TestWithParam<Meeting> {};
TEST_P(EveryOrder, LosesNothingAndHandsNothingOutTwice) {
  const Meeting& meeting = GetParam();
  const std::size_t orders = for_every_order(meeting.threads.size(), [&](Interleaving& interleaving) {
    Steps stack;
    for (std::uintptr_t i = 1; i <= meeting.inside; ++i) push_one(stack, i);
    std::vector<std::vector<std::uintptr_t>> held(meeting.threads.size());
    std::vector<std::function<void()>> threads;
    for (std::size_t t = 0; t < meeting.threads.size(); ++t)
      threads.emplace_back([&, t] { meeting.threads[t](stack, held[t]); });
    interleaving.run(threads);

    std::vector<std::uintptr_t> all = drain(stack);
    for (const auto& some : held) all.insert(all.end(), some.begin(), some.end());
    std::ranges::sort(all);
    std::vector<std::uintptr_t> expected(meeting.inside + meeting.added);
    for (std::uintptr_t i = 0; i < expected.size(); ++i) expected[i] = i + 1;
    EXPECT_EQ(all, expected) << "order " << interleaving.text();
    return !testing::Test::HasFailure();
  });
  EXPECT_GT(orders, 5u);
}
INSTANTIATE_TEST_SUITE_P(Table, EveryOrder,
                         testing::Values(Meeting{"TwoPop", 2, 0, {pop_one, pop_one}},
                                         Meeting{"PopAgainstPopPopPush", 2, 0, {pop_one, pop_two_push_one}},
                                         Meeting{"TwoPopAndPush", 1, 0, {pop_and_push, pop_and_push}},
                                         Meeting{"PopAgainstPopAndPush", 2, 0, {pop_one, pop_and_push}},
                                         Meeting{"PopAgainstAge", 2, 0, {pop_one, age}},
                                         Meeting{"PopAndPushAgainstAge", 2, 0, {pop_and_push, age}},
                                         Meeting{"TwoPush", 1, 2, {push_new<2>, push_new<3>}},
                                         Meeting{"PushAgainstAge", 1, 1, {push_new<2>, age}},
                                         Meeting{"PushAgainstPop", 1, 1, {push_new<2>, pop_one}},
                                         Meeting{"PushAgainstPopAndAge", 1, 1, {push_new<2>, pop_one, age}},
                                         Meeting{"PushAgainstTwoPop", 1, 1, {push_new<2>, pop_one, pop_one}}),
                         [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace poolscope::detail::test

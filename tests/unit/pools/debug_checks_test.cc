// Debug checks: what they find, and that they can be switched while the pool is in use.
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poolscope/detail/memory_marks.h"
#include "poolscope/object_pool.h"

namespace poolscope::test {
namespace {

struct Record {
  std::uint64_t values[4] = {};
};
using Records = ObjectPool<Record>;
using Kind = PoolMisuse::Kind;

class DebugChecked : public testing::Test {
 protected:
  PoolOptions options(DebugChecks checks = DebugChecks::kOn) {
    return {.name = "records", .publish = false, .debug_checks = checks, .on_misuse = [this](const PoolMisuse& misuse) {
              found_.push_back(misuse.kind);
              texts_.push_back(describe(misuse));
            }};
  }
  std::vector<Kind> found_;
  std::vector<std::string> texts_;
};

TEST_F(DebugChecked, FindsNothingWhereNothingIsWrong) {
  {
    Records pool(options());
    for (int i = 0; i < 100; ++i) {
      const auto first = pool.acquire();
      const auto second = pool.acquire();
      first->values[0] = 7;
    }
  }
  EXPECT_THAT(found_, testing::IsEmpty());
}

TEST_F(DebugChecked, FindsAnObjectReleasedTwiceAndKeepsItOnce) {
  Records pool(options());
  Record* record = pool.acquire_raw();
  pool.release(record);
  pool.release(record);
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kReleasedTwice));
  const auto first = pool.acquire();
  const auto second = pool.acquire();
  EXPECT_NE(first.get(), second.get());
  EXPECT_EQ(pool.stats().borrowed, 2u);
}

TEST_F(DebugChecked, FindsAForeignPointer) {
  Records pool(options());
  Record other;
  pool.release(&other);
  detail::mark_borrowed(&other, sizeof(other));
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kForeign));
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_FOREIGN], 1u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, 0u);
}

TEST_F(DebugChecked, FindsAnObjectThatWasWrittenToWhileIdle) {
  Records pool(options());
  Record* record = pool.acquire_raw();
  pool.release(record);
  detail::mark_borrowed(record, sizeof(*record));  // else AddressSanitizer finds it first
  record->values[2] = 1;
  const auto lease = pool.acquire();
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kUsedAfterRelease));
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_INVALID], 1u);
}

TEST_F(DebugChecked, FindsALeakWithItsBorrowerWhenThePoolEnds) {
  Records::Lease leaked;
  {
    Records pool(options());
    leaked = pool.acquire();
    ASSERT_EQ(pool.borrowers().size(), 1u);
    EXPECT_EQ(pool.borrowers()[0].object, leaked.get());
    EXPECT_STREQ(pool.borrowers()[0].pool, "records");
    EXPECT_NE(pool.borrowers()[0].borrower, nullptr);
  }
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kLeaked));
  EXPECT_THAT(texts_[0], testing::AllOf(testing::StartsWith("pool records: 0x"),
                                        testing::HasSubstr("not released; last borrowed by ")));
}

TEST_F(DebugChecked, TellWhichCodeBorrowed) {
  Records pool(options());
  const auto one = pool.acquire();
  const auto other = pool.acquire();
  const auto borrowers = pool.borrowers();
  ASSERT_EQ(borrowers.size(), 2u);
  EXPECT_NE(borrowers[0].borrower, borrowers[1].borrower);
}

TEST_F(DebugChecked, CanBeSwitchedOnWhileObjectsAreOut) {
  Records pool(options(DebugChecks::kOff));
  Record* before = pool.acquire_raw();
  pool.set_debug_checks(DebugChecks::kOn);
  pool.release(before);
  EXPECT_THAT(found_, testing::IsEmpty());
  pool.release(before);
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kReleasedTwice));
}

TEST_F(DebugChecked, KnowWhenSwitchedOnLateThatNoMoreObjectsExistedBefore) {
  Records pool(options(DebugChecks::kOff));
  { const auto lease = pool.acquire(); }
  pool.set_debug_checks(DebugChecks::kOn);
  const auto lease = pool.acquire();
  Record other;
  pool.release(&other);
  detail::mark_borrowed(&other, sizeof(other));
  EXPECT_THAT(found_, testing::ElementsAre(Kind::kForeign));
}

TEST_F(DebugChecked, CanBeSwitchedOffAgain) {
  Records pool(options());
  pool.set_debug_checks(DebugChecks::kOff);
  { const auto lease = pool.acquire(); }
  EXPECT_TRUE(pool.borrowers().empty());
  EXPECT_EQ(pool.stats().gets, 1u);
}

TEST_F(DebugChecked, WorksFromSeveralThreads) {
  Records pool(options());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const auto one = pool.acquire();
        const auto two = pool.acquire();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(found_, testing::IsEmpty());
}

TEST(DebugChecksDeathTest, EndTheProgramWithADescriptionWhenNobodyListens) {
  EXPECT_DEATH(
      {
        Records pool({.name = "records", .publish = false, .debug_checks = DebugChecks::kOn});
        Record* record = pool.acquire_raw();
        pool.release(record);
        pool.release(record);
      },
      "pool records: 0x[0-9a-f]+ released twice; last borrowed by ");
}

#ifdef POOLSCOPE_ASAN
TEST(AddressSanitizerDeathTest, FindsTheUseOfAnIdleObject) {
  EXPECT_DEATH(
      {
        Records pool({.publish = false});
        Record* record = pool.acquire_raw();
        pool.release(record);
        record->values[0] = 1;
      },
      "use-after-poison");
}
#endif

}  // namespace
}  // namespace poolscope::test

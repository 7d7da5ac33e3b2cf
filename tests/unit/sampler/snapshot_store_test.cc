#include "agent/sampler/snapshot_store.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "probes/process/monotonic_clock.h"

namespace {

using namespace poolscope;
using sampler::SnapshotStore;
using testing::ElementsAre;
using testing::IsEmpty;

model::Snapshot snapshot(std::uint64_t sequence) {
  model::Snapshot snapshot;
  snapshot.agent.sequence = sequence;
  snapshot.time_unix_ns = sequence * 10;
  return snapshot;
}

void publish(SnapshotStore& store, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t sequence = first; sequence <= last; ++sequence) store.publish(snapshot(sequence));
}

std::vector<std::uint64_t> page(const SnapshotStore& store, std::uint64_t after, std::size_t limit) {
  std::vector<std::uint64_t> sequences;
  for (const auto& each : store.history(after, limit)) sequences.push_back(each->agent.sequence);
  return sequences;
}

TEST(SnapshotStore, IsEmptyBeforeTheFirstMeasurement) {
  const SnapshotStore store(4);
  EXPECT_EQ(store.snapshot(), nullptr);
  EXPECT_THAT(page(store, 0, 10), IsEmpty());
  EXPECT_FALSE(store.ready());
  EXPECT_TRUE(store.last_reload().successful);
}

TEST(SnapshotStore, ShowsTheLatest) {
  SnapshotStore store(4);
  publish(store, 1, 3);
  ASSERT_NE(store.snapshot(), nullptr);
  EXPECT_EQ(*store.snapshot(), snapshot(3));
}

struct PageCase {
  const char* name;
  std::uint64_t after;
  std::size_t limit;
  std::vector<std::uint64_t> sequences;
};
class History : public testing::TestWithParam<PageCase> {};

// Kept: 3, 4, 7, 8. Sequence numbers may have gaps.
TEST_P(History, GivesWhatIsNewerOldestFirst) {
  SnapshotStore store(4);
  publish(store, 1, 4);
  publish(store, 7, 8);
  EXPECT_EQ(page(store, GetParam().after, GetParam().limit), GetParam().sequences);
}

INSTANTIATE_TEST_SUITE_P(Table, History,
                         testing::Values(PageCase{"FromTheBeginning", 0, 10, {3, 4, 7, 8}},
                                         PageCase{"FromOneThatIsGone", 1, 10, {3, 4, 7, 8}},
                                         PageCase{"FromOneThatIsKept", 4, 10, {7, 8}},
                                         PageCase{"FromAGap", 5, 10, {7, 8}}, PageCase{"FromTheLast", 8, 10, {}},
                                         PageCase{"FromTheFuture", ~std::uint64_t{0}, 10, {}},
                                         PageCase{"OnePage", 0, 3, {3, 4, 7}}, PageCase{"ThePageAfterIt", 7, 3, {8}},
                                         PageCase{"NoRoom", 0, 0, {}}, PageCase{"NoLimit", 0, SIZE_MAX, {3, 4, 7, 8}}),
                         [](const auto& each) { return each.param.name; });

TEST(SnapshotStore, KeepsTheLatestEvenWithoutCapacity) {
  SnapshotStore store(0);
  publish(store, 1, 2);
  ASSERT_NE(store.snapshot(), nullptr);
  EXPECT_THAT(page(store, 0, 10), ElementsAre(2));
}

TEST(SnapshotStore, KeepsFewerOfLargeSnapshots) {
  SnapshotStore store(100);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    model::Snapshot large = snapshot(sequence);
    large.targets.resize(1);
    large.targets[0].pools.resize(SnapshotStore::kMaxHistoryBytes / 4 / sizeof(model::PoolSummary));
    store.publish(std::move(large));
  }
  EXPECT_THAT(page(store, 0, 10), ElementsAre(8, 9, 10));
}

TEST(SnapshotStore, WhatAReaderHoldsOutlivesItsPlaceInTheStore) {
  SnapshotStore store(1);
  publish(store, 1, 1);
  const auto held = store.snapshot();
  publish(store, 2, 5);
  EXPECT_EQ(*held, snapshot(1));
}

TEST(SnapshotStore, IsReadyOnceItWasSaid) {
  SnapshotStore store(1);
  store.set_ready();
  EXPECT_TRUE(store.ready());
}

TEST(SnapshotStore, TimeOfTheReloadIsThatOfTheLastSuccessfulOne) {
  SnapshotStore store(1);
  store.set_reload(true, 100);
  store.set_reload(false, 200);
  EXPECT_FALSE(store.last_reload().successful);
  EXPECT_EQ(store.last_reload().time_unix_seconds, 100);
  store.set_reload(true, 300);
  EXPECT_TRUE(store.last_reload().successful);
  EXPECT_EQ(store.last_reload().time_unix_seconds, 300);
}

TEST(SnapshotStoreThreads, ReadersSeeWholeSnapshotsInOrderWhileOnePublishes) {
  constexpr std::uint64_t kSnapshots = 5000;
  constexpr unsigned kReaders = 3;
  SnapshotStore store(16);
  std::latch everybody_is_there(kReaders + 1);
  std::atomic<unsigned> disorder{0};
  std::vector<std::jthread> readers;
  for (unsigned i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      everybody_is_there.arrive_and_wait();
      for (std::uint64_t last = 0; last < kSnapshots;) {
        for (const auto& each : store.history(last, 4)) {
          if (each->agent.sequence <= last || each->time_unix_ns != each->agent.sequence * 10) ++disorder;
          last = each->agent.sequence;
        }
      }
    });
  }
  everybody_is_there.arrive_and_wait();
  publish(store, 1, kSnapshots);
  readers.clear();
  EXPECT_EQ(disorder, 0u);
}

// What a thread that asks for a range is told, while this one measures.
class Ranges : public testing::Test {
 protected:
  using Answer = Result<std::shared_ptr<const model::Snapshot>, api::RangeRefusal>;
  Answer ask(const api::UnixRange& range, const SnapshotStore::Estimate& estimate) {
    std::optional<Answer> answer;
    std::atomic<bool> is_there{false};
    std::jthread client([&] {
      answer = store_.snapshot_of(range);
      is_there = true;
    });
    while (!is_there) {
      store_.answer_range(estimate);
      std::this_thread::yield();
    }
    client.join();
    return *std::move(answer);
  }
  SnapshotStore store_{1};
};

TEST_F(Ranges, AreEstimatedByTheThreadThatMeasures) {
  const auto measuring = std::this_thread::get_id();
  const auto answer = ask({}, [&](const model::TimeRange& range) {
    EXPECT_EQ(std::this_thread::get_id(), measuring);
    EXPECT_EQ(range.from_ns, 0u);
    EXPECT_EQ(range.to_ns, ~std::uint64_t{0}) << "an open end stays open";
    return snapshot(5);
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(**answer, snapshot(5));
}

TEST_F(Ranges, AreTurnedIntoTheClockOfRecords) {
  const auto now_unix_ns =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
  const std::uint64_t now_ns = process::monotonic_ns();
  (void)ask({now_unix_ns - 2'000'000'000, now_unix_ns - 1'000'000'000}, [&](const model::TimeRange& range) {
    EXPECT_EQ(range.to_ns - range.from_ns, 1'000'000'000u + model::kClockSlackNs);
    EXPECT_NEAR(static_cast<double>(range.to_ns), static_cast<double>(now_ns) - 1e9, 0.5e9);
    return std::nullopt;
  });
}

TEST_F(Ranges, OfWhichNothingIsKnownAreRefusedWithAReason) {
  const auto answer = ask({}, [](const auto&) { return std::nullopt; });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 404);
  EXPECT_THAT(answer.error().detail, testing::HasSubstr("the last 300 s"));
}

TEST_F(Ranges, AreRefusedAtOnceWhenNobodyMeasuresAnyMore) {
  store_.stop_answering();
  const auto answer = store_.snapshot_of({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 503);
}

}  // namespace

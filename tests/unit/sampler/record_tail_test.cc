#include "agent/sampler/record_tail.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/recording/reader.h"
#include "tests/unit/recording/make_recording.h"

namespace poolscope::sampler {
namespace {

using recording::testing::kBootUnixNs;
using recording::testing::kSecond;

// An agent that measures a stratum a second, each as soon as somebody waits for it.
class Tail : public ::testing::Test {
 protected:
  void run_second() {
    ++second_;
    tail_.take(1, recording::testing::stratum_until(second_));
    tail_.take(1, recording::testing::status_at(second_));
    tail_.take(recording::testing::moment_at(second_));
    if (tail_.wants_state()) tail_.take(1, recording::testing::status_at(second_));
  }
  // What is answered while the agent goes on.
  std::string ask(std::uint64_t after_second) {
    std::atomic<bool> is_answered{false};
    std::string answer;
    std::thread client([&] {
      answer = tail_.after(kBootUnixNs + after_second * kSecond);
      is_answered = true;
    });
    while (!is_answered) {
      if (tail_.is_asked()) run_second();
      std::this_thread::yield();
    }
    client.join();
    return answer;
  }
  static std::vector<std::uint64_t> strata_of(const std::string& answer) {
    std::vector<std::uint64_t> ends;
    auto reader = recording::Reader::open(std::make_unique<recording::MemorySource>(answer), "the answer");
    if (!reader) return ends;
    for (const auto& chunk : reader->chunks()) {
      EXPECT_EQ(chunk.header.flags, recording::kBeginsWithState);
      reader->read(chunk, [&](const recording::Line& line) {
        const auto* of_target = std::get_if<recording::LineOfTarget>(&line);
        if (of_target == nullptr) return;
        const auto* stratum = std::get_if<model::StratumRecord>(&of_target->record);
        if (stratum != nullptr) ends.push_back((stratum->start_ns + stratum->length_ns) / kSecond);
      });
    }
    return ends;
  }

  RecordTail tail_;
  std::uint64_t second_ = 0;
};

TEST_F(Tail, KeepsNothingUntilSomebodyAsks) {
  for (int i = 0; i < 5; ++i) run_second();
  EXPECT_FALSE(tail_.wants_state());
  EXPECT_EQ(ask(0), recording::file_header());
}

TEST_F(Tail, BeginsAtTheMomentAfterTheFirstQuestion) {
  for (int i = 0; i < 5; ++i) run_second();
  (void)ask(5);
  EXPECT_THAT(strata_of(ask(6)), ::testing::ElementsAre(7));
}

TEST_F(Tail, GivesAllThatCameAfterATimeOnce) {
  (void)ask(0);
  for (int i = 0; i < 25; ++i) run_second();
  const auto first = strata_of(ask(0));
  EXPECT_EQ(first.size(), 26u);
  EXPECT_EQ(first.front(), 2u);
  run_second();
  EXPECT_THAT(strata_of(ask(first.back())), ::testing::ElementsAre(first.back() + 1, first.back() + 2));
}

TEST_F(Tail, ForgetsWhenNobodyAsksForAMinute) {
  (void)ask(0);
  for (int i = 0; i < 70; ++i) run_second();
  EXPECT_FALSE(tail_.wants_state());
  EXPECT_EQ(ask(0), recording::file_header());
}

TEST_F(Tail, AnswersAtOnceWhenTheAgentEnds) {
  tail_.stop_answering();
  EXPECT_EQ(tail_.after(0), recording::file_header());
}

}  // namespace
}  // namespace poolscope::sampler

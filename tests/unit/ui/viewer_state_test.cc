#include "ui/model/viewer_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using viewer_test::kSecond;
using viewer_test::kStart;
using viewer_test::live_state;
using viewer_test::share;
using viewer_test::small_snapshot;

TEST(ViewerState, IsAsItWasWhenNothingHasCome) {
  ViewerState state = live_state(small_snapshot(10), 30);
  const std::uint64_t before = state.revision();
  state.take({});
  EXPECT_EQ(state.revision(), before);
}

TEST(ViewerState, ShowsNothingBeforeAnythingCame) {
  ViewerState state;
  EXPECT_EQ(state.shown(), nullptr);
  EXPECT_FALSE(state.take_question().has_value());
  EXPECT_EQ(state.shown_note(), "");
}

TEST(ViewerState, ShowsWhatTheAgentSaysWhileItIsFollowed) {
  ViewerState state = live_state(small_snapshot(5), 200);
  ASSERT_NE(state.shown(), nullptr);
  EXPECT_EQ(state.shown(), state.latest());
  EXPECT_FALSE(state.take_question().has_value());
}

TEST(ViewerState, AsksOnceForARangeAndShowsTheAnswer) {
  ViewerState state = live_state(small_snapshot(5), 200);
  state.move_time([](TimeAxis& time) { time.show(kStart - 100 * kSecond, kStart - 50 * kSecond); });
  const auto question = state.take_question();
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(*question, state.time().shown());
  EXPECT_FALSE(state.take_question().has_value()) << "it is on its way";
  EXPECT_THAT(state.shown_note(), HasSubstr("being estimated"));

  Delivery answer;
  answer.range = RangeAnswer{*question, share(small_snapshot(7)), ""};
  state.take(std::move(answer));
  EXPECT_EQ(state.shown()->targets[0].allocations.per_second->value, 7);
  EXPECT_FALSE(state.take_question().has_value());
  EXPECT_THAT(state.shown_note(), HasSubstr("estimated from 11:40:27 to 11:41:17"));
}

TEST(ViewerState, AsksAgainWhenTheRangeMovedMeanwhile) {
  ViewerState state = live_state(small_snapshot(5), 200);
  state.move_time([](TimeAxis& time) { time.pan(-0.1); });
  const auto first = state.take_question();
  state.move_time([](TimeAxis& time) { time.pan(-0.1); });
  EXPECT_FALSE(state.take_question().has_value()) << "one at a time";
  Delivery answer;
  answer.range = RangeAnswer{*first, share(small_snapshot(7)), ""};
  state.take(std::move(answer));
  EXPECT_EQ(state.take_question(), state.time().shown());
}

TEST(ViewerState, ShowsWhatWasSeenThenWhereTheRecordsOfARangeAreGone) {
  ViewerState state;
  state.begin("127.0.0.1:9777", true);
  Delivery delivery = viewer_test::live_delivery(small_snapshot(5), 100);
  delivery.steps.push_back(viewer_test::step_at(0, 3));
  delivery.steps.back().range = {kStart - 615 * kSecond, kStart - 600 * kSecond};
  state.take(std::move(delivery));
  state.move_time([](TimeAxis& time) { time.scrub_to(kStart - 590 * kSecond); });
  Delivery answer;
  answer.range = RangeAnswer{*state.take_question(), nullptr, "HTTP 404"};
  state.take(std::move(answer));
  EXPECT_EQ(state.shown()->targets[0].allocations.per_second->value, 3);
  EXPECT_EQ(state.shown_note(), "what was seen until 11:32:07, of 15 s: HTTP 404");
  EXPECT_FALSE(state.take_question().has_value()) << "the same question has the same answer";
}

TEST(ViewerState, GoesBackToTheNewestWhenItFollowsAgain) {
  ViewerState state = live_state(small_snapshot(5), 200);
  state.move_time([](TimeAxis& time) { time.pan(-0.2); });
  Delivery answer;
  answer.range = RangeAnswer{*state.take_question(), share(small_snapshot(7)), ""};
  state.take(std::move(answer));
  state.move_time([](TimeAxis& time) { time.follow(); });
  EXPECT_FALSE(state.take_question().has_value());
  EXPECT_EQ(state.shown(), state.latest());
}

TEST(ViewerState, ShowsAllOfAFileAtFirst) {
  ViewerState state;
  state.begin("night.poolscope", false);
  Delivery delivery;
  delivery.whole = TimeRange{kStart, kStart + 3600 * kSecond};
  delivery.latest = share(small_snapshot(3));
  state.take(std::move(delivery));
  EXPECT_EQ(state.time().shown(), (TimeRange{kStart, kStart + 3600 * kSecond}));
  EXPECT_FALSE(state.take_question().has_value()) << "that is the range it has already";
}

TEST(ViewerState, ForgetsTheSourceBefore) {
  ViewerState state = live_state(small_snapshot(5));
  state.view = 3;
  const std::uint64_t before = state.revision();
  state.begin("other:1", true);
  EXPECT_EQ(state.shown(), nullptr);
  EXPECT_FALSE(state.history().whole().has_value());
  EXPECT_EQ(state.view, 3u);
  EXPECT_GT(state.revision(), before) << "or views would show the models of the one before";
}

TEST(ViewerState, ChangesItsRevisionWhenTheRangeMovesAndOnlyThen) {
  ViewerState state = live_state(small_snapshot(5), 200);
  const std::uint64_t before = state.revision();
  state.move_time([](TimeAxis&) {});
  EXPECT_EQ(state.revision(), before);
  state.move_time([](TimeAxis& time) { time.pan(-0.5); });
  EXPECT_GT(state.revision(), before);
}

}  // namespace
}  // namespace poolscope::viewer

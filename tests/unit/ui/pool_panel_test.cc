#include "ui/model/pool_panel.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using viewer_test::kSecond;
using viewer_test::kStart;
using viewer_test::live_state;
using viewer_test::small_snapshot;

const Subject kBuffers{"shop", "main.buffers"};

// A pool that counts itself: 100 gets and 35 misses a second, keeps 6 of at most 16 idle.
model::Snapshot counting_pool(std::uint64_t second = 100) {
  model::Snapshot snapshot = small_snapshot(100, kStart + second * kSecond);
  snapshot.agent.prices = sizing::Prices{{{64, 20}, {4096, 200}}};
  model::PoolSummary& pool = snapshot.targets[0].pools[0];
  pool.kind = "poolscope";
  pool.counted = {100 * second, 100 * second, 35 * second, {}, {}, {}};
  pool.hit_ratio = model::Estimate{0.65, {}, {}};
  pool.object_bytes = 64;
  pool.idle = 6;
  pool.needed_bytes = model::SizeSummary{1000, 4000, 4000, {{1023, 0.5}, {4095, 0.5}}};
  pool.published.emplace();
  pool.published->misses = {{"empty", 35 * second}, {"exhausted", 0}};
  pool.published->discards = {{"full", 20 * second}};
  pool.published->borrowed = 10;
  pool.published->buffer_bytes = 2048;
  pool.published->max_idle_buffers = 6;
  pool.miss_curve_gets = 100'000;
  pool.miss_curve_bracket = {{4, 0.5, 0.6}, {8, 0.2, 0.25}, {16, 0.01, 0.02}};
  return snapshot;
}

ViewerState counting_state() {
  ViewerState state;
  state.begin("127.0.0.1:9777", true);
  Delivery delivery;
  for (std::uint64_t second = 80; second <= 100; second += 2) {
    const auto snapshot = viewer_test::share(counting_pool(second));
    delivery.steps.push_back({{kStart + (second - 15) * kSecond, kStart + second * kSecond}, snapshot, 1000});
  }
  delivery.latest = viewer_test::share(counting_pool());
  state.take(std::move(delivery));
  return state;
}

const PlotLine* line_named(const TimePlot& plot, const std::string& name) {
  const auto found = std::ranges::find(plot.lines, name, &PlotLine::name);
  return found == plot.lines.end() ? nullptr : &*found;
}

TEST(PoolPanel, IsNothingOfAPoolThatIsNotThere) {
  EXPECT_FALSE(make_pool_panel(ViewerState(), kBuffers).has_value());
  EXPECT_FALSE(make_pool_panel(live_state(small_snapshot(1)), {"shop", "other"}).has_value());
}

TEST(PoolPanel, HasTheHitRatioWithItsInterval) {
  const auto panel = make_pool_panel(live_state(small_snapshot(1), 10), kBuffers);
  ASSERT_TRUE(panel.has_value());
  const Series& series = panel->hit_ratio.lines.at(0).series;
  ASSERT_EQ(series.samples.size(), 10u);
  EXPECT_EQ(series.samples[0].low, 0.8);
  EXPECT_EQ(panel->hit_ratio.top, 1);
}

TEST(PoolPanel, CountsAPoolThatCountsItself) {
  const auto panel = make_pool_panel(counting_state(), kBuffers);
  ASSERT_TRUE(panel.has_value());
  EXPECT_EQ(panel->rates.lines.at(0).series.samples.back().value, 100);
  EXPECT_DOUBLE_EQ(panel->hit_ratio.lines.at(0).series.samples.back().value, 0.65);
}

TEST(PoolPanel, HasALineForEveryReasonThatHappened) {
  const auto panel = make_pool_panel(counting_state(), kBuffers);
  const PlotLine *empty = line_named(panel->rates, "misses: empty"), *full = line_named(panel->rates, "discards: full");
  ASSERT_TRUE(empty != nullptr && full != nullptr);
  EXPECT_EQ(empty->series.samples.back().value, 35);
  EXPECT_EQ(full->series.samples.back().value, 20);
  EXPECT_EQ(line_named(panel->rates, "misses: exhausted"), nullptr);
}

TEST(PoolPanel, StacksIdleOnBorrowed) {
  const auto panel = make_pool_panel(counting_state(), kBuffers);
  EXPECT_TRUE(panel->objects.is_stacked);
  EXPECT_EQ(panel->objects.lines.at(0).series.samples.back().value, 10);
  EXPECT_EQ(panel->objects.lines.at(1).series.samples.back().value, 6);
}

TEST(WhatIf, SaysWhatIsMissing) {
  EXPECT_THAT(make_what_if(live_state(small_snapshot(1)), kBuffers, {}).missing, HasSubstr("what memory costs"));
  model::Snapshot snapshot = small_snapshot(1);
  snapshot.agent.prices = sizing::Prices{{{64, 20}}};
  const WhatIfPanel panel = make_what_if(live_state(snapshot), kBuffers, {});
  EXPECT_THAT(panel.missing, HasSubstr("neither needed sizes nor misses by limit"));
  EXPECT_TRUE(panel.lines.empty());
  EXPECT_TRUE(panel.needed.bars.empty());
  EXPECT_FALSE(panel.needed.absent.empty());
}

TEST(WhatIf, DrawsWhatIsNowAndWhatIsTried) {
  const WhatIfPanel panel = make_what_if(counting_state(), kBuffers,
                                         {.buffer_bytes = {}, .max_idle_buffers = 16, .max_borrowed_buffers = {}});
  ASSERT_EQ(panel.misses.markers.size(), 2u);
  EXPECT_EQ(panel.misses.markers[0].value, 6);
  EXPECT_FALSE(panel.misses.markers[0].can_be_dragged);
  EXPECT_EQ(panel.misses.markers[1].value, 16);
  EXPECT_TRUE(panel.misses.markers[1].can_be_dragged);
  EXPECT_EQ(panel.misses.points.size(), 3u);
  ASSERT_EQ(panel.needed.bars.size(), 2u);
  EXPECT_EQ(panel.needed.bars[1].high, 4096);
}

TEST(WhatIf, DrawsWhatIsRecommended) {
  model::Snapshot snapshot = counting_pool();
  model::Advice& advice = snapshot.targets[0].advice.emplace_back();
  advice.subject = "main.buffers";
  advice.kind = "max_idle_buffers";
  advice.recommended = 12;
  const WhatIfPanel panel = make_what_if(live_state(snapshot), kBuffers, {});
  const auto better = std::ranges::find(panel.misses.markers, "recommended", &Marker::id);
  ASSERT_NE(better, panel.misses.markers.end());
  EXPECT_EQ(better->value, 12);
  EXPECT_EQ(panel.misses.markers.back().value, 12) << "the handle begins there";
}

TEST(WhatIf, SaysWhatAdviceWouldSayOfThatLimit) {
  const ViewerState state = counting_state();
  const WhatIfPanel panel =
      make_what_if(state, kBuffers, {.buffer_bytes = {}, .max_idle_buffers = 16, .max_borrowed_buffers = {}});
  const auto& target = state.shown()->targets[0];
  const auto direct = advice::what_if(target, target.pools[0], *state.shown()->agent.prices,
                                      {.buffer_bytes = {}, .max_idle_buffers = 16, .max_borrowed_buffers = {}});
  ASSERT_FALSE(panel.lines.empty());
  EXPECT_EQ(panel.lines[0].name, "hit ratio");
  EXPECT_EQ(panel.lines[0].now.text, "65 %");
  EXPECT_EQ(panel.lines[0].then.number, direct.hit_ratio_low);
  EXPECT_EQ(panel.lines[0].then.text, "98 % – 99 %");
}

TEST(ResizeOffer, IsForHostedPoolsAlone) {
  EXPECT_FALSE(resize_offer(counting_state(), kBuffers, true).has_value());
  model::Snapshot snapshot = counting_pool();
  snapshot.targets[0].pools[0].kind = "hosted";
  snapshot.targets[0].pools[0].published->max_borrowed_buffers = 64;
  const auto offer = resize_offer(live_state(snapshot), kBuffers, true);
  ASSERT_TRUE(offer.has_value());
  EXPECT_EQ(offer->buffers, 64u);
  EXPECT_EQ(offer->why_not, "");
  EXPECT_THAT(resize_offer(live_state(snapshot), kBuffers, false)->why_not, HasSubstr("--token-file"));
}

}  // namespace
}  // namespace poolscope::viewer

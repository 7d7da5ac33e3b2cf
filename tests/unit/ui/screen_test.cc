// The whole screen on all kinds of data, without a window.
#include "ui/draw/screen.h"

#include <chrono>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"
#include "tests/unit/ui/null_screen.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using viewer_test::live_state;
using viewer_test::NullScreen;
using viewer_test::small_snapshot;

model::Snapshot no_snapshot() {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = viewer_test::kStart;
  return snapshot;
}

model::Snapshot bare_target() {
  model::Snapshot snapshot = no_snapshot();
  snapshot.targets.emplace_back().name = "bare";
  snapshot.targets[0].pools.emplace_back().name = "pool without anything";
  return snapshot;
}

model::Snapshot one_target() {
  return small_snapshot(10);
}

// 200 targets, 2000 pools in one of them.
model::Snapshot huge_snapshot() {
  model::Snapshot snapshot = small_snapshot(1e9);
  const model::TargetSnapshot target = snapshot.targets[0];
  for (int i = 0; i < 2000; ++i) {
    snapshot.targets[0].pools.push_back(target.pools[0]);
    snapshot.targets[0].pools.back().name = "pool " + std::to_string(i);
  }
  for (int i = 0; i < 200; ++i) {
    snapshot.targets.push_back(target);
    snapshot.targets.back().name = "target " + std::to_string(i);
  }
  return snapshot;
}

model::Snapshot hostile_strings() {
  model::Snapshot snapshot = poolscope::test::realistic_snapshot();
  const std::string hostile = std::string("%s%n##id\n\t\x1b[2J\xff\xfe \"'`") + std::string(3000, 'x') + "\u202e\u0000";
  for (auto& target : snapshot.targets) {
    target.name = hostile;
    target.runtime = hostile;
    for (auto& pool : target.pools) pool.name = pool.element = pool.kind = pool.library = hostile;
    for (auto& site : target.call_sites) site.symbol = site.object = hostile;
    for (auto& advice : target.advice) advice.subject = advice.why = advice.kind = hostile;
    for (auto& collector : target.collectors) collector.name = collector.detail = hostile;
    for (auto& process : target.processes) process.command = hostile;
  }
  return snapshot;
}

model::Snapshot hostile_numbers() {
  model::Snapshot snapshot = poolscope::test::full_snapshot();
  const double huge = std::numeric_limits<double>::max(), not_a_number = std::numeric_limits<double>::quiet_NaN();
  for (auto& target : snapshot.targets) {
    target.allocations.per_second = model::Estimate{huge, -huge, huge};
    target.cpu_seconds_per_second = not_a_number;
    for (auto& pool : target.pools) {
      pool.gets_per_second = model::Estimate{not_a_number, not_a_number, huge};
      pool.hit_ratio = model::Estimate{-huge, {}, {}};
      pool.idle_bytes = ~std::uint64_t{0};
    }
  }
  return snapshot;
}

model::Snapshot full() {
  return poolscope::test::full_snapshot();
}

struct SnapshotCase {
  const char* name;
  model::Snapshot (*make)();
};
class EveryView : public testing::TestWithParam<SnapshotCase> {};

// Until rows are there, or why there are none: another thread compares.
bool draws_comparison(NullScreen& screen) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < end) {
    screen.draw_frame();
    const Widget* absent = screen.widgets.find("compare.absent");
    if (screen.widgets.find("compare.headline") != nullptr) return true;
    if (absent != nullptr && absent->text.find("cannot be compared") != std::string::npos) return true;
  }
  return false;
}

TEST_P(EveryView, IsDrawn) {
  for (const float width : {1280.0F, 400.0F}) {
    NullScreen screen({width, 800});
    screen.state = live_state(GetParam().make());
    if (screen.state.shown() != nullptr && !screen.state.shown()->targets.empty()) {
      const auto& target = screen.state.shown()->targets[0];
      if (!target.pools.empty()) screen.state.selected = {target.name, target.pools[0].name};
    }
    for (std::size_t view = 0; view < all_views().size(); ++view) {
      screen.state.view = view;
      for (int frame = 0; frame < 3; ++frame) screen.draw_frame();
      EXPECT_EQ(screen.problem(), "") << all_views()[view].id << " at " << width;
      EXPECT_GT(screen.vertices(), 100u) << all_views()[view].id;
    }
    EXPECT_EQ(screen.run("key 5\nkey b\n"), "");
    EXPECT_TRUE(draws_comparison(screen)) << "with itself, at " << width;
    EXPECT_EQ(screen.problem(), "") << "compared with itself at " << width;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, EveryView,
                         testing::Values(SnapshotCase{"NoTarget", no_snapshot}, SnapshotCase{"BareTarget", bare_target},
                                         SnapshotCase{"OneTarget", one_target}, SnapshotCase{"Full", full},
                                         SnapshotCase{"Realistic", poolscope::test::realistic_snapshot},
                                         SnapshotCase{"Huge", huge_snapshot},
                                         SnapshotCase{"HostileStrings", hostile_strings},
                                         SnapshotCase{"HostileNumbers", hostile_numbers}),
                         [](const auto& info) { return info.param.name; });

TEST(Screen, IsDrawnWithoutData) {
  NullScreen screen;
  for (std::size_t view = 0; view < all_views().size(); ++view) {
    screen.state.view = view;
    screen.draw_frame();
    EXPECT_EQ(screen.problem(), "") << all_views()[view].id;
  }
  EXPECT_EQ(screen.widgets.find("connect.status")->text, "not connected");
}

TEST(Screen, IsDrawnInBothThemesAndAtTwiceTheSize) {
  for (const Theme* theme : {&dark_theme(), &light_theme()}) {
    NullScreen screen({2560, 1600}, *theme, 2);
    screen.state = live_state(poolscope::test::realistic_snapshot());
    screen.draw_frame();
    EXPECT_EQ(screen.problem(), "") << theme->name;
  }
}

TEST(Screen, SurvivesWhateverASnapshotCanBe) {
  std::mt19937_64 random(11);
  NullScreen screen;
  for (int i = 0; i < 20; ++i) {
    screen.state = live_state(poolscope::test::random_snapshot(random), 3);
    screen.state.view = static_cast<std::size_t>(i) % all_views().size();
    screen.draw_frame();
    ASSERT_EQ(screen.problem(), "") << i;
  }
}

TEST(Screen, HasAKeyForEveryView) {
  for (const ViewEntry& entry : all_views()) {
    NullScreen screen;
    screen.state = live_state(small_snapshot(10));
    EXPECT_EQ(screen.run(std::string("key ") + entry.key + "\npause 0.1\nassert tab." + entry.id + " chosen"), "");
  }
}

TEST(Screen, ShowsAndHidesTheHelp) {
  NullScreen screen;
  EXPECT_EQ(screen.run("key ?\nwait help\nkey Escape\ngone help\nclick screen.help\nwait help"), "");
}

TEST(Screen, TakesNoKeysWhileTextIsTyped) {
  NullScreen screen;
  EXPECT_EQ(screen.run("click connect.address\npause 0.1\ntype 2host:7\npause 0.1\nassert tab.overview chosen"), "");
  EXPECT_EQ(screen.widgets.find("connect.address")->text, "2host:7");
}

TEST(Screen, OpensWhatWasTyped) {
  NullScreen screen;
  ASSERT_EQ(screen.run("click connect.address\npause 0.1\ntype host:7\nkey Enter\npause 0.1"), "");
  ASSERT_FALSE(screen.all_actions.empty());
  EXPECT_EQ(screen.all_actions.back().open, "host:7");
}

TEST(Screen, OpensAnAddressWithoutTheMouse) {
  NullScreen screen;
  ASSERT_EQ(screen.run("key a\npause 0.1\ntype 10.0.0.1:9777\nkey Enter\npause 0.1"), "");
  ASSERT_EQ(screen.all_actions.size(), 1u);
  EXPECT_EQ(screen.all_actions[0].open, "10.0.0.1:9777");
}

TEST(Screen, OpensAnAddressOfTheHistory) {
  NullScreen screen;
  screen.addresses = {"first:1", "second:2"};
  ASSERT_EQ(screen.run("click connect.history\nwait connect.history.1 second:2\nclick connect.history.1\npause 0.1"),
            "");
  ASSERT_FALSE(screen.all_actions.empty());
  EXPECT_EQ(screen.all_actions.back().open, "second:2");
}

TEST(Screen, SaysInFullWhatIsWrongWithTheConnection) {
  NullScreen screen;
  screen.state.begin("nowhere:1", true);
  Delivery delivery;
  delivery.connection = Connection{ConnectionState::kLost, "cannot fetch http://nowhere:1: Connection refused", ""};
  screen.state.take(std::move(delivery));
  EXPECT_EQ(screen.run("assert connect.problem \"Connection refused\"\nassert connect.status \"no answer\""), "");
}

TEST(Screen, PausesAndFollowsBySpace) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10), 300);
  EXPECT_EQ(
      screen.run("assert time.follow Pause\nkey Space\nwait time.follow Follow\nkey Space\nwait time.follow Pause"),
      "");
}

TEST(TimeStrip, GoesWhereItIsClicked) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10), 600);
  const TimeRange bounds = screen.state.time().bounds();
  ASSERT_EQ(screen.run("click time.strip\npause 0.1"), "");
  const TimeRange shown = screen.state.time().shown();
  EXPECT_FALSE(screen.state.time().follows());
  EXPECT_NEAR(bounds.position(static_cast<double>(shown.to_ns)), 0.5, 0.01);
}

TEST(TimeStrip, ChoosesTheRangeThatIsDragged) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10), 600);
  const TimeRange bounds = screen.state.time().bounds();
  ASSERT_EQ(screen.run("drag time.strip 315 0\npause 0.1"), "");
  const TimeRange shown = screen.state.time().shown();
  EXPECT_NEAR(bounds.position(static_cast<double>(shown.from_ns)), 0.5, 0.01);
  EXPECT_NEAR(bounds.position(static_cast<double>(shown.to_ns)), 0.75, 0.01);
}

TEST(TimeStrip, ZoomsWithTheWheel) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10), 600);
  const std::uint64_t before = screen.state.time().shown().length_ns();
  ASSERT_EQ(screen.run("wheel time.strip 1\npause 0.1"), "");
  EXPECT_LT(screen.state.time().shown().length_ns(), before);
}

TEST(OverviewView, OpensAPoolThatIsClicked) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  ASSERT_EQ(screen.run("click overview.pools.row.shop.main.buffers\nwait tab.pools chosen"), "");
  EXPECT_EQ(screen.state.selected, (Subject{"shop", "main.buffers"}));
}

TEST(OverviewView, SearchesWithoutTheMouse) {
  NullScreen screen;
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].pools.push_back(snapshot.targets[0].pools[0]);
  snapshot.targets[0].pools.back().name = "main.other";
  screen.state = live_state(snapshot);
  EXPECT_EQ(screen.run("assert overview.pools.row.shop.main.other\nkey /\npause 0.1\ntype buff\ngone "
                       "overview.pools.row.shop.main.other\n"
                       "assert overview.pools.row.shop.main.buffers"),
            "");
}

TEST(OverviewView, SortsByTheHeadThatIsClicked) {
  NullScreen screen;
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].pools.push_back(snapshot.targets[0].pools[0]);
  snapshot.targets[0].pools.back().name = "main.all";
  screen.state = live_state(snapshot);
  const auto y_of = [&](const char* pool) {
    return screen.widgets.find(std::string("overview.pools.row.shop.main.") + pool)->min.y;
  };
  screen.draw_frame();
  screen.draw_frame();
  EXPECT_LT(y_of("buffers"), y_of("all"));
  ASSERT_EQ(screen.run("click overview.pools.head.pool\npause 0.1"), "");
  EXPECT_LT(y_of("all"), y_of("buffers"));
}

TEST(OverviewView, SortsByKeysAndAsItWasSortedBefore) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  screen.layout.orders["overview.pools"] = {"target", false};
  ASSERT_EQ(screen.run("assert overview.pools.head.target ▲\nkey O\npause 0.1\nassert overview.pools.head.target ▼"),
            "");
  EXPECT_EQ(screen.layout.orders["overview.pools"], (Layout::TableOrder{"target", true}));
  ASSERT_EQ(screen.run("key o\npause 0.1"), "");
  EXPECT_NE(screen.layout.orders["overview.pools"].column, "target");
}

TEST(OverviewView, TakesAnOrderOfAColumnThatIsNotThereForNone) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  screen.layout.orders["overview.pools"] = {"no such column", true};
  EXPECT_EQ(screen.run("assert overview.pools.head.pool"), "");
}

// The bar between list and detail: where it is, it was before, and it cannot push either out of the window.
TEST(Splitter, IsMovedByMouseAndKeysWithinItsLimitsAndPutBack) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  screen.state.view = view_index("pools");
  const auto share = [&] { return std::stoi(screen.widgets.find("pools.split")->text); };
  ASSERT_EQ(screen.run("pause 0.1"), "");
  const int at_first = share();
  EXPECT_TRUE(screen.layout.left_shares.empty());
  ASSERT_EQ(screen.run("drag pools.split 200 0\npause 0.1"), "");
  EXPECT_NEAR(share(), at_first + 200 / 12.8, 2);
  ASSERT_EQ(screen.run("drag pools.split 2000 0\npause 0.1"), "");
  EXPECT_LE(share(), 80);
  ASSERT_EQ(screen.run("key {\nkey {\npause 0.1"), "");
  EXPECT_NEAR(share(), 73, 2);
  ASSERT_EQ(screen.run("drag pools.split -2000 0\npause 0.1"), "");
  EXPECT_EQ(share(), 20);
  ASSERT_EQ(screen.run("click pools.split\nclick pools.split\npause 0.1"), "");
  EXPECT_EQ(share(), at_first);
}

TEST(Splitter, IsWhereItWasBefore) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  for (const char* view : {"overview", "pools", "churn", "advice"}) screen.layout.left_shares[view] = 0.6F;
  for (const char* view : {"overview", "pools", "churn", "advice"}) {
    screen.state.view = view_index(view);
    EXPECT_EQ(screen.run("wait " + std::string(view) + ".split \"60 %\""), "") << view;
  }
}

// With sizes that were needed, and prices to tell what others would cost.
model::Snapshot pool_with_sizes() {
  model::Snapshot snapshot = small_snapshot(1000);
  snapshot.agent.prices = sizing::Prices{{{64, 20}, {65536, 900}}};
  model::PoolSummary& pool = snapshot.targets[0].pools[0];
  pool.needed_bytes = model::SizeSummary{1023, 4095, 4095, {{255, 0.25}, {1023, 0.25}, {4095, 0.5}}};
  pool.buffer_bytes = model::SizeSummary{4096, 4096, 4096, {{4607, 1}}};
  pool.counted = {100'000, 100'000, 10'000, {}, {}, {}};
  pool.idle = 4;
  return snapshot;
}

TEST(PoolsView, UpdatesThePredictionWhileALimitIsDragged) {
  NullScreen screen;
  screen.state = live_state(pool_with_sizes());
  screen.state.view = view_index("pools");
  ASSERT_EQ(screen.run("wait pools.needed.buffer_bytes\nassert pools.what_if \"gets that must grow 0 %\""), "");
  ASSERT_EQ(screen.run("drag pools.needed.buffer_bytes -100 0\npause 0.1"), "");
  EXPECT_THAT(screen.widgets.find("pools.what_if")->text, HasSubstr("gets that must grow 50 %"))
      << "half of them need 4 KiB";
}

TEST(PoolsView, TriesLimitsByKeysAndTakesThemBack) {
  NullScreen screen;
  screen.state = live_state(pool_with_sizes());
  screen.state.view = view_index("pools");
  const auto marker = [&] { return screen.widgets.find("pools.needed.buffer_bytes")->centre().x; };
  ASSERT_EQ(screen.run("wait pools.needed.buffer_bytes\npause 0.1"), "");
  const float at_first = marker();
  ASSERT_EQ(screen.run("key <\nkey <\nkey <\npause 0.1"), "");
  EXPECT_LT(marker(), at_first - 5);
  EXPECT_THAT(screen.widgets.find("pools.what_if")->text, HasSubstr("gets that must grow 50 %"));
  ASSERT_EQ(screen.run("key >\npause 0.1\nkey u\npause 0.1"), "");
  EXPECT_FLOAT_EQ(marker(), at_first);
}

TEST(PoolsView, GoesThroughTheListByKeys) {
  NullScreen screen;
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].pools.push_back(snapshot.targets[0].pools[0]);
  snapshot.targets[0].pools.back().name = "main.other";
  screen.state = live_state(snapshot);
  screen.state.view = view_index("pools");
  EXPECT_EQ(screen.run("wait pools.name main.buffers\nkey Down\nwait pools.name main.other\nkey Down\npause 0.1\n"
                       "assert pools.name main.other\nkey Up\nwait pools.name main.buffers"),
            "");
}

class HostedPoolOnTheScreen : public testing::Test {
 protected:
  HostedPoolOnTheScreen() {
    model::Snapshot snapshot = small_snapshot(10);
    snapshot.targets[0].pools[0].kind = "hosted";
    snapshot.targets[0].pools[0].published.emplace().max_borrowed_buffers = 64;
    screen_.state = live_state(snapshot);
    screen_.state.view = view_index("pools");
  }
  NullScreen screen_;
};

TEST_F(HostedPoolOnTheScreen, IsChangedByKeysAfterAQuestion) {
  screen_.can_change_pools = true;
  ASSERT_EQ(screen_.run("wait pools.resize.apply Apply\nkey n\npause 0.1\ntype 80\nkey Enter\nkey p\n"
                        "wait pools.resize.confirm \"from 64 to 80 buffers\"\nkey Escape\ngone pools.resize.confirm"),
            "");
  EXPECT_TRUE(screen_.all_actions.empty()) << "left as it is";
  ASSERT_EQ(screen_.run("key p\nwait pools.resize.confirm\nkey y\ngone pools.resize.confirm"), "");
  ASSERT_EQ(screen_.all_actions.size(), 1u);
  EXPECT_EQ(screen_.all_actions[0].resize->buffers, 80u);
}

TEST_F(HostedPoolOnTheScreen, IsChangedAfterAQuestion) {
  screen_.can_change_pools = true;
  ASSERT_EQ(screen_.run("wait pools.resize.apply Apply\nclick pools.resize.more\nclick pools.resize.apply\n"
                        "wait pools.resize.confirm \"from 64 to 65 buffers\""),
            "");
  EXPECT_TRUE(screen_.all_actions.empty()) << "nobody has agreed yet";
  ASSERT_EQ(screen_.run("click pools.resize.confirm\npause 0.1"), "");
  ASSERT_EQ(screen_.all_actions.size(), 1u);
  EXPECT_EQ(screen_.all_actions[0].resize->pool, "main.buffers");
  EXPECT_EQ(screen_.all_actions[0].resize->buffers, 65u);
}

TEST_F(HostedPoolOnTheScreen, IsLeftAsItIsByWhoSaysNo) {
  screen_.can_change_pools = true;
  ASSERT_EQ(screen_.run("wait pools.resize.apply Apply\nclick pools.resize.apply\nwait pools.resize.cancel\nclick "
                        "pools.resize.cancel\n"
                        "gone pools.resize.cancel"),
            "");
  EXPECT_TRUE(screen_.all_actions.empty());
}

TEST_F(HostedPoolOnTheScreen, CannotBeChangedWithoutAToken) {
  ASSERT_EQ(
      screen_.run(
          "wait pools.resize.apply \"not possible\"\nclick pools.resize.apply\npause 0.1\ngone pools.resize.confirm"),
      "");
  EXPECT_TRUE(screen_.all_actions.empty());
}

TEST(ScreenOfARecording, SaysWhatItRecordsAndThatItIsOver) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  EXPECT_EQ(screen.run("click time.record\n"), "");
  ASSERT_EQ(screen.all_actions.size(), 1u);
  EXPECT_TRUE(screen.all_actions[0].toggle_recording);
  screen.recording = RecordStatus{"/tmp/a.poolscope", 12 * viewer_test::kSecond, 0, false, false, ""};
  EXPECT_EQ(
      screen.run("assert record.status \"recording to /tmp/a.poolscope, 12 s\"\ngone time.record\nclick record.stop\n"),
      "");
  EXPECT_TRUE(screen.all_actions.back().toggle_recording);
  screen.recording->is_over = true;
  screen.recording->missing_ns = 3 * viewer_test::kSecond;
  EXPECT_EQ(
      screen.run(
          "assert record.status \"recorded 12 s to /tmp/a.poolscope; of that 3 s are missing\"\nclick record.open\n"),
      "");
  EXPECT_EQ(screen.all_actions.back().open, "/tmp/a.poolscope");
  EXPECT_EQ(screen.run("click record.ok\n"), "");
  EXPECT_TRUE(screen.all_actions.back().forget_recording);
  screen.recording->problem = "nobody answers";
  EXPECT_EQ(screen.run("assert record.status \"ended: nobody answers\"\n"), "");
}

TEST(ScreenOfARecording, IsEndedByItsKeyAlsoWhileAFileIsShown) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10));
  screen.state.begin("a.poolscope", false);
  (void)screen.run("key r\n");
  EXPECT_TRUE(screen.all_actions.empty()) << "a file cannot be recorded";
  screen.recording = RecordStatus{"b.poolscope", 0, 0, false, false, ""};
  (void)screen.run("key r\n");
  ASSERT_EQ(screen.all_actions.size(), 1u);
  EXPECT_TRUE(screen.all_actions[0].toggle_recording);
}

TEST(ScreenOfAddresses, HasAgentsThatWereFoundAndWhatWasOpenedBefore) {
  NullScreen screen;
  screen.addresses = {"old.poolscope"};
  EXPECT_EQ(
      screen.run(
          "click connect.history\nwait connect.found.1 9778\nassert connect.history.0 old\nclick connect.found.1\n"),
      "");
  EXPECT_EQ(screen.all_actions.back().open, "127.0.0.1:9778");
}

TEST(ScreenOfAPlot, SavesItsNumbersAndItsPicture) {
  NullScreen screen;
  screen.state = live_state(small_snapshot(10), 30);
  EXPECT_EQ(screen.run("key 2\nmenu pools.rates\nwait pools.rates.menu.csv\nclick pools.rates.menu.csv\n"), "");
  ASSERT_TRUE(screen.all_actions.back().save_plot);
  EXPECT_THAT(screen.all_actions.back().save_plot->csv, HasSubstr("gets (1/s)"));
  EXPECT_EQ(screen.run("menu pools.rates\nwait pools.rates.menu.png\nclick pools.rates.menu.png\n"), "");
  const auto& picture = *screen.all_actions.back().save_plot;
  EXPECT_EQ(picture.csv, "");
  EXPECT_GT(picture.max.x - picture.min.x, 100);
  EXPECT_GT(picture.max.y - picture.min.y, 50);
}

}  // namespace
}  // namespace poolscope::viewer

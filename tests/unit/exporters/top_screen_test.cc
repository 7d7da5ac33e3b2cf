#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "tests/unit/exporters/golden.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using namespace poolscope::text;
using poolscope::model::Estimate;
using poolscope::model::Snapshot;
using testing::HasSubstr;
using testing::Not;

Snapshot many_targets(int count) {
  Snapshot snapshot;
  for (int i = 0; i < count; ++i) {
    auto& target = snapshot.targets.emplace_back();
    target.name = "t" + std::to_string(i);
    target.allocations.per_second = Estimate{1000.0 + i, {}, {}};
    target.call_sites.emplace_back().symbol = "site_of_t" + std::to_string(i);
  }
  return snapshot;
}

TEST(TopScreen, IsAsInTheGoldenFile) {
  poolscope::test::expect_golden("top.txt", top_screen(poolscope::test::realistic_snapshot(), {false, 100}, 24) + "\n");
}

TEST(TopScreen, FitsEveryTerminal) {
  std::mt19937_64 random(5);
  for (const Snapshot& snapshot : {poolscope::test::realistic_snapshot(), many_targets(50), Snapshot{},
                                   poolscope::test::full_snapshot(), poolscope::test::random_snapshot(random)}) {
    for (const unsigned width : {1u, 20u, 80u, 200u}) {
      for (const unsigned height : {0u, 1u, 3u, 4u, 10u, 24u, 100u}) {
        const std::string screen = top_screen(snapshot, {false, width}, height);
        EXPECT_LT(std::ranges::count(screen, '\n'), std::max(height, 1u));
        std::istringstream lines(screen);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), width) << line;
      }
    }
  }
}

TEST(TopScreen, ShowsTheBusiestTargetFirstAndItsCallSites) {
  const std::string screen = top_screen(many_targets(3), {false, 100}, 24);
  EXPECT_LT(screen.find("t2"), screen.find("t1"));
  EXPECT_THAT(screen, HasSubstr("call sites of t2"));
  EXPECT_THAT(screen, HasSubstr("site_of_t2"));
  EXPECT_THAT(screen, Not(HasSubstr("site_of_t1")));
}

TEST(TopScreen, SaysHowManyTargetsAreNotShown) {
  const std::string screen = top_screen(many_targets(50), {false, 100}, 24);
  EXPECT_THAT(screen, HasSubstr("… 38 more targets"));
  EXPECT_THAT(screen, HasSubstr("t39 "));
  EXPECT_THAT(screen, HasSubstr("t38 "));
  EXPECT_THAT(screen, Not(HasSubstr("t37 ")));
}

TEST(TopScreen, ShowsADashForWhatWasNotMeasured) {
  Snapshot snapshot;
  snapshot.targets.emplace_back().name = "quiet";
  EXPECT_THAT(top_screen(snapshot, {false, 100}, 24), testing::ContainsRegex("quiet +0 +– +– +–"));
}

TEST(TopScreen, WithoutTargetsSaysWhatToDo) {
  EXPECT_THAT(top_screen(Snapshot{}, {false, 100}, 24), HasSubstr("no target"));
}

}  // namespace

#include "ui/draw/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"
#include "tests/unit/ui/null_screen.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using viewer_test::NullScreen;

struct BadScript {
  const char* name;
  const char* text;
  const char* error;
};
class BadScripts : public testing::TestWithParam<BadScript> {};

TEST_P(BadScripts, AreRefusedWithTheirLine) {
  const auto script = Script::parse(GetParam().text);
  ASSERT_FALSE(script.has_value());
  EXPECT_EQ(script.error(), GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(Table, BadScripts,
                         testing::Values(BadScript{"Unknown", "# one\n\njump high", "line 3: there is no command jump"},
                                         BadScript{"TooFew", "drag strip 1", "line 1: drag has 2 words after it"},
                                         BadScript{"TooMany", "click a b", "line 1: click has 2 words after it"}),
                         [](const auto& info) { return info.param.name; });

TEST(Script, IsOverAtOnceWhenItIsEmpty) {
  EXPECT_TRUE(Script::parse("# nothing\n\n")->is_over());
}

TEST(Script, FailsWithTheNamesThereAre) {
  NullScreen screen;
  const std::string failure = screen.run("click tab.nowhere");
  EXPECT_THAT(failure, StartsWith("line 1: click tab.nowhere: there is no such widget; there are tab.advice, "));
}

TEST(Script, FailsWithWhatTheWidgetSays) {
  NullScreen screen;
  EXPECT_EQ(screen.run("assert connect.status live"), "line 1: assert connect.status live: it says \"not connected\"");
}

TEST(Script, GivesUpWaiting) {
  NullScreen screen;
  EXPECT_EQ(screen.run("timeout 0.2\nwait help"), "line 2: wait help: it did not come");
  EXPECT_THAT(screen.run("timeout 0.2\ngone connect.status"), HasSubstr("it says"));
}

TEST(Script, AsksForAScreenshotOnce) {
  auto script = Script::parse("screenshot \"a b.png\"");
  ASSERT_TRUE(script.has_value());
  NullScreen screen;
  screen.draw_frame();
  script->drive(ImGui::GetIO(), screen.widgets, 0);
  EXPECT_EQ(script->take_screenshot_file(), "a b.png");
  EXPECT_FALSE(script->take_screenshot_file().has_value());
}

}  // namespace
}  // namespace poolscope::viewer

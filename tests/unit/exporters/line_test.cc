#include "exporters/text/line.h"

#include <gtest/gtest.h>

namespace {

using namespace poolscope::text;

constexpr Style kPlainStyle{false, 20};

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("main"), 4u);
  EXPECT_EQ(display_width("█▏ – µ"), 6u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST(Printable, TakesAwayWhatATerminalWouldObey) {
  EXPECT_EQ(printable("\x1b[2Jmain\r\n"), "\uFFFD[2Jmain\uFFFD\uFFFD");
  EXPECT_EQ(printable("a\u202Eb\u0085"), "a\uFFFDb\uFFFD");
  EXPECT_EQ(printable("\xff"), "\uFFFD");
  EXPECT_EQ(printable("größe<T>"), "größe<T>");
}

TEST(CutMiddle, KeepsBothEnds) {
  EXPECT_EQ(cut_middle("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(cut_middle("abcdefghij", 7), "abc…hij");
  EXPECT_EQ(cut_middle("abcdefghij", 2), "a…");
  EXPECT_EQ(cut_middle("abcdefghij", 0), "");
}

TEST(CutMiddle, NeverGetsWiderThanAskedFor) {
  const std::string text = "日本語 mixed 日本語 text █████ end";
  for (unsigned columns = 0; columns < 40; ++columns) EXPECT_LE(display_width(cut_middle(text, columns)), columns);
  for (unsigned columns = 0; columns < 40; ++columns) EXPECT_LE(display_width(cut_end(text, columns)), columns);
}

TEST(Wrap, BreaksAtBlanks) {
  EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("", 7), std::vector<std::string>{});
  EXPECT_EQ(wrap("unbreakable", 4), std::vector<std::string>{"unbreakable"});
}

TEST(Wrap, KeepsNumbersAndWhatTheyCountTogether) {
  EXPECT_EQ(wrap("about 61 204 probe hits", 12), (std::vector<std::string>{"about", "61 204 probe", "hits"}));
}

TEST(Bar, HasEighthsOfAColumn) {
  EXPECT_EQ(bar(0, 10), "");
  EXPECT_EQ(bar(1, 3), "███");
  EXPECT_EQ(bar(0.5, 3), "█▌");
  EXPECT_EQ(bar(2, 3), "███");
}

TEST(Bar, NeverDrawsSomethingAsNothing) {
  EXPECT_EQ(bar(1e-9, 10), "▏");
}

TEST(LineTest, AlignsByColumns) {
  Line line("µ");
  line.pad_to(3).add_right("12 %", 6).add_right("too long", 2);
  EXPECT_EQ(line.render(kPlainStyle), "µ    12 %too long");
  EXPECT_EQ(line.width(), 17u);
}

TEST(LineTest, IsCutAtTheWidthOfTheTerminal) {
  Line line("0123456789");
  line.add("0123456789");
  EXPECT_EQ(line.render(kPlainStyle), "01234567890123456789");
  line.add("x");
  EXPECT_EQ(line.render(kPlainStyle), "0123456789012345678…");
  EXPECT_EQ(line.render({false, 10}), "012345678…");
}

TEST(LineTest, HasNoBlanksAtTheEnd) {
  Line line("a  ");
  line.add("   ");
  EXPECT_EQ(line.render(kPlainStyle), "a");
}

TEST(LineTest, HasColourOnlyWhenAsked) {
  const Line line("bad", Tone::kBad);
  EXPECT_EQ(line.render({false, 20}), "bad");
  EXPECT_EQ(line.render({true, 20}), "\x1b[31mbad\x1b[0m");
}

TEST(LineTest, CutsTextNotColours) {
  Line line("0123456789", Tone::kBad);
  EXPECT_EQ(line.render({true, 5}), "\x1b[31m0123…\x1b[0m");
}

TEST(Beside, PutsBlocksNextToEachOther) {
  const Lines lines = beside({Line("a")}, {Line("b"), Line("c")}, 3);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].render(kPlainStyle), "a  b");
  EXPECT_EQ(lines[1].render(kPlainStyle), "   c");
}

}  // namespace

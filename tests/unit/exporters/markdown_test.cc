#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/text/report.h"
#include "tests/unit/exporters/golden.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using namespace poolscope::text;
using poolscope::model::Snapshot;
using testing::HasSubstr;

Snapshot with_call_site(const std::string& symbol) {
  Snapshot snapshot;
  auto& target = snapshot.targets.emplace_back();
  target.name = "a";
  target.call_sites.emplace_back().symbol = symbol;
  return snapshot;
}

TEST(ReportMarkdown, IsAsInTheGoldenFile) {
  poolscope::test::expect_golden("report.md.txt", report_markdown(poolscope::test::realistic_snapshot()));
}

TEST(ReportMarkdown, KeepsLongSymbolsWhole) {
  const std::string symbol(500, 'x');
  EXPECT_THAT(report_markdown(with_call_site(symbol)), HasSubstr("`" + symbol + "`"));
}

TEST(ReportMarkdown, KeepsSymbolsInsideTheirCell) {
  EXPECT_THAT(report_markdown(with_call_site("operator|(A, B)")), HasSubstr("| `operator\\|(A, B)` |"));
  EXPECT_THAT(report_markdown(with_call_site("a`b``c")), HasSubstr("| ``` a`b``c ``` |"));
}

TEST(ReportMarkdown, EscapesMarkupInNames) {
  Snapshot snapshot = with_call_site("f");
  snapshot.targets[0].name = "<b>*x*_y_|";
  EXPECT_THAT(report_markdown(snapshot), HasSubstr("## \\<b\\>\\*x\\*\\_y\\_\\|\n"));
}

// Bars that divide cells: neither escaped nor inside nothing.
std::ptrdiff_t cells(const std::string& line) {
  std::ptrdiff_t bars = 0;
  for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
  return bars - 1;
}

TEST(ReportMarkdown, HasTablesWithTheSameNumberOfCellsInEveryRow) {
  std::istringstream lines(report_markdown(poolscope::test::realistic_snapshot()));
  std::ptrdiff_t expected = 0;
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      expected = 0;
      continue;
    }
    if (expected == 0) expected = cells(line);
    EXPECT_EQ(cells(line), expected) << line;
    ++rows;
  }
  EXPECT_GT(rows, 40);
}

TEST(ReportMarkdown, OfNothingSaysSo) {
  EXPECT_THAT(report_markdown(Snapshot{}), HasSubstr("No target."));
}

}  // namespace

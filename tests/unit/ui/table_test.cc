#include "ui/model/table.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::viewer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Row row(const std::string& name, std::optional<double> number) {
  return {name, {{name, "", {}, Tone::kPlain}, {"", "", number, Tone::kPlain}}};
}

class TableOfFour : public testing::Test {
 protected:
  TableOfFour() { table_.set_rows({row("beta", 2), row("alpha", std::nullopt), row("Gamma", 10), row("delta", 2)}); }
  [[nodiscard]] std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < table_.shown().size(); ++i) ids.push_back(table_.row(i).id);
    return ids;
  }
  Table table_{{{"name", "", false}, {"number", "", true}}};
};

TEST_F(TableOfFour, IsInTheOrderGivenAtFirst) {
  EXPECT_THAT(ids(), ElementsAre("beta", "alpha", "Gamma", "delta"));
}

TEST_F(TableOfFour, SortsNumbersDownAndUpThenNotAtAll) {
  table_.click_column(1);
  EXPECT_THAT(ids(), ElementsAre("Gamma", "beta", "delta", "alpha"));
  table_.click_column(1);
  EXPECT_THAT(ids(), ElementsAre("beta", "delta", "Gamma", "alpha")) << "what is absent stays last";
  table_.click_column(1);
  EXPECT_THAT(ids(), ElementsAre("beta", "alpha", "Gamma", "delta"));
}

TEST_F(TableOfFour, SortsTextsUpAtFirst) {
  table_.click_column(0);
  EXPECT_THAT(ids(), ElementsAre("Gamma", "alpha", "beta", "delta"));
}

TEST_F(TableOfFour, TakesANumberThatIsNoneForAbsent) {
  table_.set_rows({row("a", std::nan("")), row("b", 1), row("c", 2)});
  table_.set_order(Order{1, false});
  EXPECT_THAT(ids(), ElementsAre("b", "c", "a"));
}

TEST_F(TableOfFour, FindsWordsWhateverTheirOrderAndCapitals) {
  table_.set_search("MMA ga");
  EXPECT_THAT(ids(), ElementsAre("Gamma"));
  table_.set_search("nowhere");
  EXPECT_THAT(ids(), IsEmpty());
  table_.set_search("  ");
  EXPECT_EQ(ids().size(), 4u);
}

TEST_F(TableOfFour, KeepsOrderAndSearchWhenRowsChange) {
  table_.set_order(Order{1, true});
  table_.set_search("t");
  table_.set_rows({row("three", 3), row("two", 2), row("four", 4), row("ten", 10)});
  EXPECT_THAT(ids(), ElementsAre("ten", "three", "two"));
}

TEST_F(TableOfFour, IgnoresAColumnThatIsNotThere) {
  table_.set_order(Order{9, true});
  table_.click_column(9);
  EXPECT_FALSE(table_.order().has_value());
}

TEST_F(TableOfFour, FillsUpRowsThatAreTooShort) {
  table_.set_rows({{"short", {}}});
  table_.click_column(1);
  EXPECT_EQ(table_.row(0).cells.size(), 2u);
}

TEST(Table, WithoutRowsShowsNone) {
  Table table({{"name", "", false}});
  table.click_column(0);
  table.set_search("x");
  EXPECT_TRUE(table.shown().empty());
}

}  // namespace
}  // namespace poolscope::viewer

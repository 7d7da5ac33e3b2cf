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
  [[nodiscard]] std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const std::size_t index : table_.shown()) ids.push_back(table_.row(index).id);
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

TEST_F(TableOfFour, GoesThroughItsColumnsAndTurnsRound) {
  table_.reverse_order();
  EXPECT_THAT(table_.order(), testing::Eq(std::nullopt)) << "nothing to turn round";
  table_.order_by_next_column();
  EXPECT_THAT(table_.order(), testing::Optional(Order{0, false}));
  table_.order_by_next_column();
  EXPECT_THAT(ids(), ElementsAre("Gamma", "beta", "delta", "alpha"));
  table_.reverse_order();
  EXPECT_THAT(ids(), ElementsAre("beta", "delta", "Gamma", "alpha"));
  table_.order_by_next_column();
  EXPECT_THAT(table_.order(), testing::Eq(std::nullopt)) << "after the last column";
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

// Nine thousand rows that count how many of them were made.
class LongTable : public testing::Test {
 protected:
  static constexpr std::size_t kCount = 9000;
  LongTable() {
    table_.set_rows(RowMaker{
        kCount,
        [this](std::size_t index) {
          ++made_;
          return row(std::to_string(index), static_cast<double>(index % 100));
        },
        [](std::size_t index, std::size_t column) -> std::optional<double> {
          if (column == 0) return std::nullopt;
          return static_cast<double>(index % 100);
        },
        [](std::size_t index, std::size_t column) { return column == 0 ? std::to_string(index) : std::string(); }});
  }
  std::size_t made_ = 0;
  Table table_{{{"name", "", false}, {"number", "", true}}};
};

TEST_F(LongTable, MakesNoneOfItsRowsToSortAndFindThem) {
  table_.click_column(1);
  EXPECT_EQ(table_.shown().front(), 99u);
  table_.click_column(0);
  table_.set_search("777");
  EXPECT_THAT(table_.shown(), ElementsAre(1777u, 2777u, 3777u, 4777u, 5777u, 6777u, 777u, 7770u, 7771u, 7772u, 7773u,
                                          7774u, 7775u, 7776u, 7777u, 7778u, 7779u, 8777u));
  EXPECT_EQ(made_, 0u);
}

TEST_F(LongTable, MakesARowWhenItIsAskedForAndKeepsIt) {
  EXPECT_EQ(table_.row(7).id, "7");
  EXPECT_EQ(table_.row(7).cells[1].number, 7.0);
  EXPECT_EQ(made_, 1u);
}

TEST_F(LongTable, MakesARowAnewAfterManyOthers) {
  for (std::size_t index = 0; index < kCount; ++index) EXPECT_EQ(table_.row(index).id, std::to_string(index));
  EXPECT_EQ(table_.row(0).id, "0");
  EXPECT_EQ(made_, kCount + 1);
}

TEST(Table, WithoutRowsShowsNone) {
  Table table({{"name", "", false}});
  table.click_column(0);
  table.set_search("x");
  EXPECT_TRUE(table.shown().empty());
}

}  // namespace
}  // namespace poolscope::viewer

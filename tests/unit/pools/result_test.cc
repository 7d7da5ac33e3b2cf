#include "poolscope/result.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace {

using poolscope::Failure;
using poolscope::Result;

TEST(Result, HoldsAValue) {
  const Result<int, std::string> result = 7;
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 7);
}

TEST(Result, HoldsAnError) {
  const Result<int, std::string> result = Failure{std::string("no such process")};
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), "no such process");
}

TEST(Result, ValueAndErrorMayHaveTheSameType) {
  const Result<std::string, std::string> result = Failure{std::string("bad")};
  EXPECT_FALSE(result.has_value());
}

TEST(Result, GivesUpItsValueWhenMoved) {
  Result<std::unique_ptr<int>, std::string> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ResultDeathTest, AbortsWhenTheWrongSideIsRead) {
  const Result<int, std::string> error = Failure{std::string("bad")};
  EXPECT_DEATH((void)*error, "");
}

}  // namespace

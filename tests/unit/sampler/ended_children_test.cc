#include "agent/sampler/ended_children.h"

#include <gtest/gtest.h>

namespace poolscope::sampler {
namespace {

EndedChildren after(std::uint64_t waited_ns) {
  EndedChildren children;
  children.belongs();
  (void)children.take(waited_ns);
  return children;
}

TEST(EndedChildren, GivesWhatChildrenUsedThatNobodyEverSaw) {
  EndedChildren children = after(100);
  EXPECT_EQ(children.take(130), 30u);
  EXPECT_EQ(children.take(130), 0u);
}

TEST(EndedChildren, LeavesOutWhatWasReadFromTheChildItself) {
  EndedChildren children = after(100);
  children.left(20);
  EXPECT_EQ(children.take(130), 10u);
}

TEST(EndedChildren, IsRightInSumWhenTheParentWaitsBeforeTheChildIsMissed) {
  EndedChildren children = after(0);
  EXPECT_EQ(children.take(30), 30u);
  children.left(20);
  EXPECT_EQ(children.take(50), 0u);
  EXPECT_EQ(children.take(60), 10u);
}

TEST(EndedChildren, IsRightInSumWhenTheParentWaitsMuchLater) {
  EndedChildren children = after(0);
  children.left(20);
  EXPECT_EQ(children.take(0), 0u);
  EXPECT_EQ(children.take(25), 5u);
}

TEST(EndedChildren, CountsNothingOfAProcessWhoseChildrenAreNotWatched) {
  EndedChildren children;
  EXPECT_EQ(children.take(100), 0u);
  EXPECT_EQ(children.take(200), 0u);
  children.belongs();
  EXPECT_EQ(children.take(250), 50u) << "and nothing of what was before";
}

TEST(EndedChildren, TakesASumThatWentBackForNothingNew) {
  EndedChildren children = after(100);
  EXPECT_EQ(children.take(90), 0u);
}

}  // namespace
}  // namespace poolscope::sampler

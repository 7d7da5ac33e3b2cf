#include "probes/attach/detacher.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

namespace {

using namespace poolscope;
using attach::Detacher;
using attach::UprobeLinks;

// Stands for a link: what is closed is a file descriptor.
UprobeLinks links(std::size_t count) {
  UprobeLinks result;
  for (std::size_t i = 0; i < count; ++i) result.emplace_back(eventfd(0, EFD_CLOEXEC));
  return result;
}

bool is_open(int fd) {
  return fcntl(fd, F_GETFD) != -1;
}

TEST(Detacher, ClosesEveryLinkBeforeItSaysSo) {
  Detacher detacher;
  auto closing = links(20);
  std::vector<int> fds;
  for (const auto& link : closing) fds.push_back(link.get());
  std::vector<int> still_open;
  detacher.detach(std::move(closing), [&] { std::ranges::copy_if(fds, std::back_inserter(still_open), is_open); });
  detacher.wait_idle();
  EXPECT_TRUE(still_open.empty());
}

TEST(Detacher, SaysSoInTheOrderInWhichLinksWereHandedIn) {
  constexpr int kJobs = 200;
  Detacher detacher;
  std::vector<int> order;
  for (int i = 0; i < kJobs; ++i) {
    detacher.detach(links(static_cast<std::size_t>(i % 4)), [&order, i] { order.push_back(i); });
  }
  detacher.wait_idle();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kJobs));
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Detacher, ClosesWhatIsLeftWhenItGoes) {
  int said = 0;
  {
    Detacher detacher;
    for (int i = 0; i < 50; ++i) detacher.detach(links(2), [&said] { ++said; });
  }
  EXPECT_EQ(said, 50);
}

TEST(Detacher, IsIdleWithoutLinks) {
  Detacher detacher;
  detacher.wait_idle();
  bool said = false;
  detacher.detach({}, [&said] { said = true; });
  detacher.wait_idle();
  EXPECT_TRUE(said);
}

}  // namespace

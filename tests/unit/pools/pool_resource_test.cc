#include "poolscope/pool_resource.h"

#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::test {
namespace {

PoolResourceOptions unseen() {
  return {.pool = {.name = "r", .publish = false}};
}

TEST(PoolResource, ServesContainersFromItsPools) {
  PoolResource resource(unseen());
  for (int i = 0; i < 10; ++i) {
    std::pmr::map<int, std::pmr::string> map(&resource);
    for (int key = 0; key < 5; ++key) map.emplace(key, std::pmr::string(300, 'x'));
  }
  EXPECT_EQ(resource.stats(300).gets, 50u);
  EXPECT_EQ(resource.stats(300).misses[PS_MISS_EMPTY], 5u);
  EXPECT_EQ(resource.stats(300).borrowed, 0u);
}

struct BlockCase {
  const char* name;
  std::size_t bytes, alignment;
  bool is_pooled;
};
class Blocks : public testing::TestWithParam<BlockCase> {};
TEST_P(Blocks, AreAlignedAndComeBack) {
  const BlockCase& c = GetParam();
  PoolResource resource(unseen());
  for (int i = 0; i < 2; ++i) {
    void* block = resource.allocate(c.bytes, c.alignment);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % c.alignment, 0u);
    std::memset(block, 1, c.bytes);
    resource.deallocate(block, c.bytes, c.alignment);
  }
  EXPECT_EQ(resource.upstream_allocations(), c.is_pooled ? 0u : 2u);
  EXPECT_EQ(resource.stats(std::max(c.bytes, c.alignment)).hits(), c.is_pooled ? 1u : 0u);
}
INSTANTIATE_TEST_SUITE_P(Table, Blocks,
                         testing::Values(BlockCase{"Zero", 0, 1, true}, BlockCase{"One", 1, 1, true},
                                         BlockCase{"Smallest", 16, 16, true}, BlockCase{"Odd", 17, 8, true},
                                         BlockCase{"AlignedMoreThanLarge", 8, 64, true},
                                         BlockCase{"Largest", 65536, 64, true}, BlockCase{"TooLarge", 65537, 8, false},
                                         BlockCase{"TooAligned", 64, 128, false}),
                         [](const auto& c) { return c.param.name; });

TEST(PoolResource, ThrowsWhenAllAreOut) {
  PoolResourceOptions options = unseen();
  options.pool.max_borrowed_buffers = 1;
  PoolResource resource(options);
  void* block = resource.allocate(100);
  EXPECT_THROW((void)resource.allocate(100), std::bad_alloc);
  resource.deallocate(block, 100);
}

TEST(PoolResource, ServesSeveralThreads) {
  PoolResource resource(unseen());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        std::pmr::vector<int> numbers(&resource);
        for (int n = 0; n < 100; ++n) numbers.push_back(n);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::size_t bytes : {16, 32, 64, 128, 256, 512}) {
    EXPECT_EQ(resource.stats(bytes).borrowed, 0u);
    EXPECT_GT(resource.stats(bytes).hits(), 1900u) << bytes;
  }
}

TEST(PoolResource, IsEqualToItselfOnly) {
  PoolResource one(unseen());
  PoolResource other(unseen());
  EXPECT_TRUE(one.is_equal(one));
  EXPECT_FALSE(one.is_equal(other));
}

}  // namespace
}  // namespace poolscope::test

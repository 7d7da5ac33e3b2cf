// Random lists of operations: alloc_logic.h against the reference, after every step.
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/probes/alloc_world.h"

namespace {

using namespace poolscope::probes::test;

std::vector<Operation> random_operations(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(count * Operation::kEncodedBytes);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  auto operations = operations_from(bytes);
  for (auto& each : operations) {
    // Settings change rarely, so that lives get long enough to matter.
    if (each.kind >= Operation::Kind::kArm && random() % 16 != 0) each.kind = Operation::Kind::kPassTime;
  }
  return operations;
}

// What is broken first, and after how many operations.
struct Broken {
  std::string promise;
  std::size_t operations;
};

std::optional<Broken> run(Mode mode, const MapCapacities& capacities, std::span<const Operation> operations) {
  AllocWorld world(mode, capacities);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    world.perform(operations[i]);
    if (auto broken = world.broken_promise()) return Broken{*std::move(broken), i + 1};
  }
  return std::nullopt;
}

// Fails with the operations that are needed to break the promise, and no others.
void expect_promises_kept(Mode mode, const MapCapacities& capacities, std::vector<Operation> operations) {
  auto broken = run(mode, capacities, operations);
  if (!broken) return;
  operations.resize(broken->operations);
  for (std::size_t i = operations.size(); i-- > 0;) {
    auto fewer = operations;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (auto still_broken = run(mode, capacities, fewer)) {
      broken = std::move(still_broken);
      operations = std::move(fewer);
    }
  }
  FAIL() << broken->promise << "\nafter\n" << to_text(operations);
}

constexpr std::size_t kOperations = 400;
constexpr std::uint64_t kSeeds = 150;

TEST(AllocModel, EveryCountAndLifeEqualsTheReference) {
  for (const Mode mode : {Mode::kSession, Mode::kPair}) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(seed);
      expect_promises_kept(mode, MapCapacities{}, random_operations(seed, kOperations));
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(AllocModel, EveryBirthIsAccountedForWhenMapsAreFull) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const MapCapacities capacities{seed % 8, seed / 2 % 4, seed / 3 % 2, 1 + seed % 4};
    expect_promises_kept(Mode::kSession, capacities, random_operations(seed, kOperations));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(AllocModel, ListsReadAsText) {
  const Operation operations[] = {{Operation::Kind::kMalloc, 1, 2, 64}, {Operation::Kind::kNextBurst, 0, 0, 0}};
  EXPECT_EQ(to_text(operations), "{Operation::Kind::kMalloc, 1, 2, 64},\n{Operation::Kind::kNextBurst, 0, 0, 0},\n");
}

}  // namespace

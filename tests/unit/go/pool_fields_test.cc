// Names of pools inside variables, from the DWARF of real programs, and from DWARF that is meant to do harm.
#include "probes/go/pool_fields.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/go/made_fields.h"
#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;

constexpr std::uint64_t kVariable = kDataAddress;

struct Place {
  std::uint64_t variable = 0;  // address
  std::uint64_t offset = 0;
};

// What the program says of itself, line by line; it is not position independent, so addresses are those of the file.
std::vector<Place> places_of(Build build) {
  std::istringstream lines(output_of(built(build) + " 2>&1"));
  std::vector<Place> places;
  for (Place place; lines >> place.variable >> place.offset;) places.push_back(place);
  return places;
}

TEST(PoolFields, AreCalledByTheirPathThroughStructsAndArrays) {
  const std::vector<std::string> expected = {
      "", ".buffers", ".inner.deep.pool", ".shards[3].pool", ".grid[1][2]", ".Pool", "[7].pool", "[2]", ".pool"};
  const PoolFields fields(*open_path(built(Build::kFields)));
  const auto places = places_of(Build::kFields);
  ASSERT_EQ(places.size(), 13u);
  EXPECT_FALSE(fields.path(places[0].variable, 0)) << "no pool is in it";
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(fields.path(places[i + 1].variable, places[i + 1].offset), expected[i]) << i;
  }
}

TEST(PoolFields, BehindPointersAreCalledByTheVariable) {
  const std::vector<std::string> expected = {"main.behind->inner.deep.pool", "main.direct", "main.table[1].pool"};
  const PoolFields fields(*open_path(built(Build::kFields)));
  const auto places = places_of(Build::kFields);
  ASSERT_EQ(places.size(), 13u);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Place& place = places[i + 10];
    const auto pointer = std::ranges::find(fields.pointers(), place.variable, &PoolFields::Pointer::address);
    ASSERT_NE(pointer, fields.pointers().end()) << expected[i];
    EXPECT_EQ(fields.name_behind(*pointer, place.offset), expected[i]);
  }
}

TEST(PoolFields, HaveNoNameWhereNoPoolBegins) {
  const PoolFields fields(*open_path(built(Build::kFields)));
  const Place buffers = places_of(Build::kFields)[2];
  EXPECT_FALSE(fields.path(buffers.variable, buffers.offset + 8));
  EXPECT_FALSE(fields.path(buffers.variable, 0));
  EXPECT_FALSE(fields.path(buffers.variable, 1u << 20));
  EXPECT_FALSE(fields.path(buffers.variable, ~std::uint64_t{0}));
  EXPECT_FALSE(fields.path(buffers.variable + 1, buffers.offset));
}

TEST(PoolFields, AreNotKnownWithoutDwarf) {
  const PoolFields fields(*open_path(built(Build::kFieldsNoDwarf)));
  EXPECT_TRUE(fields.pointers().empty());
  for (const Place& place : places_of(Build::kFieldsNoDwarf)) EXPECT_FALSE(fields.path(place.variable, place.offset));
}

PoolFields fields_of(const MadeTypes& types) {
  return PoolFields(*open_bytes(make_elf_with_debug_info(make_type_abbreviations(), types.unit())));
}

TEST(PoolFieldsOfMadeTypes, AreFoundInAStruct) {
  MadeTypes types;
  const auto pool = types.typedef_of("sync.Pool", types.pool());
  const auto holder = types.begin_struct("main.holder", 48);
  types.member("pool", 8, pool);
  types.end_struct();
  types.variable("main.v", kVariable, holder);
  const auto fields = fields_of(types);
  EXPECT_EQ(fields.path(kVariable, 8), ".pool");
}

TEST(PoolFieldsOfMadeTypes, EndWhereAStructHoldsItself) {
  MadeTypes types;
  const auto pool = types.pool();
  const auto holder = types.begin_struct("main.holder", 1u << 20);
  types.member("itself", 0, holder);
  types.member("pool", 8, pool);
  types.end_struct();
  types.variable("main.v", kVariable, holder);
  EXPECT_EQ(fields_of(types).path(kVariable, 8), ".pool");
}

TEST(PoolFieldsOfMadeTypes, EndWhereTypedefsAndPointersGoRoundInCircles) {
  MadeTypes types;
  const auto circle = types.next();
  types.typedef_of("main.circle", circle);
  const auto first = types.next();
  types.pointer_to(first);
  types.variable("main.v", kVariable, circle);
  types.variable("main.w", kVariable + 8, first);
  const auto array = types.next();
  types.array_of(array, ~std::uint64_t{0});
  types.variable("main.x", kVariable + 16, array);
  const auto fields = fields_of(types);
  for (const std::uint64_t at : {0, 8, 16}) EXPECT_FALSE(fields.path(kVariable + at, 0));
}

TEST(PoolFieldsOfMadeTypes, OfAnEndlessArrayHaveNumbers) {
  MadeTypes types;
  const auto array = types.array_of(types.pool(), ~std::uint64_t{0});
  types.variable("main.v", kVariable, array);
  const auto fields = fields_of(types);
  EXPECT_EQ(fields.path(kVariable, 40'000'000'000), "[1000000000]");
  EXPECT_FALSE(fields.path(kVariable, 40'000'000'001));
}

TEST(PoolFieldsOfMadeTypes, InWhatHasNoSizeAreNotFound) {
  MadeTypes types;
  const auto empty = types.begin_struct("sync.Pool", 0);
  types.end_struct();
  types.variable("main.v", kVariable, types.array_of(empty, 100));
  const auto holder = types.begin_struct("main.holder", 0);
  types.member("pool", 0, empty);
  types.end_struct();
  types.variable("main.w", kVariable + 8, holder);
  const auto fields = fields_of(types);
  EXPECT_FALSE(fields.path(kVariable, 0));
  EXPECT_FALSE(fields.path(kVariable + 8, 0));
}

TEST(PoolFieldsOfMadeTypes, AreLeftOutBeyondTheDepthLimit) {
  MadeTypes types;
  auto inner = types.pool();
  for (unsigned depth = 0; depth < 3 * kMaxFieldDepth; ++depth) {
    const auto outer = types.begin_struct("s", 40);
    types.member("f", 0, inner);
    types.end_struct();
    inner = outer;
  }
  types.variable("main.v", kVariable, inner);
  EXPECT_FALSE(fields_of(types).path(kVariable, 0));
}

TEST(PoolFieldsOfMadeTypes, WithEndlessNamesAreLeftOut) {
  MadeTypes types;
  const auto pool = types.pool();
  const auto holder = types.begin_struct("main.holder", 80);
  types.member(std::string(10 * kMaxFieldNameBytes, 'x'), 0, pool);
  types.member("pool", 40, pool);
  types.end_struct();
  types.variable("main.v", kVariable, holder);
  const auto fields = fields_of(types);
  EXPECT_FALSE(fields.path(kVariable, 0));
  EXPECT_EQ(fields.path(kVariable, 40), ".pool");
}

}  // namespace
}  // namespace poolscope::go

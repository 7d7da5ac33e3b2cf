// Names of variables: from .symtab, from DWARF, or none.
#include "probes/go/data_symbols.h"

#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;

std::unique_ptr<elf::ElfFile> without_symbol_table(Build build) {
  Bytes elf = bytes_of(built(build));
  hide_symbol_table(elf);
  return open_bytes(elf);
}

TEST(DataSymbols, NameTheVariableThatHoldsAnAddress) {
  const auto file = open_path(built(Build::kPlain));
  const DataSymbols symbols(*file);
  EXPECT_EQ(symbols.source(), DataSymbols::Source::kSymbolTable);
  const auto pool = symbols.find("main.bodies");
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->size_bytes, 48u);
  const auto inner = symbols.at(pool->address + 8);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->name, "main.bodies");
  EXPECT_EQ(inner->address, pool->address);
  EXPECT_EQ(inner->offset, 8u);
}

TEST(DataSymbols, EndWithTheirVariable) {
  const auto file = open_path(built(Build::kPlain));
  const DataSymbols symbols(*file);
  const auto pool = symbols.find("main.bufferPool");
  ASSERT_TRUE(pool);
  EXPECT_EQ(symbols.at(pool->address + pool->size_bytes - 1)->name, "main.bufferPool");
  const auto next = symbols.at(pool->address + pool->size_bytes);
  EXPECT_TRUE(!next || next->name != "main.bufferPool");
  EXPECT_FALSE(symbols.at(0));
  EXPECT_FALSE(symbols.at(~std::uint64_t{0}));
}

TEST(DataSymbols, AreNoFunctionsAndNoConstants) {
  const auto file = open_path(built(Build::kPlain));
  const DataSymbols symbols(*file);
  EXPECT_FALSE(symbols.find("main.main"));
  EXPECT_FALSE(symbols.find("runtime.types"));
}

TEST(DataSymbols, ComeFromDwarfWhenThereIsNoSymbolTable) {
  const auto whole = open_path(built(Build::kPlain));
  const auto file = without_symbol_table(Build::kPlain);
  const DataSymbols expected(*whole);
  const DataSymbols symbols(*file);
  EXPECT_EQ(symbols.source(), DataSymbols::Source::kDwarf);
  for (const char* name : {"main.bodies", "main.bufferPool", "main.slicePool", "sync.allPools"}) {
    ASSERT_TRUE(symbols.find(name)) << name;
    EXPECT_EQ(symbols.find(name)->address, expected.find(name)->address);
    EXPECT_EQ(symbols.find(name)->size_bytes, expected.find(name)->size_bytes);
  }
}

TEST(DataSymbols, OfAStrippedProgramAreNone) {
  const auto file = open_path(built(Build::kStripped));
  const DataSymbols symbols(*file);
  EXPECT_EQ(symbols.source(), DataSymbols::Source::kNone);
  EXPECT_EQ(symbols.count(), 0u);
  EXPECT_FALSE(symbols.at(file->entry_address()));
}

}  // namespace
}  // namespace poolscope::go

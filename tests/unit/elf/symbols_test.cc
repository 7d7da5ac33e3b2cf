#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/elf/limits.h"
#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

TEST(ElfSymbols, AreSortedByAddressAndInsideTheCode) {
  const auto file = open_fixture("sample_static");
  ASSERT_GT(file->functions().size(), 500u);
  EXPECT_TRUE(std::ranges::is_sorted(file->functions(), {}, &Symbol::address));
  for (const Symbol& symbol : file->functions()) {
    EXPECT_TRUE(file->file_offset(symbol.address).has_value()) << symbol.name;
    EXPECT_EQ(file->read_code(symbol.address, symbol.size_bytes).size(), symbol.size_bytes) << symbol.name;
  }
}

TEST(ElfSymbols, KeepAliasesAsEntriesOfTheirOwn) {
  const auto file = open_fixture("sample_pie");
  EXPECT_EQ(function(*file, "alias_of_exported").address, function(*file, "exported_function").address);
}

TEST(ElfSymbols, ListAnExportedFunctionOnceThoughBothTablesHaveIt) {
  const auto file = open_fixture("libsample.so");
  EXPECT_EQ(file->find_function("exported_function").size(), 1u);
  EXPECT_TRUE(function(*file, "exported_function").is_exported);
  EXPECT_EQ(function(*file, "exported_function").version, "SAMPLE_1");
}

TEST(ElfSymbols, SayWhichAreExported) {
  const auto file = open_fixture("libsample.so");
  EXPECT_TRUE(file->has_full_symbols());
  EXPECT_FALSE(function(*file, "local_function").is_exported);
}

TEST(ElfSymbols, FindTheDefaultVersionFirst) {
  const auto file = open_fixture("libsample.so");
  const auto found = file->find_function("versioned");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]->version, "SAMPLE_2");
  EXPECT_TRUE(found[0]->is_default_version);
  EXPECT_EQ(found[0]->address, function(*file, "versioned_new").address);
  EXPECT_EQ(found[1]->version, "SAMPLE_1");
  EXPECT_FALSE(found[1]->is_default_version);
  EXPECT_EQ(found[1]->address, function(*file, "versioned_old").address);
}

TEST(ElfSymbols, FlagIfuncs) {
  for (const char* fixture : {"sample_pie", "sample_static"}) {
    const auto file = open_fixture(fixture);
    EXPECT_TRUE(function(*file, "picked_at_start").is_ifunc) << fixture;
    EXPECT_FALSE(function(*file, "exported_function").is_ifunc) << fixture;
  }
}

TEST(ElfSymbols, LeaveOutWhatIsOnlyUsed) {
  EXPECT_TRUE(open_fixture("sample_pie")->find_function("__libc_start_main").empty());
}

TEST(ElfSymbols, FindNothingUnderAnUnknownName) {
  const auto file = open_fixture("sample_pie");
  EXPECT_TRUE(file->find_function("").empty());
  EXPECT_TRUE(file->find_function("no_such_function").empty());
  EXPECT_TRUE(file->find_function("exported_functio").empty());
}

TEST(ElfSymbols, FunctionAtKnowsFirstAndLastByte) {
  const auto file = open_fixture("sample_pie");
  const Symbol& symbol = function(*file, "frame_by_rsp");
  EXPECT_EQ(file->function_at(symbol.address), &symbol);
  EXPECT_EQ(file->function_at(symbol.address + symbol.size_bytes - 1), &symbol);
  EXPECT_NE(file->function_at(symbol.address + symbol.size_bytes), &symbol);
}

TEST(ElfSymbols, FunctionAtFindsNothingOutsideTheCode) {
  const auto file = open_fixture("sample_pie");
  EXPECT_EQ(file->function_at(0), nullptr);
  EXPECT_EQ(file->function_at(~0ull), nullptr);
}

TEST(ElfSymbols, AnUnsizedFunctionEndsAtTheNextOne) {
  const auto file = open_fixture("sample_pie");
  const Symbol& unsized = function(*file, "unsized_function");
  const Symbol& next = function(*file, "sized_after_unsized");
  EXPECT_EQ(unsized.address + unsized.size_bytes, next.address);
  EXPECT_EQ(file->function_at(next.address - 1), &unsized);
}

TEST(ElfSymbols, TheLastUnsizedFunctionEndsWithItsSection) {
  Bytes bytes = bytes_of(fixture_path("sample_stripped"));
  auto* fini = section(bytes, ".fini");
  auto* symbols = section(bytes, SHT_DYNSYM);
  // Of two entries of .dynsym that exist anyway, one becomes an unsized function in the middle of .fini.
  auto* entry = at<Elf64_Sym>(bytes, symbols->sh_offset + sizeof(Elf64_Sym));
  entry->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  entry->st_shndx = 1;
  entry->st_value = fini->sh_addr + 4;
  entry->st_size = 0;
  const auto file = opened(open_bytes(bytes));
  const Symbol* last = file->function_at(fini->sh_addr + 5);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->address + last->size_bytes, fini->sh_addr + fini->sh_size);
}

TEST(ElfSymbols, FunctionAtPrefersTheExportedName) {
  const auto file = open_fixture("libsample.so");
  const Symbol* found = file->function_at(function(*file, "versioned_new").address);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "versioned");
}

TEST(ElfSymbols, FunctionAtLooksPastANestedFunction) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  const std::uint64_t nested = function(*open_fixture("sample_pie"), "sized_after_unsized").address;
  auto* symbols = section(bytes, SHT_SYMTAB);
  for (std::uint64_t i = 0; i < symbols->sh_size; i += sizeof(Elf64_Sym)) {
    auto* entry = at<Elf64_Sym>(bytes, symbols->sh_offset + i);
    if (entry->st_value == nested) entry->st_size = 1;
    if (entry->st_value == nested - 4) entry->st_size = 100;  // unsized_function
  }
  const auto file = opened(open_bytes(bytes));
  EXPECT_EQ(file->function_at(nested)->name, "sized_after_unsized");
  EXPECT_EQ(file->function_at(nested + 1)->name, "unsized_function");
}

TEST(ElfSymbols, ASizeThatLiesIsCutAtTheEndOfTheCode) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  auto* symbols = section(bytes, SHT_SYMTAB);
  for (std::uint64_t i = 0; i < symbols->sh_size; i += sizeof(Elf64_Sym)) {
    at<Elf64_Sym>(bytes, symbols->sh_offset + i)->st_size = ~0ull;
  }
  const auto file = opened(open_bytes(bytes));
  for (const Symbol& symbol : file->functions()) {
    EXPECT_EQ(file->read_code(symbol.address, symbol.size_bytes).size(), symbol.size_bytes) << symbol.name;
  }
}

TEST(ElfSymbols, SkipNamesThatPointOutsideTheStringTable) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  auto* symbols = section(bytes, SHT_SYMTAB);
  for (std::uint64_t i = 0; i < symbols->sh_size; i += sizeof(Elf64_Sym)) {
    at<Elf64_Sym>(bytes, symbols->sh_offset + i)->st_name = 0xffffff00;
  }
  const auto file = opened(open_bytes(bytes));
  EXPECT_TRUE(file->find_function("local_function").empty());
}

TEST(ElfSymbols, SkipANameWithoutEnd) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  const auto* symbols = section(bytes, SHT_SYMTAB);
  const auto* strings = at<Elf64_Shdr>(bytes, header(bytes).e_shoff + symbols->sh_link * sizeof(Elf64_Shdr));
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(strings->sh_offset), strings->sh_size, 'A');
  const auto file = opened(open_bytes(bytes));
  for (const Symbol& symbol : file->functions()) EXPECT_TRUE(symbol.is_exported) << symbol.name;
}

TEST(ElfSymbols, VersionDefinitionsThatRunInCirclesOrOutsideLeaveNamesUnversioned) {
  for (const std::uint32_t next : {0u, 1u, 0xffffffffu}) {
    Bytes bytes = bytes_of(fixture_path("libsample.so"));
    auto* definition = at<Elf64_Verdef>(bytes, section(bytes, SHT_GNU_verdef)->sh_offset);
    definition->vd_next = next;
    const auto file = opened(open_bytes(bytes));
    EXPECT_FALSE(file->find_function("versioned").empty()) << next;
  }
}

}  // namespace
}  // namespace poolscope::elf::test

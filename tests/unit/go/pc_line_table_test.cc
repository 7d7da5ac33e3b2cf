// The function table: all formats, real programs against their own symbols, and damaged tables.
#include "probes/go/pc_line_table.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using Format = PcLineTable::Format;
using Reason = PcLineTableError::Reason;

constexpr std::uint64_t kText = kCodeAddress;
constexpr std::uint64_t kFunctionBytes = 0x40;
const std::vector<MadeFunction> kFunctions = {{"main.a", kFunctionBytes},
                                              {"main.ab", kFunctionBytes},
                                              {"sync.(*Pool).Get", kFunctionBytes},
                                              {"x", kFunctionBytes}};

class TableFormat : public testing::TestWithParam<TableForm> {};
INSTANTIATE_TEST_SUITE_P(All, TableFormat, testing::ValuesIn(kTableForms),
                         [](const auto& test) { return test.param.name; });

TEST_P(TableFormat, IsTold) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kFunctions), std::nullopt, "test");
  ASSERT_TRUE(table) << describe(table.error());
  EXPECT_EQ(table->format(), GetParam().format);
  EXPECT_EQ(table->function_count(), kFunctions.size());
}

TEST_P(TableFormat, FindsAFunctionByItsWholeName) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kFunctions), std::nullopt, "test");
  ASSERT_TRUE(table);
  for (std::size_t i = 0; i < kFunctions.size(); ++i) {
    const auto& name = kFunctions[i].name;
    const auto found = table->find(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->name, name);
    EXPECT_EQ(found->address, kText + i * kFunctionBytes);
    EXPECT_EQ(found->size_bytes, kFunctionBytes);
  }
  EXPECT_FALSE(table->find("main"));
  EXPECT_FALSE(table->find("main.abc"));
  EXPECT_FALSE(table->find(""));
}

TEST_P(TableFormat, FindsTheFunctionAtAnAddress) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kFunctions), std::nullopt, "test");
  ASSERT_TRUE(table);
  EXPECT_FALSE(table->at(kText - 1));
  EXPECT_EQ(table->at(kText)->name, "main.a");
  EXPECT_EQ(table->at(kText + kFunctionBytes - 1)->name, "main.a");
  EXPECT_EQ(table->at(kText + kFunctionBytes)->name, "main.ab");
  EXPECT_EQ(table->at(kText + 4 * kFunctionBytes - 1)->name, "x");
  EXPECT_FALSE(table->at(kText + 4 * kFunctionBytes));
}

TEST_P(TableFormat, WithoutFunctionsFindsNothing) {
  const auto table = PcLineTable::parse(make_table(GetParam(), {}), std::nullopt, "test");
  ASSERT_TRUE(table);
  EXPECT_FALSE(table->find("main.a"));
  EXPECT_FALSE(table->at(kText));
}

// Every length short of the whole: an error, or a table whose lost functions are not found.
TEST_P(TableFormat, CutOffAnywhereIsHarmless) {
  const Bytes whole = make_table(GetParam(), kFunctions);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto table =
        PcLineTable::parse({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, std::nullopt, "test");
    if (!table) continue;
    (void)table->at(kText + 1);
    const auto last = table->find("x");
    EXPECT_FALSE(last && last->name != "x");
  }
}

TEST_P(TableFormat, WithMoreFunctionsThanBytesIsDamaged) {
  Bytes bytes = make_table(GetParam(), kFunctions);
  for (const std::uint64_t count : {std::uint64_t{5000}, ~std::uint64_t{0}, std::uint64_t{1} << 61}) {
    std::memcpy(bytes.data() + 8, &count, sizeof count);
    const auto table = PcLineTable::parse(bytes, std::nullopt, "test");
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().reason, Reason::kDamaged);
  }
}

TEST(PcLineTable, TakesTheTextStartFromElsewhereWhenItsHeaderHasNone) {
  for (const TableForm& form : {kTableForms[2], kTableForms[3]}) {
    const Bytes bytes = make_table(form, kFunctions, /*header_text=*/0);
    const auto table = PcLineTable::parse(bytes, 0x700000, "test");
    ASSERT_TRUE(table);
    EXPECT_EQ(table->find("main.ab")->address, 0x700000 + kFunctionBytes);
    EXPECT_FALSE(PcLineTable::parse(bytes, std::nullopt, "test"));
  }
}

TEST(PcLineTable, OfAnotherMachineIsRefused) {
  for (const std::size_t at : {4, 5, 6, 7}) {
    Bytes bytes = make_table(kTableForms[2], kFunctions);
    bytes[at] = 4;
    EXPECT_FALSE(PcLineTable::parse(bytes, std::nullopt, "test")) << at;
  }
}

TEST(PcLineTable, DoesNotFollowOffsetsBeyondItsEnd) {
  Bytes bytes = make_table(kTableForms[2], {{"main.a", kFunctionBytes}});
  const std::uint64_t entries = bytes.size() - 4 - 4 - 12;
  for (const std::size_t field : {entries + 4, entries + 16}) {  // offset of the record, offset of the name
    Bytes damaged = bytes;
    std::memset(damaged.data() + field, 0x7f, 4);
    const auto table = PcLineTable::parse(damaged, std::nullopt, "test");
    ASSERT_TRUE(table);
    EXPECT_FALSE(table->find("main.a"));
    EXPECT_FALSE(table->at(kText));
  }
}

class RealTable : public testing::TestWithParam<Build> {};
INSTANTIATE_TEST_SUITE_P(Builds, RealTable, testing::ValuesIn(kPoolBuilds),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(RealTable, HasTheAddressesThatTheSymbolsHave) {
  const auto file = open_path(built(GetParam()));
  const auto table = PcLineTable::open(*file, FileMemory(*file->image()));
  ASSERT_TRUE(table) << describe(table.error());
  EXPECT_GT(table->function_count(), 1000u);
  EXPECT_TRUE(table->module_data());
  // A function and the wrapper that assembly calls it through have one name here, and two in .symtab.
  std::multimap<std::string, GoFunction> functions;
  for (std::size_t i = 0; i < table->function_count(); ++i) {
    if (auto function = table->function(i)) functions.emplace(function->name, *function);
  }
  int compared = 0;
  for (const elf::Symbol& symbol : file->functions()) {
    const auto [first, last] = functions.equal_range(symbol.name);
    if (first == last) continue;
    ++compared;
    const auto same =
        std::find_if(first, last, [&](const auto& each) { return each.second.address == symbol.address; });
    ASSERT_NE(same, last) << symbol.name;
    EXPECT_LE(symbol.size_bytes, same->second.size_bytes) << symbol.name;
  }
  EXPECT_EQ(compared > 1000, GetParam() != Build::kStripped) << compared;
}

TEST_P(RealTable, IsFoundWithoutSectionHeaders) {
  const auto file = open_path(built(GetParam()));
  Bytes elf = bytes_of(built(GetParam()));
  hide_sections(elf);
  const auto bare = open_bytes(elf);
  const auto with = PcLineTable::open(*file, FileMemory(*file->image()));
  const auto without = PcLineTable::open(*bare, FileMemory(*bare->image()));
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->function_count(), without->function_count());
  ASSERT_TRUE(with->find("main.main") && without->find("main.main"));
  EXPECT_EQ(with->find("main.main")->address, without->find("main.main")->address);
  ASSERT_TRUE(with->module_data() && without->module_data());
  EXPECT_EQ(with->module_data()->types_start, without->module_data()->types_start);
}

// As the linker of Go 1.26 leaves it.
TEST_P(RealTable, WithoutTextStartTakesThatOfModuleData) {
  const auto file = open_path(built(GetParam()));
  const auto table = PcLineTable::open(*file, FileMemory(*file->image()));
  ASSERT_TRUE(table);
  Bytes elf = bytes_of(built(GetParam()));
  const auto* section = file->image()->section_named(".gopclntab");
  if (section == nullptr) section = file->image()->section_named(".data.rel.ro.gopclntab");
  write_at(elf, section->header.sh_addr + 24, std::string(8, '\0'));
  hide_symbol_table(elf);
  const auto changed = open_bytes(elf);
  const FileMemory memory(*changed->image());
  const auto without = PcLineTable::open(*changed, memory);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->find("main.main")->address, table->find("main.main")->address);
}

TEST(PcLineTable, OfAProgramWithoutOneIsNotFound) {
  const auto file = open_path("/proc/self/exe");
  const auto table = PcLineTable::open(*file, FileMemory(*file->image()));
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().reason, Reason::kNotFound);
}

TEST(PcLineTable, IsNotMisledByMagicNumbersInData) {
  Bytes data;
  for (int i = 0; i < 3; ++i) {
    append(data, std::uint32_t{0xfffffff1});
    append(data, std::uint32_t{0x08010000});
    data.resize(data.size() + 72, 0xff);
  }
  const Bytes real = make_table(kTableForms[3], kFunctions);
  data.insert(data.end(), real.begin(), real.end());
  const auto file = open_bytes(make_elf({0x90}, data));
  const auto table = PcLineTable::open(*file, FileMemory(*file->image()));
  ASSERT_TRUE(table) << describe(table.error());
  EXPECT_TRUE(table->find("sync.(*Pool).Get"));
}

TEST(PcLineTable, OfADebianPackageNamesItsFunctions) {
  const auto file = open_path("/usr/bin/prometheus");
  const auto table = PcLineTable::open(*file, FileMemory(*file->image()));
  ASSERT_TRUE(table);
  const auto entry = table->find("main.main");
  ASSERT_TRUE(entry);
  EXPECT_EQ(table->at(entry->address + entry->size_bytes / 2)->name, "main.main");
}

// lld leaves the pointers of a position independent program to the loader.
TEST(PcLineTable, OfAProgramWhosePointersTheLoaderFillsInIsRead) {
  Bytes elf = bytes_of(built(Build::kPie));
  const auto file = open_bytes(elf);
  const FileMemory memory(*file->image());
  const auto* relocations = file->image()->section_of_type(SHT_RELA);
  ASSERT_NE(relocations, nullptr);
  const auto bytes = file->image()->section_bytes(*relocations, 64u << 20);
  ASSERT_TRUE(bytes);
  for (std::size_t at = 0; at + sizeof(Elf64_Rela) <= bytes->size(); at += sizeof(Elf64_Rela)) {
    Elf64_Rela entry;
    std::memcpy(&entry, bytes->data() + at, sizeof entry);
    write_at(elf, entry.r_offset, std::string(8, '\0'));
  }
  const auto emptied = open_bytes(elf);
  const auto before = PcLineTable::open(*file, memory);
  const auto after = PcLineTable::open(*emptied, FileMemory(*emptied->image()));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->find("main.main")->address, before->find("main.main")->address);
  ASSERT_TRUE(after->module_data());
  EXPECT_EQ(after->module_data()->types_start, before->module_data()->types_start);
}

}  // namespace
}  // namespace poolscope::go

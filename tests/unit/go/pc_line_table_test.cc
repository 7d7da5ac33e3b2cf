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

struct FormatCase {
  const char* name;
  Format format;
  std::uint32_t magic;
};
constexpr FormatCase kFormats[] = {{"Go12", Format::kGo12, 0xfffffffb},
                                   {"Go116", Format::kGo116, 0xfffffffa},
                                   {"Go118", Format::kGo118, 0xfffffff0},
                                   {"Go120", Format::kGo120, 0xfffffff1}};

constexpr std::uint64_t kText = 0x401000;
constexpr std::uint64_t kFunctionBytes = 0x40;

std::uint64_t header_words(Format format) {
  switch (format) {
    case Format::kGo12:
      return 1;
    case Format::kGo116:
      return 7;
    default:
      return 8;
  }
}

// A table of functions of kFunctionBytes each, in the way the linker of that time wrote it.
Bytes make_table(const FormatCase& form, const std::vector<std::string>& names, std::uint64_t header_text = kText) {
  const bool is_old = form.format == Format::kGo12;
  const bool is_relative = form.format == Format::kGo118 || form.format == Format::kGo120;
  const std::uint64_t field = is_relative ? 4 : 8;
  const std::uint64_t header_bytes = 8 + 8 * header_words(form.format);
  std::string all_names;
  std::vector<std::uint64_t> name_offsets;
  const std::uint64_t entries_bytes = (2 * names.size() + 1) * field;
  const std::uint64_t records_bytes = names.size() * (field + 4);
  for (const auto& name : names) {
    name_offsets.push_back(all_names.size() + (is_old ? header_bytes + entries_bytes + records_bytes : 0));
    all_names += name + '\0';
  }
  const std::uint64_t names_at = header_bytes;
  const std::uint64_t entries_at = is_old ? header_bytes : header_bytes + all_names.size();
  Bytes table;
  append(table, form.magic);
  for (const std::uint8_t byte : {0, 0, 1, 8}) table.push_back(byte);
  std::vector<std::uint64_t> words = {names.size()};
  if (form.format == Format::kGo116) words = {names.size(), 0, names_at, 0, 0, 0, entries_at};
  if (is_relative) words = {names.size(), 0, header_text, names_at, 0, 0, 0, entries_at};
  for (const std::uint64_t word : words) append(table, word);
  if (!is_old) append_text(table, all_names);
  const auto number = [&](std::uint64_t value) {
    if (is_relative) {
      append(table, static_cast<std::uint32_t>(value));
    } else {
      append(table, value);
    }
  };
  const std::uint64_t base = is_relative ? 0 : kText;
  const std::uint64_t records_from = (is_old ? entries_at : 0) + entries_bytes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    number(base + i * kFunctionBytes);
    number(records_from + i * (field + 4));
  }
  number(base + names.size() * kFunctionBytes);
  for (std::size_t i = 0; i < names.size(); ++i) {
    number(base + i * kFunctionBytes);
    append(table, static_cast<std::int32_t>(name_offsets[i]));
  }
  if (is_old) append_text(table, all_names);
  return table;
}

const std::vector<std::string> kNames = {"main.a", "main.ab", "sync.(*Pool).Get", "x"};

class TableFormat : public testing::TestWithParam<FormatCase> {};
INSTANTIATE_TEST_SUITE_P(All, TableFormat, testing::ValuesIn(kFormats),
                         [](const auto& test) { return test.param.name; });

TEST_P(TableFormat, IsTold) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kNames), std::nullopt, "test");
  ASSERT_TRUE(table) << describe(table.error());
  EXPECT_EQ(table->format(), GetParam().format);
  EXPECT_EQ(table->function_count(), kNames.size());
}

TEST_P(TableFormat, FindsAFunctionByItsWholeName) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kNames), std::nullopt, "test");
  ASSERT_TRUE(table);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto found = table->find(kNames[i]);
    ASSERT_TRUE(found) << kNames[i];
    EXPECT_EQ(found->name, kNames[i]);
    EXPECT_EQ(found->address, kText + i * kFunctionBytes);
    EXPECT_EQ(found->size_bytes, kFunctionBytes);
  }
  EXPECT_FALSE(table->find("main"));
  EXPECT_FALSE(table->find("main.abc"));
  EXPECT_FALSE(table->find(""));
}

TEST_P(TableFormat, FindsTheFunctionAtAnAddress) {
  const auto table = PcLineTable::parse(make_table(GetParam(), kNames), std::nullopt, "test");
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
  const Bytes whole = make_table(GetParam(), kNames);
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
  Bytes bytes = make_table(GetParam(), kNames);
  for (const std::uint64_t count : {std::uint64_t{5000}, ~std::uint64_t{0}, std::uint64_t{1} << 61}) {
    std::memcpy(bytes.data() + 8, &count, sizeof count);
    const auto table = PcLineTable::parse(bytes, std::nullopt, "test");
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().reason, Reason::kDamaged);
  }
}

TEST(PcLineTable, TakesTheTextStartFromElsewhereWhenItsHeaderHasNone) {
  for (const FormatCase& form : {kFormats[2], kFormats[3]}) {
    const Bytes bytes = make_table(form, kNames, /*header_text=*/0);
    const auto table = PcLineTable::parse(bytes, 0x700000, "test");
    ASSERT_TRUE(table);
    EXPECT_EQ(table->find("main.ab")->address, 0x700000 + kFunctionBytes);
    EXPECT_FALSE(PcLineTable::parse(bytes, std::nullopt, "test"));
  }
}

TEST(PcLineTable, OfAnotherMachineIsRefused) {
  for (const std::size_t at : {4, 5, 6, 7}) {
    Bytes bytes = make_table(kFormats[2], kNames);
    bytes[at] = 4;
    EXPECT_FALSE(PcLineTable::parse(bytes, std::nullopt, "test")) << at;
  }
}

TEST(PcLineTable, DoesNotFollowOffsetsBeyondItsEnd) {
  Bytes bytes = make_table(kFormats[2], {"main.a"});
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
  const Bytes real = make_table(kFormats[3], kNames);
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

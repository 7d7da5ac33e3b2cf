#include <gtest/gtest.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

TEST(ElfCode, OffsetAndAddressAreInverse) {
  for (const char* fixture : {"sample_pie", "sample_static", "libsample.so"}) {
    const auto file = open_fixture(fixture);
    const std::uint64_t address = function(*file, "exported_function").address;
    const auto offset = file->file_offset(address);
    ASSERT_TRUE(offset.has_value()) << fixture;
    EXPECT_EQ(file->address_of_file_offset(*offset), address) << fixture;
  }
}

TEST(ElfCode, OffsetPointsAtTheFunctionsBytes) {
  const auto file = open_fixture("sample_static");
  const std::uint64_t address = function(*file, "unsized_function").address;
  const Bytes whole = bytes_of(fixture_path("sample_static"));
  const Bytes expected = {0x90, 0x90, 0x90, 0xc3};  // nop, nop, nop, ret: as the source says
  const auto start = whole.begin() + static_cast<std::ptrdiff_t>(file->file_offset(address).value());
  EXPECT_EQ(Bytes(start, start + 4), expected);
  EXPECT_EQ(file->read_code(address, 4), expected);
}

class ElfCodeEdges : public testing::Test {
 protected:
  void SetUp() override {
    Bytes bytes = bytes_of(fixture_path("sample_pie"));
    segment = *code_segment(bytes);
    end = segment.p_vaddr + segment.p_filesz;
  }
  std::unique_ptr<ElfFile> file = open_fixture("sample_pie");
  Elf64_Phdr segment{};
  std::uint64_t end = 0;
};

TEST_F(ElfCodeEdges, AddressesOutsideTheCodeHaveNoOffset) {
  EXPECT_TRUE(file->file_offset(segment.p_vaddr).has_value());
  EXPECT_FALSE(file->file_offset(segment.p_vaddr - 1).has_value());
  EXPECT_TRUE(file->file_offset(end - 1).has_value());
  EXPECT_FALSE(file->file_offset(end).has_value());
  EXPECT_FALSE(file->file_offset(~0ull).has_value());
  EXPECT_FALSE(file->address_of_file_offset(segment.p_offset - 1).has_value());
  EXPECT_FALSE(file->address_of_file_offset(segment.p_offset + segment.p_filesz).has_value());
}

TEST_F(ElfCodeEdges, ReadingStopsAtTheEndOfTheSegment) {
  EXPECT_EQ(file->read_code(end - 3, 100).size(), 3u);
  EXPECT_EQ(file->read_code(end - 3, ~std::size_t{0}).size(), 3u);
  EXPECT_TRUE(file->read_code(end, 1).empty());
  EXPECT_TRUE(file->read_code(segment.p_vaddr, 0).empty());
}

TEST_F(ElfCodeEdges, TheSegmentIsReadOnceAndWhole) {
  const auto first = file->code_segment(segment.p_vaddr);
  EXPECT_EQ(first.address, segment.p_vaddr);
  EXPECT_EQ(first.bytes.size(), segment.p_filesz);
  EXPECT_EQ(file->code_segment(end - 1).bytes.data(), first.bytes.data());
  EXPECT_TRUE(file->code_segment(end).bytes.empty());
}

TEST(ElfCode, BytesThatOnlyMemoryHasAreNoCode) {
  Bytes bytes = bytes_of(fixture_path("sample_pie"));
  Elf64_Phdr* segment = code_segment(bytes);
  segment->p_filesz -= 0x10;
  const std::uint64_t end = segment->p_vaddr + segment->p_filesz;
  const auto file = opened(open_bytes(bytes));
  EXPECT_TRUE(file->file_offset(end - 1).has_value());
  EXPECT_FALSE(file->file_offset(end).has_value());
}

}  // namespace
}  // namespace poolscope::elf::test

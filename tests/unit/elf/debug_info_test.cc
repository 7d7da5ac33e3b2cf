#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/elf/support.h"

namespace poolscope::elf::test {
namespace {

namespace fs = std::filesystem;

// "sample.c:6" of the line marked LINE exported_function.
std::string expected_line() {
  std::ifstream source(POOLSCOPE_SOURCE_DIR "/tests/unit/elf/fixtures/sample.c");
  std::string text;
  for (int number = 1; std::getline(source, text); ++number) {
    if (text.find("/* LINE exported_function */") != text.npos) return "sample.c:" + std::to_string(number);
  }
  return "no marked line";
}

std::string build_id_path(const std::string& build_id) {
  return "usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
}

std::string line_of_exported_function(const ElfFile& file) {
  const std::uint64_t address = function(*open_fixture("sample_pie"), "exported_function").address;
  const std::string line = file.source_line(address);
  // The first instructions may belong to the opening line, by the compiler's choice.
  return line == expected_line() ? line : file.source_line(address + 3);
}

TEST(ElfDebugInfo, AStrippedFileHasNeitherLocalNamesNorLines) {
  const auto file = open_fixture("sample_stripped");
  EXPECT_FALSE(file->has_full_symbols());
  EXPECT_TRUE(file->find_function("local_function").empty());
  EXPECT_EQ(line_of_exported_function(*file), "");
}

TEST(ElfDebugInfo, GivesTheSourceLine) {
  EXPECT_EQ(line_of_exported_function(*open_fixture("sample_pie")), expected_line());
}

TEST(ElfDebugInfo, GivesTheSourceLineFromCompressedSections) {
  EXPECT_EQ(line_of_exported_function(*open_fixture("sample_compressed")), expected_line());
}

TEST(ElfDebugInfo, GivesNoLineForCodeWithoutDebugInfo) {
  const auto file = open_fixture("sample_pie");
  EXPECT_EQ(file->source_line(file->entry_address()), "");  // _start is the C library's
  EXPECT_EQ(file->source_line(0), "");
  EXPECT_EQ(file->source_line(~0ull), "");
}

TEST(ElfDebugInfo, ReadsNamesFromMiniDebugInfo) {
  const auto file = open_fixture("sample_mini");
  EXPECT_TRUE(file->has_full_symbols());
  EXPECT_EQ(function(*file, "local_function").address, function(*open_fixture("sample_pie"), "local_function").address);
}

TEST(ElfDebugInfo, DoesWithoutDamagedMiniDebugInfo) {
  Bytes bytes = bytes_of(fixture_path("sample_mini"));
  const auto* packed = section(bytes, ".gnu_debugdata");
  for (std::uint64_t i = packed->sh_size / 2; i < packed->sh_size; ++i) bytes[packed->sh_offset + i] ^= 0x5a;
  const auto file = opened(open_bytes(bytes));
  EXPECT_FALSE(file->has_full_symbols());
}

class DebugFile : public testing::Test {
 protected:
  std::unique_ptr<ElfFile> open_in_root(const std::string& fixture) {
    return opened(open_path(fixture_path(fixture), root.path()));
  }
  void install(const std::string& fixture, const std::string& place) {
    fs::copy_file(fixture_path(fixture), root.place_for(place));
  }
  std::string place_by_build_id() { return build_id_path(open_fixture("sample_pie")->build_id()); }
  std::string place_by_link(const std::string& name) { return "usr/lib/debug" + fixture_path(name); }

  TemporaryDirectory root;
};

TEST_F(DebugFile, IsFoundByBuildId) {
  install("sample.debug", place_by_build_id());
  const auto file = open_in_root("sample_stripped");
  EXPECT_TRUE(file->has_full_symbols());
  EXPECT_FALSE(file->find_function("local_function").empty());
  EXPECT_EQ(line_of_exported_function(*file), expected_line());
}

TEST_F(DebugFile, IsFoundByDebugLink) {
  install("sample.debug", place_by_link("sample.debug"));
  const auto file = open_in_root("sample_linked");
  EXPECT_FALSE(file->find_function("local_function").empty());
}

TEST_F(DebugFile, OfAFileWithoutBuildIdIsFoundByItsChecksum) {
  install("anonymous.debug", place_by_link("anonymous.debug"));
  EXPECT_TRUE(open_in_root("sample_anonymous")->has_full_symbols());
}

TEST_F(DebugFile, WithAnotherChecksumIsLeftAlone) {
  install("anonymous.debug", place_by_link("anonymous.debug"));
  std::ofstream(root.place_for(place_by_link("anonymous.debug")), std::ios::app) << "x";
  EXPECT_FALSE(open_in_root("sample_anonymous")->has_full_symbols());
}

TEST_F(DebugFile, WithAnotherBuildIdIsLeftAlone) {
  install("sample_static", place_by_build_id());
  EXPECT_FALSE(open_in_root("sample_stripped")->has_full_symbols());
}

TEST_F(DebugFile, OutsideTheRootIsOutOfReach) {
  fs::create_symlink(fixture_path("sample.debug"), root.place_for(place_by_build_id()));
  EXPECT_FALSE(open_in_root("sample_stripped")->has_full_symbols());
}

TEST_F(DebugFile, BehindALinkInsideTheRootIsFound) {
  install("sample.debug", "data/sample.debug");
  fs::create_symlink("/data/sample.debug", root.place_for(place_by_build_id()));
  EXPECT_TRUE(open_in_root("sample_stripped")->has_full_symbols());
}

TEST_F(DebugFile, ThatIsAFifoDoesNotBlock) {
  ASSERT_EQ(mkfifo(root.place_for(place_by_build_id()).c_str(), 0600), 0);
  EXPECT_FALSE(open_in_root("sample_stripped")->has_full_symbols());
}

TEST_F(DebugFile, IsNotNeededWhereMiniDebugInfoIs) {
  install("sample.debug", place_by_build_id());
  const auto file = open_in_root("sample_mini");
  EXPECT_FALSE(file->find_function("local_function").empty());
  EXPECT_EQ(line_of_exported_function(*file), expected_line()) << "lines still come from the debug file";
}

}  // namespace
}  // namespace poolscope::elf::test

// What Go's linker says about a program: both formats, real programs, and bytes that only look like it.
#include "probes/go/build_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using Reason = BuildInfoError::Reason;

Result<BuildInfo, BuildInfoError> read(const elf::ElfFile& file) {
  return read_build_info(*file.image(), FileMemory(*file.image()));
}

// The strings of a program that was built with modules: each stands between two marks of 16 bytes.
std::string marked(const std::string& text) {
  return std::string(16, '<') + text + std::string(16, '>');
}

Bytes by_pointers(const std::string& version, const std::string& modules) {
  constexpr std::uint64_t kStrings = kDataAddress + 32;
  constexpr std::uint64_t kText = kStrings + 32;
  Bytes data = make_build_info_header(8, 0);
  append(data, kStrings);
  append(data, kStrings + 16);
  append(data, kText);
  append(data, std::uint64_t{version.size()});
  append(data, kText + version.size());
  append(data, std::uint64_t{modules.size()});
  append_text(data, version + modules);
  return data;
}

struct VersionCase {
  const char* name;
  const char* text;
  std::optional<GoVersion> version;
};
class ParseGoVersion : public testing::TestWithParam<VersionCase> {};
TEST_P(ParseGoVersion, GivesMajorAndMinorOrNothing) {
  EXPECT_EQ(parse_go_version(GetParam().text), GetParam().version);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseGoVersion,
                         testing::Values(VersionCase{"Release", "go1.19.8", GoVersion{1, 19}},
                                         VersionCase{"FirstOfItsMinor", "go1.26", GoVersion{1, 26}},
                                         VersionCase{"Candidate", "go1.22rc1", GoVersion{1, 22}},
                                         VersionCase{"Experiment", "go1.22.3 X:rangefunc", GoVersion{1, 22}},
                                         VersionCase{"Development", "devel go1.20-abc Mon", GoVersion{1, 20}},
                                         VersionCase{"HashOnly", "devel +0a1b2c", std::nullopt},
                                         VersionCase{"CutOff", "go1.", std::nullopt},
                                         VersionCase{"NoMinor", "go1", std::nullopt},
                                         VersionCase{"Empty", "", std::nullopt},
                                         VersionCase{"TooLarge", "go1.99999999999", std::nullopt}),
                         [](const auto& test) { return test.param.name; });

TEST(BuildInfo, OfARealProgramIsWhatGoSays) {
  const auto info = read(*open_path(built(Build::kPlain)));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version_text + "\n", output_of("go env GOVERSION"));
  EXPECT_EQ(info->main_package, "example.com/pooltest");
  EXPECT_EQ(info->main_module, "example.com/pooltest");
  EXPECT_EQ(info->main_module_version, "(devel)");
  EXPECT_THAT(info->settings, testing::Contains(std::pair<std::string, std::string>("CGO_ENABLED", "0")));
  EXPECT_EQ(info->setting("-race"), nullptr);
}

TEST(BuildInfo, IsKeptByStrippingAndHasTheLinkerFlagsWithoutTheirQuotes) {
  const auto info = read(*open_path(built(Build::kStripped)));
  ASSERT_TRUE(info);
  ASSERT_NE(info->setting("-ldflags"), nullptr);
  EXPECT_EQ(*info->setting("-ldflags"), "-s -w");
}

TEST(BuildInfo, SaysThatTheRaceDetectorIsIn) {
  const auto info = read(*open_path(built(Build::kRace)));
  ASSERT_TRUE(info);
  ASSERT_NE(info->setting("-race"), nullptr);
  EXPECT_EQ(*info->setting("-race"), "true");
}

TEST(BuildInfo, IsFoundWithoutSectionHeaders) {
  Bytes elf = bytes_of(built(Build::kPie));
  hide_sections(elf);
  const auto info = read(*open_bytes(elf));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->main_module, "example.com/pooltest");
}

TEST(BuildInfo, OfADebianPackageIsRead) {
  const auto info = read(*open_path("/usr/bin/prometheus"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->main_package, "github.com/prometheus/prometheus/cmd/prometheus");
  EXPECT_TRUE(info->version.has_value());
}

TEST(BuildInfo, IsReadInBothFormats) {
  const std::string modules = marked("path\texample.com/a/cmd/b\nmod\texample.com/a\tv1.2.3\th1:x=\ndep\tc\tv1\n");
  for (const Bytes& data : {make_build_info("go1.18.1", modules), by_pointers("go1.18.1", modules)}) {
    const auto info = read(*open_bytes(make_elf({0x90}, data)));
    ASSERT_TRUE(info) << describe(info.error());
    EXPECT_EQ(info->version, (GoVersion{1, 18}));
    EXPECT_EQ(info->main_package, "example.com/a/cmd/b");
    EXPECT_EQ(info->main_module, "example.com/a");
    EXPECT_EQ(info->main_module_version, "v1.2.3");
  }
}

TEST(BuildInfo, WithoutModulesHasAVersionOnly) {
  const auto info = read(*open_bytes(make_elf({0x90}, make_build_info("go1.19", ""))));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version, (GoVersion{1, 19}));
  EXPECT_EQ(info->main_package, "");
}

TEST(BuildInfo, UnquotesSettings) {
  const std::string text =
      "build\t-ldflags=\"-X 'a=b' \\\"c\\\"\"\nbuild\tCGO_CFLAGS=`-O2 \"x\"`\nbuild\t\"odd=key\"=1\nbuild\tx\n";
  const auto info = read(*open_bytes(make_elf({0x90}, make_build_info("go1.19", marked(text)))));
  ASSERT_TRUE(info);
  using Setting = std::pair<std::string, std::string>;
  EXPECT_THAT(info->settings, testing::ElementsAre(Setting("-ldflags", "-X 'a=b' \"c\""),
                                                   Setting("CGO_CFLAGS", "-O2 \"x\""), Setting("odd=key", "1")));
}

TEST(BuildInfo, OfAProgramThatIsNotGoIsNotGoRatherThanBroken) {
  const auto info = read(*open_path("/proc/self/exe"));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().reason, Reason::kNotGo);
}

TEST(BuildInfo, DoesNotTakeAMagicOffItsAlignment) {
  Bytes data(8);
  const Bytes real = make_build_info("go1.19", "");
  data.insert(data.end(), real.begin(), real.end());
  const auto info = read(*open_bytes(make_elf({0x90}, data)));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().reason, Reason::kNotGo);
}

struct DamageCase {
  const char* name;
  Bytes data;
};
class DamagedBuildInfo : public testing::TestWithParam<DamageCase> {};
TEST_P(DamagedBuildInfo, IsAnErrorThatSaysSo) {
  const auto info = read(*open_bytes(make_elf({0x90}, GetParam().data)));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().reason, Reason::kDamaged);
  EXPECT_THAT(describe(info.error()), testing::HasSubstr("made_up"));
}

Bytes changed(Bytes data, std::size_t at, std::uint8_t byte) {
  data.at(at) = byte;
  return data;
}
Bytes shortened(Bytes data, std::size_t size) {
  data.resize(size);
  return data;
}
INSTANTIATE_TEST_SUITE_P(
    Table, DamagedBuildInfo,
    testing::Values(DamageCase{"EndsInHeader", make_build_info_header(8, 2)},
                    DamageCase{"NoLength", shortened(make_build_info("go1.19", ""), 32)},
                    DamageCase{"LengthWithoutEnd", changed(shortened(make_build_info("go1.19", ""), 33), 32, 0x80)},
                    DamageCase{"VersionBeyondEnd", changed(make_build_info("go1.19", ""), 32, 0x7f)},
                    DamageCase{"ModulesCutOff", shortened(make_build_info("go1.19", marked("path\tx\n")), 50)},
                    DamageCase{"PointerToNowhere", changed(by_pointers("go1.17", ""), 20, 0x7f)},
                    DamageCase{"StringOfGreatLength", changed(by_pointers("go1.17", ""), 32 + 8 + 5, 1)},
                    DamageCase{"BigEndian", changed(by_pointers("go1.17", ""), 15, 1)},
                    DamageCase{"PointersOf32Bits", changed(by_pointers("go1.17", ""), 14, 4)}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace poolscope::go

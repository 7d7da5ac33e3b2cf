// A Go program as a whole: what it is, and its functions whatever was stripped from it.
#include "probes/go/go_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using namespace test;
using Reason = GoProgramError::Reason;

Reason reason_of(const elf::ElfFile& file) {
  const auto program = GoProgram::open(file);
  if (program) throw std::runtime_error("was opened");
  EXPECT_THAT(describe(program.error()), testing::HasSubstr(file.display_name()));
  return program.error().reason;
}

Bytes with_version(std::string_view version) {
  Bytes elf = bytes_of(built(Build::kPlain));
  const auto file = open_bytes(elf);
  const FileMemory memory(*file->image());
  const auto info = read_build_info(*file->image(), memory);
  std::string padded(version);
  padded.resize(info->version_text.size(), ' ');
  replace_text(elf, info->version_text, padded);
  return elf;
}

class RealProgram : public testing::TestWithParam<Build> {};
INSTANTIATE_TEST_SUITE_P(Builds, RealProgram, testing::ValuesIn(kPoolBuilds),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(RealProgram, SaysItsVersionAndThatItIsVerified) {
  const auto program = open_program(GetParam());
  EXPECT_EQ(program->version(), (GoVersion{1, 19}));
  EXPECT_TRUE(program->is_verified());
  EXPECT_EQ(program->verification_text(), "");
}

TEST_P(RealProgram, SaysWhetherItHasTheRaceDetector) {
  EXPECT_EQ(open_program(GetParam())->has_race_detector(), GetParam() == Build::kRace);
}

TEST_P(RealProgram, FindsFunctionsByNameAndByAddress) {
  const auto program = open_program(GetParam());
  for (const char* name :
       {"main.main", "sync.(*Pool).Get", "sync.(*Pool).Put", "sync.poolCleanup", "main.init.func1"}) {
    const auto function = program->find_function(name);
    const bool is_named_otherwise = std::string_view(name) == "main.init.func1" && !function;
    if (is_named_otherwise) continue;
    ASSERT_TRUE(function) << name;
    EXPECT_EQ(program->function_at(function->address)->name, name);
    EXPECT_EQ(program->function_at(function->address + function->size_bytes - 1)->name, name);
  }
  EXPECT_FALSE(program->find_function("main.nobody"));
  EXPECT_FALSE(program->function_at(0));
}

TEST_P(RealProgram, KnowsWhereItsTypesAre) {
  const auto program = open_program(GetParam());
  const auto types = program->types();
  ASSERT_TRUE(types);
  const auto* section = program->file().image()->section_named(GetParam() == Build::kPie ? ".data.rel.ro" : ".rodata");
  ASSERT_NE(section, nullptr);
  EXPECT_GE(types->start, section->header.sh_addr);
  EXPECT_LE(types->end, section->header.sh_addr + section->header.sh_size);
}

TEST(GoProgram, FindsTheSameFunctionsWithAndWithoutSymbols) {
  const auto whole = open_program(Build::kPlain);
  Bytes elf = bytes_of(built(Build::kPlain));
  hide_symbol_table(elf);
  const auto bare = open_program(open_bytes(elf));
  for (const char* name : {"main.main", "sync.(*Pool).Get", "bytes.(*Buffer).grow"})
    EXPECT_EQ(whole->find_function(name)->address, bare->find_function(name)->address) << name;
}

TEST(GoProgram, NotesTheRaceDetectorWithoutSettings) {
  Bytes elf = bytes_of(built(Build::kRace));
  replace_text(elf, "build\t-race=true\n", "built\t-race=true\n");
  EXPECT_TRUE(open_program(open_bytes(elf))->has_race_detector());
}

TEST(GoProgram, OfANewerGoIsUsedButUnverified) {
  const auto program = open_program(open_bytes(with_version("go1.22.1")));
  EXPECT_FALSE(program->is_verified());
  EXPECT_THAT(program->verification_text(),
              testing::AllOf(testing::StartsWith("unverified"), testing::HasSubstr("1.22")));
}

TEST(GoProgram, BeforeTheRegisterAbiIsTooOld) {
  EXPECT_EQ(reason_of(*open_bytes(with_version("go1.16.9"))), Reason::kTooOld);
}

TEST(GoProgram, WithoutAVersionIsRefusedAsThat) {
  EXPECT_EQ(reason_of(*open_bytes(with_version("devel +0"))), Reason::kVersionUnknown);
}

TEST(GoProgram, WithoutBuildInformationIsStillGo) {
  Bytes elf = bytes_of(built(Build::kPlain));
  replace_text(elf, "\xff Go buildinf:", "\xff No buildinf:");
  EXPECT_EQ(reason_of(*open_bytes(elf)), Reason::kVersionUnknown);
}

TEST(GoProgram, WithoutFunctionsIsRefused) {
  Bytes elf = bytes_of(built(Build::kStripped));
  const auto file = open_bytes(elf);
  write_at(elf, file->image()->section_named(".gopclntab")->header.sh_addr, std::string(8, '\0'));
  EXPECT_EQ(reason_of(*open_bytes(elf)), Reason::kNoFunctions);
}

TEST(GoProgram, ThatIsNoneIsToldFromABrokenOne) {
  EXPECT_EQ(reason_of(*open_path("/proc/self/exe")), Reason::kNotGo);
}

}  // namespace
}  // namespace poolscope::go

#include "probes/process/proc_text.h"

#include <elf.h>
#include <gtest/gtest.h>

namespace poolscope::process {
namespace {

using namespace std::string_literals;

std::string stat_line(const std::string& command, const std::string& state = "S", int threads = 3,
                      unsigned flags = 4194304) {
  return "4711 (" + command + ") " + state + " 12 4711 4711 0 -1 " + std::to_string(flags) +
         " 100 0 0 0 250 50 0 0 20 -5 " + std::to_string(threads) +
         " 0 98765 1000 200 18446744073709551615 11 22 33 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

TEST(ParseStat, GivesTheNumberedFields) {
  const auto stat = parse_stat(stat_line("redis-server"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 4711);
  EXPECT_EQ(stat->command, "redis-server");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent_pid, 12);
  EXPECT_EQ(stat->flags, 4194304u);
  EXPECT_EQ(stat->user_ticks, 250u);
  EXPECT_EQ(stat->system_ticks, 50u);
  EXPECT_EQ(stat->threads, 3u);
  EXPECT_EQ(stat->start_time_ticks, 98765u);
  EXPECT_EQ(stat->address_space_bytes, 1000u);
  EXPECT_EQ(stat->start_code, 11u);
  EXPECT_EQ(stat->end_code, 22u);
  EXPECT_EQ(stat->start_stack, 33u);
}

struct NamedText {
  const char* name;
  std::string text;
};
template <typename T>
std::string case_name(const testing::TestParamInfo<T>& info) {
  return info.param.name;
}

class ParseStatComm : public testing::TestWithParam<NamedText> {};
TEST_P(ParseStatComm, MayHoldAnything) {
  const auto stat = parse_stat(stat_line(GetParam().text));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->command, GetParam().text);
  EXPECT_EQ(stat->start_time_ticks, 98765u);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseStatComm,
                         testing::Values(NamedText{"Blank", "a b"}, NamedText{"Parentheses", "(sd-pam)"},
                                         NamedText{"Newline", "a\nb"}, NamedText{"Empty", ""},
                                         NamedText{"LooksLikeFields", "x) S 1 1 1"}, NamedText{"Closing", ")"},
                                         NamedText{"Opening", "(("}),
                         case_name<NamedText>);

class ParseStatBad : public testing::TestWithParam<NamedText> {};
TEST_P(ParseStatBad, GivesNothing) {
  EXPECT_FALSE(parse_stat(GetParam().text));
}
INSTANTIATE_TEST_SUITE_P(Table, ParseStatBad,
                         testing::Values(NamedText{"Empty", ""}, NamedText{"NoComm", "1 S 0"},
                                         NamedText{"OnlyComm", "1 (a) "}, NamedText{"Truncated", "1 (a) S 2 3 4 5"},
                                         NamedText{"CloseBeforeOpen", ") 1 (a"},
                                         NamedText{"Letters", "1 (a) S x 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5"},
                                         NamedText{"LongState", stat_line("a", "SS")}),
                         case_name<NamedText>);

TEST(ParseStat, NeedsNothingBehindTheStartTime) {
  const auto stat = parse_stat("1 (a) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->start_time_ticks, 5u);
  EXPECT_EQ(stat->start_stack, 0u);
}

TEST(ParseStat, KnowsAKernelThreadByItsFlag) {
  EXPECT_TRUE(parse_stat(stat_line("kworker/0:1", "I", 1, 69238880))->is_kernel_thread());
  EXPECT_FALSE(parse_stat(stat_line("kworker/0:1"))->is_kernel_thread()) << "the name says nothing";
}

TEST(ParseStat, AZombieMainThreadWithLiveThreadsIsNoZombie) {
  EXPECT_TRUE(parse_stat(stat_line("a", "Z", 1))->is_zombie());
  EXPECT_FALSE(parse_stat(stat_line("a", "Z", 2))->is_zombie());
  EXPECT_FALSE(parse_stat(stat_line("a", "S", 1))->is_zombie());
}

struct SeccompCase {
  const char* name;
  std::string line;
  SeccompMode mode;
};
class ParseStatus : public testing::TestWithParam<SeccompCase> {};
TEST_P(ParseStatus, ReadsTheSeccompMode) {
  const auto status = parse_status("Name:\ta\nTgid:\t7\nNgid:\t0\nPPid:\t3\n" + GetParam().line);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->process_id, 7);
  EXPECT_EQ(status->parent_pid, 3);
  EXPECT_EQ(status->seccomp, GetParam().mode);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseStatus,
                         testing::Values(SeccompCase{"None", "Seccomp:\t0\n", SeccompMode::kNone},
                                         SeccompCase{"Strict", "Seccomp:\t1\n", SeccompMode::kStrict},
                                         SeccompCase{"Filter", "Seccomp:\t2\nSeccomp_filters:\t1\n",
                                                     SeccompMode::kFilter},
                                         SeccompCase{"NotBuiltIn", "", SeccompMode::kNone},
                                         SeccompCase{"NoNewline", "Seccomp:\t2", SeccompMode::kFilter}),
                         case_name<SeccompCase>);

TEST(ParseStatusText, WithoutIdsGivesNothing) {
  EXPECT_FALSE(parse_status(""));
  EXPECT_FALSE(parse_status("Tgid:\t7\n"));
  EXPECT_FALSE(parse_status("Tgid:\tx\nPPid:\t1\n"));
}

TEST(ParseCommandLine, SplitsAtNulAndKeepsEmptyArguments) {
  using List = std::vector<std::string>;
  EXPECT_EQ(parse_command_line(""), List{});
  EXPECT_EQ(parse_command_line("a\0b c\0\0"s), (List{"a", "b c", ""}));
  EXPECT_EQ(parse_command_line("nginx: worker process"), List{"nginx: worker process"});
}

TEST(StripDeleted, TakesOnlyTheSuffix) {
  std::string path = "/a (deleted)/b (deleted)";
  EXPECT_TRUE(strip_deleted(path));
  EXPECT_EQ(path, "/a (deleted)/b");
  EXPECT_FALSE(strip_deleted(path));
}

std::string elf_head(unsigned char elf_class, unsigned char data, std::uint16_t machine) {
  std::string head(kElfHeadBytes, '\0');
  head.replace(0, SELFMAG, ELFMAG);
  head[EI_CLASS] = static_cast<char>(elf_class);
  head[EI_DATA] = static_cast<char>(data);
  head[18] = static_cast<char>(machine & 0xff);
  head[19] = static_cast<char>(machine >> 8);
  return head;
}

TEST(IsX8664Elf, AcceptsThatMachineOnly) {
  EXPECT_TRUE(is_x86_64_elf(elf_head(ELFCLASS64, ELFDATA2LSB, EM_X86_64)));
  EXPECT_FALSE(is_x86_64_elf(elf_head(ELFCLASS32, ELFDATA2LSB, EM_386)));
  EXPECT_FALSE(is_x86_64_elf(elf_head(ELFCLASS32, ELFDATA2LSB, EM_X86_64))) << "x32";
  EXPECT_FALSE(is_x86_64_elf(elf_head(ELFCLASS64, ELFDATA2LSB, EM_AARCH64)));
  EXPECT_FALSE(is_x86_64_elf(elf_head(ELFCLASS64, ELFDATA2LSB, EM_X86_64).substr(0, 19)));
  EXPECT_FALSE(is_x86_64_elf("#!/bin/sh\n# a script that is long enough"));
}

std::string words(std::initializer_list<std::uint64_t> values) {
  std::string text;
  for (const std::uint64_t value : values) text.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return text;
}

TEST(FindAuxv, StopsAtTheEndMark) {
  const std::string text = words({AT_PHDR, 1, AT_ENTRY, 2, AT_NULL, 0, AT_UID, 3});
  EXPECT_EQ(find_auxv(text, AT_ENTRY), 2u);
  EXPECT_EQ(find_auxv(text, AT_UID), std::nullopt);
  EXPECT_EQ(find_auxv(text.substr(0, 31), AT_ENTRY), std::nullopt) << "half an entry";
  EXPECT_EQ(find_auxv("", AT_ENTRY), std::nullopt);
}

TEST(FindAuxv, FindsNothingInThatOfA32BitProgram) {
  EXPECT_EQ(find_auxv(words({AT_ENTRY | 0x8048000ULL << 32, AT_UID | 5ULL << 32}), AT_ENTRY), std::nullopt);
}

TEST(ParseBootTime, TakesTheBtimeLine) {
  EXPECT_EQ(parse_boot_time_seconds("cpu 1 2\nintr 3\nbtime 1700000000\nprocesses 1\n"), 1'700'000'000u);
  EXPECT_EQ(parse_boot_time_seconds("cpu 1\nbtime x\n"), std::nullopt);
  EXPECT_EQ(parse_boot_time_seconds(""), std::nullopt);
}

}  // namespace
}  // namespace poolscope::process

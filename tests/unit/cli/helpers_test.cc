// Durations, progress lines, terminal decisions, output files.

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/duration.h"
#include "agent/cli/input.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/cli/terminal.h"
#include "tests/unit/cli/program.h"

namespace poolscope::cli {
namespace {

using namespace std::chrono_literals;
using cli_test::read_file;
using cli_test::TemporaryDirectory;
using std::chrono::nanoseconds;
using testing::ElementsAre;
using testing::HasSubstr;

struct DurationCase {
  const char* name;
  const char* text;
  std::optional<nanoseconds> duration;
};
class ParseDuration : public testing::TestWithParam<DurationCase> {};

TEST_P(ParseDuration, GivesADurationOrSaysWhatItWants) {
  const auto parsed = parse_duration(GetParam().text);
  ASSERT_EQ(parsed.has_value(), GetParam().duration.has_value());
  if (parsed) {
    EXPECT_EQ(*parsed, *GetParam().duration);
  } else {
    EXPECT_THAT(parsed.error(), HasSubstr("`" + std::string(GetParam().text) + "`"));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, ParseDuration,
    testing::Values(DurationCase{"Seconds", "12s", 12s}, DurationCase{"Milliseconds", "500ms", 500ms},
                    DurationCase{"Microseconds", "3us", 3us}, DurationCase{"Nanoseconds", "7ns", 7ns},
                    DurationCase{"Minutes", "2m", 120s}, DurationCase{"Hours", "1000h", 1000h},
                    DurationCase{"Fraction", "1.5s", 1500ms}, DurationCase{"Sum", "1m30s", 90s},
                    DurationCase{"Zero", "0s", 0s}, DurationCase{"NoUnit", "12", std::nullopt},
                    DurationCase{"NoNumber", "s", std::nullopt}, DurationCase{"Empty", "", std::nullopt},
                    DurationCase{"Negative", "-1s", std::nullopt}, DurationCase{"Blank", "1 s", std::nullopt},
                    DurationCase{"Rest", "1s2", std::nullopt}, DurationCase{"Unknown", "1d", std::nullopt},
                    DurationCase{"Infinite", "infs", std::nullopt}, DurationCase{"Nan", "nans", std::nullopt},
                    DurationCase{"TooLong", "1001h", std::nullopt},
                    DurationCase{"TooLongSum", "999h999h", std::nullopt}),
    [](const auto& info) { return info.param.name; });

struct FormatCase {
  const char* name;
  nanoseconds duration;
  const char* text;
};
class FormatDuration : public testing::TestWithParam<FormatCase> {};

TEST_P(FormatDuration, HasTheTwoLargestUnits) {
  EXPECT_EQ(format_duration(GetParam().duration), GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(Table, FormatDuration,
                         testing::Values(FormatCase{"Zero", 0ns, "0 ns"}, FormatCase{"Nano", 999ns, "999 ns"},
                                         FormatCase{"Micro", 120us, "120 µs"}, FormatCase{"Milli", 500ms, "500 ms"},
                                         FormatCase{"Second", 1s, "1 s"}, FormatCase{"BelowMinute", 59s, "59 s"},
                                         FormatCase{"Minute", 60s, "1 min"}, FormatCase{"Minutes", 125s, "2 min 5 s"},
                                         FormatCase{"Hours", 100min, "1 h 40 min"}),
                         [](const auto& info) { return info.param.name; });

TEST(ProgressText, SaysElapsedLeftAndWhatItWaitsFor) {
  EXPECT_EQ(progress_text("attach redis", 12400ms, 30s, "7 more bursts"),
            "attach redis: 12 s of 30 s, 18 s left; waiting for 7 more bursts");
}

TEST(ProgressText, SaysNothingOfWhatIsLeftWhenNobodyKnows) {
  EXPECT_EQ(progress_text("fetch", 3s, std::nullopt, ""), "fetch: 3 s");
}

TEST(ProgressText, NeverCountsBelowZero) {
  EXPECT_THAT(progress_text("attach", 31s, 30s, "the last burst"), HasSubstr("0 ns left"));
}

TEST(Printable, ReplacesControlCharactersAndCuts) {
  EXPECT_EQ(printable("a\x1b[2J\nb", 100), "a?[2J?b");
  EXPECT_EQ(printable("abcdef", 3), "abc");
}

TEST(Printable, KeepsCharactersWhole) {
  EXPECT_EQ(printable("1 µs", 4), "1 µ");
  EXPECT_EQ(printable("1 µs", 3), "1 ");
}

TEST(Printable, ReplacesControlCharactersThatTakeTwoBytes) {
  EXPECT_EQ(printable("a\xC2\x9B"
                      "2Jµ",
                      100),
            "a??2Jµ");
}

TEST(UseColour, IsOffWhereStdoutIsNoTerminal) {
  const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  EXPECT_FALSE(use_colour(fd));
  ::close(fd);
}

class WriteOutput : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(WriteOutput, MakesANewFile) {
  ASSERT_TRUE(write_output(directory_.path("a.txt"), "text").has_value());
  EXPECT_EQ(read_file(directory_.path("a.txt")), "text");
}

TEST_F(WriteOutput, ReplacesAFileAndKeepsItsMode) {
  directory_.write("a.txt", "a longer text that was there before");
  ASSERT_EQ(::chmod(directory_.path("a.txt").c_str(), 0600), 0);
  ASSERT_TRUE(write_output(directory_.path("a.txt"), "new").has_value());
  struct stat status {};
  ASSERT_EQ(::stat(directory_.path("a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(read_file(directory_.path("a.txt")), "new");
}

TEST_F(WriteOutput, LeavesNoOtherFileBehind) {
  ASSERT_TRUE(write_output(directory_.path("a.txt"), "text").has_value());
  EXPECT_THAT(directory_.names(), ElementsAre("a.txt"));
}

TEST_F(WriteOutput, FollowsALink) {
  directory_.write("real.txt", "old");
  std::filesystem::create_symlink("real.txt", directory_.path("link.txt"));
  ASSERT_TRUE(write_output(directory_.path("link.txt"), "new").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(directory_.path("link.txt")));
  EXPECT_EQ(read_file(directory_.path("real.txt")), "new");
}

TEST_F(WriteOutput, WritesToADeviceWithoutReplacingIt) {
  ASSERT_TRUE(write_output("/dev/null", "text").has_value());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(WriteOutput, TellsOfAFullDisk) {
  const auto written = write_output("/dev/full", "text");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error(), "cannot write /dev/full: No space left on device");
}

// Writing beyond `bytes` fails as on a full disk, in the middle of the text.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_before_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_before_)(int) = SIG_DFL;
};

TEST_F(WriteOutput, LeavesTheOldFileAndNoHalfOneWhenTheDiskIsFullHalfway) {
  directory_.write("a.txt", "old");
  {
    const FileSizeLimit limit(4);
    const auto written = write_output(directory_.path("a.txt"), "a longer text");
    ASSERT_FALSE(written.has_value());
    EXPECT_THAT(written.error(), HasSubstr("a.txt: File too large"));
  }
  EXPECT_EQ(read_file(directory_.path("a.txt")), "old");
  EXPECT_THAT(directory_.names(), ElementsAre("a.txt"));
}

TEST_F(WriteOutput, TellsOfAMissingDirectory) {
  const auto written = write_output(directory_.path("none/a.txt"), "text");
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error(), HasSubstr("none/a.txt: No such file or directory"));
}

TEST_F(WriteOutput, RefusesADirectory) {
  const auto written = write_output(directory_.path("."), "text");
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error(), HasSubstr("Is a directory"));
}

TEST(ReadInput, RefusesWhatIsTooLarge) {
  const TemporaryDirectory directory;
  directory.write("big", std::string((1 << 20) + 1, 'x'));
  const auto text = read_input(directory.path("big"), 1 << 20);
  ASSERT_FALSE(text.has_value());
  EXPECT_THAT(text.error(), HasSubstr("larger than 1 MiB"));
}

TEST(ReadInput, TellsWhyAFileCannotBeRead) {
  EXPECT_EQ(read_input("/", 1 << 20).error(), "cannot read /: Is a directory");
}

}  // namespace
}  // namespace poolscope::cli

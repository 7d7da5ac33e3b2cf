// What a recorder leaves in files.
#include "exporters/recording/recorder.h"

#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/recording/make_recording.h"
#include "tests/unit/recording/memory_source.h"

namespace poolscope::recording {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using testing::lines_of;
using testing::moment_at;
using testing::open_bytes;
using testing::record_seconds;
using ::testing::SizeIs;
using testing::status_at;
using testing::stratum_until;

class Recording : public ::testing::Test {
 protected:
  std::unique_ptr<Recorder> start(const FileLimits& limits = {}) {
    auto recorder = Recorder::create(folder_.path("r"), limits);
    EXPECT_TRUE(recorder) << recorder.error();
    return recorder ? std::move(*recorder) : nullptr;
  }
  Reader open(const std::string& name = "r") {
    auto reader = open_bytes(folder_.read(name));
    EXPECT_TRUE(reader) << reader.error();
    return std::move(*reader);
  }

  Folder folder_;
};

TEST_F(Recording, GivesBackWhatWasTakenInItsOrder) {
  auto recorder = start();
  recorder->take(1, stratum_until(1));
  recorder->take(2, stratum_until(2));
  recorder->take(moment_at(3));
  recorder->close();
  Reader reader = open();
  EXPECT_THAT(lines_of(reader),
              ElementsAre(to_line(1, stratum_until(1)), to_line(2, stratum_until(2)), to_line(moment_at(3))));
  EXPECT_EQ(reader.remark(), "");
}

TEST_F(Recording, ClosesAChunkAtAMomentTenSecondsAfterItsBeginning) {
  auto recorder = start();
  record_seconds(*recorder, 1, 10);
  EXPECT_EQ(folder_.read("r").size(), kFileHeaderBytes);
  record_seconds(*recorder, 11, 11);
  EXPECT_GT(folder_.read("r").size(), kFileHeaderBytes) << "what a snapshot saw is safe from now on";
  record_seconds(*recorder, 12, 35);
  recorder->close();
  EXPECT_THAT(open().chunks(), SizeIs(4));
}

TEST_F(Recording, SaysOfWhichTimeAChunkIs) {
  auto recorder = start();
  record_seconds(*recorder, 1, 25);
  recorder->close();
  const Reader reader = open();
  EXPECT_EQ(reader.chunks()[0].header.first_unix_ns, moment_at(1).time_unix_ns);
  EXPECT_EQ(reader.chunks()[0].header.last_unix_ns, moment_at(11).time_unix_ns);
  EXPECT_EQ(reader.chunks()[1].header.first_unix_ns, moment_at(11).time_unix_ns);
  EXPECT_EQ(reader.chunks()[1].header.last_unix_ns, moment_at(21).time_unix_ns);
  EXPECT_EQ(reader.chunks()[2].header.last_unix_ns, moment_at(25).time_unix_ns);
  EXPECT_EQ(reader.chunks()[2].header.unix_less_monotonic_ns, testing::kBootUnixNs);
}

TEST_F(Recording, BeginsEveryLaterChunkWithTheState) {
  auto recorder = start();
  record_seconds(*recorder, 1, 25);
  recorder->close();
  const Reader reader = open();
  for (std::size_t i = 1; i < reader.chunks().size(); ++i) EXPECT_EQ(reader.chunks()[i].header.flags, kBeginsWithState);
}

TEST_F(Recording, HasAStatusOnceUntilItChanges) {
  auto recorder = start();
  recorder->take(1, status_at(1));
  recorder->take(1, status_at(2));
  recorder->take(1, status_at(3, "renamed"));
  recorder->take(2, status_at(4));
  recorder->close();
  Reader reader = open();
  EXPECT_THAT(lines_of(reader),
              ElementsAre(to_line(1, status_at(1)), to_line(1, status_at(3, "renamed")), to_line(2, status_at(4))));
}

TEST_F(Recording, IsNotForEverybody) {
  auto recorder = start();
  struct stat status {};
  ASSERT_EQ(::stat(folder_.path("r").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Recording, KeepsTheOneThatWasThere) {
  for (std::uint64_t second = 1; second <= 3; ++second) {
    auto recorder = start();
    record_seconds(*recorder, second, second);
  }
  EXPECT_EQ(open("r").chunks().front().header.last_unix_ns, moment_at(3).time_unix_ns);
  EXPECT_EQ(open("r.1").chunks().front().header.last_unix_ns, moment_at(2).time_unix_ns);
  EXPECT_EQ(open("r.2").chunks().front().header.last_unix_ns, moment_at(1).time_unix_ns);
}

TEST_F(Recording, TouchesNoFileThatIsNoRecording) {
  folder_.write("r", "precious");
  const auto recorder = Recorder::create(folder_.path("r"));
  ASSERT_FALSE(recorder);
  EXPECT_THAT(recorder.error(), HasSubstr("is no recording of poolscope"));
  EXPECT_EQ(folder_.read("r"), "precious");
}

TEST_F(Recording, TakesAnEmptyFile) {
  folder_.write("r", "");
  EXPECT_NE(start(), nullptr);
}

TEST_F(Recording, SaysWhyItCannotBegin) {
  const auto recorder = Recorder::create(folder_.path("none/r"));
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error(), "cannot record to " + folder_.path("none/r") + ": No such file or directory");
}

TEST_F(Recording, MovesOnToANewFileWhenOneIsFull) {
  auto recorder = start({.file_bytes = 1, .files = 3});
  record_seconds(*recorder, 1, 60);
  recorder->close();
  EXPECT_TRUE(folder_.has("r.1"));
  EXPECT_TRUE(folder_.has("r.2"));
  EXPECT_FALSE(folder_.has("r.3")) << "three were asked for";
  Reader older = open("r.1");
  EXPECT_EQ(older.remark(), "") << "a file that is full has its index";
  EXPECT_EQ(older.chunks().front().header.flags, kBeginsWithState);
}

TEST_F(Recording, ClosesAChunkThatIsFullBetweenMoments) {
  auto recorder = start();
  model::StratumRecord large;
  large.missing.assign(1 << 20, 'x');
  for (int i = 0; i < 9; ++i) recorder->take(1, large);
  recorder->close();
  Reader reader = open();
  EXPECT_THAT(reader.chunks(), SizeIs(3));
  EXPECT_THAT(lines_of(reader), SizeIs(9));
}

TEST_F(Recording, LeavesOutARecordThatNobodyWouldRead) {
  auto recorder = start();
  model::StratumRecord large;
  large.missing.assign(kMaxLineBytes, 'x');
  recorder->take(1, large);
  EXPECT_THAT(recorder->take_problem().value_or(""), HasSubstr("too large"));
  recorder->take(1, stratum_until(1));
  recorder->close();
  Reader reader = open();
  EXPECT_THAT(lines_of(reader), ElementsAre(to_line(1, stratum_until(1))));
}

// A full disk, as far as one process has it.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(Recording, GoesOnAfterADiskWasFull) {
  auto recorder = start();
  record_seconds(*recorder, 1, 11);
  {
    const FileSizeLimit limit(folder_.read("r").size() + 20);
    record_seconds(*recorder, 12, 21);
  }
  EXPECT_EQ(recorder->take_problem(), "cannot write to " + folder_.path("r") + ": File too large");
  EXPECT_EQ(recorder->take_problem(), std::nullopt) << "told once";
  record_seconds(*recorder, 22, 31);
  recorder->close();
  Reader reader = open();
  EXPECT_THAT(reader.chunks(), SizeIs(3)) << "the second one is missing, the third and what is left are there";
  EXPECT_EQ(reader.remark(), "");
  EXPECT_THAT(lines_of(reader), Contains(to_line(moment_at(31))));
}

}  // namespace
}  // namespace poolscope::recording

// Recordings that were cut or damaged, or were never ones.
#include "exporters/recording/reader.h"

#include <algorithm>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/recording/make_recording.h"
#include "tests/unit/recording/memory_source.h"

namespace poolscope::recording {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using testing::lines_of;
using testing::open_bytes;
using ::testing::SizeIs;

// Three chunks and an index.
class AFile : public ::testing::Test {
 protected:
  AFile() {
    const Folder folder;
    auto recorder = Recorder::create(folder.path("r"));
    for (const std::uint64_t second : {1, 11, 21, 25}) testing::record_seconds(**recorder, second, second);
    (*recorder)->close();
    bytes_ = folder.read("r");
    auto reader = open_bytes(bytes_);
    chunks_ = reader->chunks();
    lines_ = lines_of(*reader);
  }
  [[nodiscard]] std::uint64_t end_of_chunks() const {
    return chunks_.back().offset + kChunkHeaderBytes + chunks_.back().header.compressed_bytes;
  }
  [[nodiscard]] std::string without_index() const { return bytes_.substr(0, end_of_chunks()); }

  std::string bytes_;
  std::vector<ChunkPlace> chunks_;
  std::vector<std::string> lines_;
};

TEST_F(AFile, HasThreeChunks) {
  EXPECT_THAT(chunks_, SizeIs(3));
}

TEST_F(AFile, IsReadWithoutItsIndex) {
  auto reader = open_bytes(without_index());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->chunks(), chunks_);
  EXPECT_EQ(lines_of(*reader), lines_);
  EXPECT_EQ(reader->remark(), "");
}

TEST_F(AFile, CutAtAnyByteOpensUpToTheLastWholeChunk) {
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    const auto whole = static_cast<std::size_t>(std::ranges::count_if(chunks_, [&](const auto& chunk) {
      return chunk.offset + kChunkHeaderBytes + chunk.header.compressed_bytes <= size;
    }));
    auto reader = open_bytes(bytes_.substr(0, size));
    ASSERT_EQ(reader.has_value(), whole > 0) << size;
    if (!reader) continue;
    ASSERT_THAT(reader->chunks(), SizeIs(whole)) << size;
    const auto lines = lines_of(*reader);
    ASSERT_TRUE(std::equal(lines.begin(), lines.end(), lines_.begin())) << size;
    const auto& last = reader->chunks().back();
    const std::uint64_t left = size - (last.offset + kChunkHeaderBytes + last.header.compressed_bytes);
    const std::string remark =
        left == 0 ? "" : "the last " + std::to_string(left) + " bytes are no whole chunk, they are left out";
    ASSERT_EQ(reader->remark(), remark) << size;
  }
}

TEST_F(AFile, NeverTellsALineThatWasNotWrittenWhereverABitIsWrong) {
  for (const std::string& file : {bytes_, without_index()}) {
    for (std::size_t i = 0; i < file.size(); ++i) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << i % 8));
      auto reader = open_bytes(damaged);
      if (!reader) continue;
      ASSERT_THAT(lines_of(*reader), IsSubsetOf(lines_)) << i;
    }
  }
}

TEST_F(AFile, WithADamagedChunkHasTheOthers) {
  std::string damaged = bytes_;
  damaged[chunks_[1].offset + kChunkHeaderBytes + 10] ^= 1;
  auto reader = open_bytes(damaged);
  ASSERT_TRUE(reader);
  EXPECT_LT(lines_of(*reader).size(), lines_.size());
  EXPECT_EQ(reader->damaged_chunks(), 1u);
  EXPECT_EQ(reader->remark(), "1 damaged chunks are left out");
}

TEST_F(AFile, SkipsFramesOfALaterVersion) {
  const std::string later("\x5F\x2A\x4D\x18\x03\x00\x00\x00new", 11);
  auto reader = open_bytes(file_header() + later + without_index().substr(kFileHeaderBytes));
  ASSERT_TRUE(reader);
  EXPECT_EQ(lines_of(*reader), lines_);
}

TEST_F(AFile, OfAnotherFormatIsRefused) {
  bytes_[kFileHeaderBytes - 4] = 9;
  const auto reader = open_bytes(bytes_);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error(),
            "the file is a recording of format 9, this poolscope reads format 1; use the poolscope that wrote it");
}

TEST(ReaderOfLines, CountsKindsThatItDoesNotKnow) {
  ChunkHeader header;
  const auto chunk =
      pack_chunk(header, "{\"kind\":\"dream\",\"target\":1,\"record\":{}}\n" + to_line(testing::moment_at(1)) + "\n");
  ASSERT_TRUE(chunk);
  auto reader = open_bytes(file_header() + *chunk);
  ASSERT_TRUE(reader);
  EXPECT_THAT(lines_of(*reader), SizeIs(1));
  EXPECT_EQ(reader->unknown_lines(), 1u);
  EXPECT_THAT(reader->remark(), HasSubstr("1 records are of a kind"));
}

TEST(ReaderOfOtherFiles, SaysThatTheyAreNoRecording) {
  for (const std::string& bytes : {std::string(), std::string("{\"schema_version\":1}"), std::string(1000, '\0')}) {
    const auto reader = open_bytes(bytes);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error(), "the file is no recording of poolscope");
  }
}

TEST(ReaderOfOtherFiles, SaysWhenNothingIsInItYet) {
  const auto reader = open_bytes(file_header());
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error(), HasSubstr("holds nothing yet"));
}

TEST(ReaderOfOtherFiles, DoesNotWaitForAPipe) {
  const Folder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(is_recording(folder.path("pipe")));
  EXPECT_FALSE(is_recording(folder.path("none")));
}

// What it says of its text is not believed.
TEST(ReaderOfChunks, RefusesTextThatIsLongerThanItSays) {
  ChunkHeader header;
  const auto chunk = pack_chunk(header, std::string(1000, '\n'));
  ASSERT_TRUE(chunk);
  const std::string compressed = chunk->substr(kChunkHeaderBytes);
  EXPECT_TRUE(unpack_text(header, compressed));
  --header.text_bytes;
  EXPECT_FALSE(unpack_text(header, compressed));
}

}  // namespace
}  // namespace poolscope::recording

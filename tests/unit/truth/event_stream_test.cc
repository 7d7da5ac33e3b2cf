// Files of event_recorder, written here byte by byte: what is read from good ones, and what is said of damaged ones.

#include "tests/truth/event_stream.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/truth/event_file.h"

namespace poolscope::truth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Records of one thread; addresses and sites stay small and grow, so that changes are positive.
class Chunk {
 public:
  Chunk(std::uint64_t start_ns, std::uint32_t tid) : header_{start_ns, tid, 0} {}

  Chunk& allocate(std::uint64_t dt_ns, std::uint64_t address, std::uint64_t bytes) {
    put_varint(records_, dt_ns << 2 | EVENT_MALLOC);
    put_change(address);
    put_varint(records_, bytes);
    put_varint(records_, 0);
    return *this;
  }
  Chunk& reallocate(std::uint64_t dt_ns, std::uint64_t old_address, std::uint64_t address, std::uint64_t bytes) {
    put_varint(records_, dt_ns << 2 | EVENT_REALLOC);
    put_change(old_address);
    put_change(address);
    put_varint(records_, bytes);
    put_varint(records_, 0);
    return *this;
  }
  Chunk& free(std::uint64_t dt_ns, std::uint64_t address) {
    put_varint(records_, dt_ns << 2 | EVENT_FREE);
    put_change(address);
    return *this;
  }
  Chunk& raw(const std::string& bytes) {
    records_ += bytes;
    return *this;
  }

  [[nodiscard]] std::string bytes() const {
    event_chunk_header header = header_;
    header.used_bytes = used_bytes_.value_or(static_cast<std::uint32_t>(records_.size()));
    std::string all(reinterpret_cast<const char*>(&header), sizeof header);
    all += records_;
    all.resize(EVENT_CHUNK_BYTES);
    return all;
  }
  std::optional<std::uint32_t> used_bytes_;

 private:
  void put_change(std::uint64_t address) {
    const auto change = static_cast<std::int64_t>(address - address_);
    put_varint(records_, (static_cast<std::uint64_t>(change) << 1) ^ static_cast<std::uint64_t>(change >> 63));
    address_ = address;
  }

  event_chunk_header header_;
  std::string records_;
  std::uint64_t address_ = 0;
};

class EventFileTest : public testing::Test {
 protected:
  EventFileTest() : path_(testing::TempDir() + "poolscope-events." + std::to_string(::getpid())) {}
  ~EventFileTest() override { std::filesystem::remove(path_); }

  void write(const std::vector<Chunk>& chunks) {
    event_file_header header{};
    std::memcpy(header.magic, EVENT_FILE_MAGIC, sizeof header.magic);
    header.start_ns = 1000;
    header.cost_ns_x16 = 16 * 20;
    header.chunks = header.claimed_chunks = chunks.size();
    std::string all(reinterpret_cast<const char*>(&header), sizeof header);
    all.resize(EVENT_CHUNK_BYTES);
    for (const Chunk& chunk : chunks) all += chunk.bytes();
    write_bytes(all);
  }
  void write_bytes(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  [[nodiscard]] std::string error() const {
    const auto read = read_events(path_);
    return read ? "no error" : describe(read.error());
  }

  std::string path_;
};

TEST_F(EventFileTest, GivesLivesAcrossReallocations) {
  write({Chunk(2000, 7).allocate(10, 64, 100).reallocate(5, 64, 80, 300).free(20, 80)});
  const auto read = read_events(path_);
  ASSERT_TRUE(read);
  const EventStream& stream = read.value();
  ASSERT_EQ(stream.lives.size(), 1u);
  EXPECT_EQ(stream.lives[0].born_ns, 2010u);
  EXPECT_EQ(stream.lives[0].died_ns, 2035u);
  EXPECT_EQ(stream.lives[0].bytes, 300u);
  EXPECT_EQ(stream.events.size(), 3u);
  EXPECT_EQ(stream.cost_ns, 20);
}

TEST_F(EventFileTest, PutsThreadsTogetherByTime) {
  write({Chunk(2000, 7).allocate(10, 64, 1).allocate(100, 72, 3), Chunk(2000, 8).allocate(50, 80, 2)});
  const auto read = read_events(path_);
  ASSERT_TRUE(read);
  std::vector<std::uint64_t> sizes, threads;
  for (const Event& event : read.value().events) {
    sizes.push_back(event.bytes);
    threads.push_back(event.thread);
  }
  EXPECT_THAT(sizes, ElementsAre(1, 2, 3));
  EXPECT_THAT(threads, ElementsAre(0, 1, 0));
}

TEST_F(EventFileTest, EndsALifeWhoseAddressIsUsedAgain) {
  write({Chunk(2000, 7).allocate(10, 64, 1).allocate(10, 64, 1)});
  const auto read = read_events(path_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().lives[0].died_ns, 2020u);
  EXPECT_EQ(read.value().lives[1].died_ns, kNever);
}

TEST_F(EventFileTest, LeavesObjectsUnknownThatAreOlder) {
  write({Chunk(2000, 7).free(10, 64)});
  const auto read = read_events(path_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().events[0].object, kUnknownObject);
}

TEST_F(EventFileTest, IsReadUpToTheLastChunkThatIsThere) {
  write({Chunk(2000, 7).allocate(10, 64, 1), Chunk(3000, 7).allocate(10, 72, 1)});
  std::filesystem::resize_file(path_, 2 * EVENT_CHUNK_BYTES);
  const auto read = read_events(path_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().events.size(), 1u);
}

TEST_F(EventFileTest, ThatIsNoneSaysSo) {
  EXPECT_THAT(error(), HasSubstr("cannot be opened"));
  write_bytes("short");
  EXPECT_THAT(error(), HasSubstr("is shorter than its header"));
  write_bytes(std::string(1000, 'x'));
  EXPECT_THAT(error(), HasSubstr("is no event file"));
}

TEST_F(EventFileTest, WithADamagedRecordNamesThePlace) {
  write({Chunk(2000, 7).allocate(10, 64, 1).raw("\xff")});
  EXPECT_THAT(error(), HasSubstr("has a damaged record behind event 1"));
}

TEST_F(EventFileTest, WithAChunkThatIsTooLongIsRefused) {
  Chunk chunk(2000, 7);
  chunk.used_bytes_ = EVENT_CHUNK_BYTES;
  write({chunk});
  EXPECT_THAT(error(), HasSubstr("longer than a chunk can be"));
}

TEST(EventStream, WithoutRecordingCostEventsComeEarlierUntilTheThreadWaits) {
  EventStream stream;
  stream.cost_ns = 100;
  stream.add_allocation(1000, 0, 8);
  stream.add_free(2000, 0, 0);
  stream.add_allocation(2000 + stream.wait_ns, 0, 8);
  const EventStream corrected = without_recording_cost(stream);
  EXPECT_EQ(corrected.events[0].time_ns, 900u);
  EXPECT_EQ(corrected.events[1].time_ns, 1800u);
  EXPECT_EQ(corrected.events[2].time_ns, 1900 + stream.wait_ns);
  EXPECT_EQ(corrected.lives[0].died_ns - corrected.lives[0].born_ns, 900u);
}

}  // namespace
}  // namespace poolscope::truth

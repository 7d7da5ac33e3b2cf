#include "tests/truth/event_stream.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_map>

#include "tests/truth/event_file.h"

namespace poolscope::truth {
namespace {

constexpr std::uint64_t kMaxThreads = std::numeric_limits<std::uint16_t>::max();

// A record as it stands in the file.
struct Raw {
  std::uint64_t time_ns = 0;
  unsigned op = 0;
  std::uint64_t address = 0, old_address = 0, bytes = 0;
};

class ChunkReader {
 public:
  ChunkReader(std::vector<unsigned char> bytes, const event_chunk_header& header)
      : bytes_(std::move(bytes)), time_ns_(header.start_ns), tid_(header.tid) {}

  [[nodiscard]] std::uint32_t tid() const { return tid_; }
  [[nodiscard]] const Raw& current() const { return raw_; }
  [[nodiscard]] bool damaged() const { return damaged_; }

  // False at the end, or where a record does not fit (damaged()).
  bool next() {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t first = take();
    time_ns_ += first >> 2;
    raw_ = {time_ns_, static_cast<unsigned>(first & 3), 0, 0, 0};
    if (raw_.op == EVENT_REALLOC) raw_.old_address = change(address_);
    raw_.address = change(address_);
    if (raw_.op != EVENT_FREE) {
      raw_.bytes = take();
      (void)change(site_);
    }
    return !damaged_;
  }

 private:
  std::uint64_t take() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) break;
      const unsigned char byte = bytes_[at_++];
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    damaged_ = true;
    return 0;
  }
  std::uint64_t change(std::uint64_t& last) {
    const std::uint64_t zigzag = take();
    return last += zigzag >> 1 ^ (0 - (zigzag & 1));
  }

  std::vector<unsigned char> bytes_;
  std::size_t at_ = 0;
  std::uint64_t time_ns_, address_ = 0, site_ = 0;
  std::uint32_t tid_;
  Raw raw_;
  bool damaged_ = false;
};

// The file, and its chunks in the order of their start.
class EventFile {
 public:
  std::optional<std::string> open(const std::string& path) {
    file_.open(path, std::ios::binary);
    if (!file_) return "cannot be opened";
    if (!file_.read(reinterpret_cast<char*>(&header_), sizeof header_)) return "is shorter than its header";
    if (std::memcmp(header_.magic, EVENT_FILE_MAGIC, sizeof header_.magic) != 0) return "is no event file";
    file_.seekg(0, std::ios::end);
    const auto in_file = static_cast<std::uint64_t>(file_.tellg()) / EVENT_CHUNK_BYTES;
    const std::uint64_t chunks = std::min({header_.claimed_chunks, header_.chunks, in_file});
    for (std::uint64_t i = 1; i <= chunks; ++i) {
      event_chunk_header chunk;
      if (!read_at(i * EVENT_CHUNK_BYTES, &chunk, sizeof chunk)) break;
      if (chunk.used_bytes > EVENT_CHUNK_BYTES - sizeof chunk) return "has a chunk that is longer than a chunk can be";
      if (chunk.used_bytes > 0) order_.push_back({chunk, i});
    }
    std::ranges::stable_sort(order_, {}, [](const Chunk& chunk) { return chunk.header.start_ns; });
    return std::nullopt;
  }

  [[nodiscard]] const event_file_header& header() const { return header_; }
  [[nodiscard]] std::optional<std::uint64_t> next_start_ns() const {
    if (opened_ == order_.size()) return std::nullopt;
    return order_[opened_].header.start_ns;
  }
  std::unique_ptr<ChunkReader> open_next() {
    const Chunk& chunk = order_[opened_++];
    std::vector<unsigned char> bytes(chunk.header.used_bytes);
    if (!read_at(chunk.index * EVENT_CHUNK_BYTES + sizeof chunk.header, bytes.data(), bytes.size())) bytes.clear();
    return std::make_unique<ChunkReader>(std::move(bytes), chunk.header);
  }

 private:
  struct Chunk {
    event_chunk_header header;
    std::uint64_t index;
  };
  bool read_at(std::uint64_t offset, void* to, std::size_t bytes) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes)));
  }

  std::ifstream file_;
  event_file_header header_{};
  std::vector<Chunk> order_;
  std::size_t opened_ = 0;
};

// Puts the threads together: earliest record first.
class Merger {
 public:
  explicit Merger(EventFile& file) : file_(file) {}

  // Nothing at the end or at a damaged record.
  std::optional<std::pair<Raw, std::uint32_t>> next() {
    if (last_ && !damaged_ && last_->next()) push(std::move(last_));
    if (last_ && last_->damaged()) damaged_ = true;
    while (const auto start_ns = file_.next_start_ns()) {
      if (!queue_.empty() && queue_.top().time_ns < *start_ns) break;
      auto chunk = file_.open_next();
      if (chunk->next()) {
        push(std::move(chunk));
      } else {
        damaged_ |= chunk->damaged();
      }
    }
    if (queue_.empty() || damaged_) return std::nullopt;
    last_ = std::move(open_[queue_.top().slot]);
    free_slots_.push_back(queue_.top().slot);
    queue_.pop();
    return std::pair(last_->current(), last_->tid());
  }
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  struct Entry {
    std::uint64_t time_ns;
    std::size_t slot;
    bool operator<(const Entry& other) const { return time_ns > other.time_ns; }
  };
  void push(std::unique_ptr<ChunkReader> chunk) {
    if (free_slots_.empty()) {
      free_slots_.push_back(open_.size());
      open_.emplace_back();
    }
    const std::size_t slot = free_slots_.back();
    free_slots_.pop_back();
    queue_.push({chunk->current().time_ns, slot});
    open_[slot] = std::move(chunk);
  }

  EventFile& file_;
  std::priority_queue<Entry> queue_;
  std::vector<std::unique_ptr<ChunkReader>> open_;
  std::vector<std::size_t> free_slots_;
  std::unique_ptr<ChunkReader> last_;
  bool damaged_ = false;
};

// Turns addresses into objects.
class Builder {
 public:
  explicit Builder(EventStream& stream) : stream_(stream) {}

  void add(const Raw& raw, std::uint32_t tid) {
    const std::uint16_t thread = number_of(tid);
    if (raw.op == EVENT_FREE) {
      stream_.add_free(raw.time_ns, thread, take(raw.address));
    } else if (raw.op == EVENT_REALLOC) {
      const std::uint32_t object = take(raw.old_address);
      end_forgotten(raw.address, raw.time_ns);
      stream_.add_reallocation(raw.time_ns, thread, object, raw.bytes);
      if (object != kUnknownObject) objects_[raw.address] = object;
    } else {
      end_forgotten(raw.address, raw.time_ns);
      objects_[raw.address] = static_cast<std::uint32_t>(stream_.lives.size());
      stream_.add_allocation(raw.time_ns, thread, raw.bytes);
    }
  }

 private:
  // The object at the address, which is gone from there afterwards.
  std::uint32_t take(std::uint64_t address) {
    const auto found = objects_.find(address);
    if (found == objects_.end()) return kUnknownObject;
    const std::uint32_t object = found->second;
    objects_.erase(found);
    return object;
  }
  // An object whose free was not seen (called in a way that the recorder does not see) ends when its address is used again.
  void end_forgotten(std::uint64_t address, std::uint64_t time_ns) {
    if (const std::uint32_t object = take(address); object != kUnknownObject) stream_.lives[object].died_ns = time_ns;
  }
  std::uint16_t number_of(std::uint32_t tid) {
    const auto number = static_cast<std::uint16_t>(std::min<std::uint64_t>(threads_.size(), kMaxThreads));
    return threads_.try_emplace(tid, number).first->second;
  }

  EventStream& stream_;
  std::unordered_map<std::uint64_t, std::uint32_t> objects_;
  std::map<std::uint32_t, std::uint16_t> threads_;
};

}  // namespace

void EventStream::add_allocation(std::uint64_t time_ns, std::uint16_t thread, std::uint64_t bytes) {
  events.push_back({time_ns, bytes, static_cast<std::uint32_t>(lives.size()), thread, Op::kAllocate});
  lives.push_back({time_ns, kNever, bytes, thread});
}

void EventStream::add_free(std::uint64_t time_ns, std::uint16_t thread, std::uint32_t object) {
  events.push_back({time_ns, 0, object, thread, Op::kFree});
  if (object != kUnknownObject) lives[object].died_ns = time_ns;
}

void EventStream::add_reallocation(std::uint64_t time_ns, std::uint16_t thread, std::uint32_t object,
                                   std::uint64_t bytes) {
  events.push_back({time_ns, bytes, object, thread, Op::kReallocate});
  if (object != kUnknownObject) lives[object].bytes = bytes;
}

void EventStream::add_io_call(std::uint64_t time_ns, std::uint16_t thread) {
  events.push_back({time_ns, 0, kUnknownObject, thread, Op::kIoCall});
}

std::string describe(const EventFileError& error) {
  return "event file " + error.path + " " + error.what;
}

Result<EventStream, EventFileError> read_events(const std::string& path) {
  EventFile file;
  if (const auto problem = file.open(path)) return Failure{EventFileError{path, *problem}};
  EventStream stream;
  stream.dropped_events = file.header().dropped_events;
  stream.cost_ns = file.header().cost_ns_x16 / 16.0;
  stream.begin_ns = stream.end_ns = file.header().start_ns;
  Merger merger(file);
  Builder builder(stream);
  while (const auto next = merger.next()) {
    if (stream.events.size() == kMaxEvents) return Failure{EventFileError{path, "has more events than can be read"}};
    builder.add(next->first, next->second);
  }
  if (merger.damaged()) {
    return Failure{EventFileError{path, "has a damaged record behind event " + std::to_string(stream.events.size())}};
  }
  if (!stream.events.empty()) stream.end_ns = stream.events.back().time_ns;
  return stream;
}

EventStream without_recording_cost(const EventStream& stream) {
  EventStream result = stream;
  struct Thread {
    double early_ns = 0;  // by which its events come earlier now
    std::uint64_t last_ns = 0;
  };
  std::map<std::uint16_t, Thread> threads;
  for (Event& event : result.events) {
    Thread& thread = threads[event.thread];
    if (event.time_ns - thread.last_ns >= stream.wait_ns) thread.early_ns = 0;
    thread.last_ns = event.time_ns;
    thread.early_ns += stream.cost_ns;
    event.time_ns -= std::min(event.time_ns - stream.begin_ns, static_cast<std::uint64_t>(thread.early_ns));
  }
  std::ranges::stable_sort(result.events, {}, &Event::time_ns);
  for (const Event& event : result.events) {
    if (event.object == kUnknownObject) continue;
    if (event.op == Op::kAllocate) result.lives[event.object].born_ns = event.time_ns;
    if (event.op == Op::kFree) result.lives[event.object].died_ns = event.time_ns;
  }
  return result;
}

}  // namespace poolscope::truth

#include "tests/case_studies/json_buffer/service.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <poolscope/buffer_pool.h>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/json_buffer/text.h"
#include "tests/case_studies/json_buffer/tickets.h"

namespace poolscope::case_study {
namespace {

constexpr std::uint64_t kFirstBytes = 1024;

BufferPool& answers() {
  static BufferPool pool({.pool = {.name = "json.answers"}, .buffer_bytes = {50 * 1024}});
  return pool;
}

// A channel for one chunk and the thread that sends what comes.
class Sender {
 public:
  ~Sender() {
    send({});
    thread_.join();
  }
  // An empty buffer is the last.
  void send(Buffer chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !chunk_; });
    chunk_ = std::move(chunk);
    changed_.notify_all();
  }

 private:
  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return chunk_.has_value(); });
      const Buffer sent = std::move(*chunk_);
      chunk_.reset();
      changed_.notify_all();
      lock.unlock();
      if (!sent) return;
      keep(sent.data());
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Buffer> chunk_;
  std::thread thread_{[this] { run(); }};
};

// Hands each chunk of a batch to `send`.
template <typename Send>
void make_batch(BufferPool& pool, std::uint64_t chunk_bytes, const Send& send) {
  Buffer chunk = pool.acquire();
  for (std::uint64_t row = 0; row < kBatchRows; ++row) {
    chunk.append(row == 0 ? "[" : ",");
    chunk.append(encode_ticket(row));
    if (chunk.size() <= chunk_bytes) continue;
    send(std::move(chunk), row + 1);
    chunk = pool.acquire();
  }
  chunk.append("]");
  send(std::move(chunk), kBatchRows);
}

void serve_chunks(std::uint64_t chunk_bytes) {
  static Sender sender;
  make_batch(answers(), chunk_bytes, [](Buffer chunk, std::uint64_t) { sender.send(std::move(chunk)); });
}

template <typename Answer>
void answer_with(Answer answer, std::uint64_t most_rows) {
  constexpr std::uint64_t kRowCounts = 13;
  static std::uint64_t turn = 0;
  append_tickets(answer, most_rows - turn++ % kRowCounts);
  keep(answer.data());
}

std::uint64_t number_of(const std::vector<std::string_view>& words, std::uint64_t usual) {
  constexpr std::uint64_t kLeast = 20;
  const std::uint64_t number = words.size() < 2 ? usual : std::strtoull(std::string(words[1]).c_str(), nullptr, 10);
  if (number < kLeast) throw std::invalid_argument("not a number of at least 20: " + std::string(words[1]));
  return number;
}

}  // namespace

void serve_json(const std::vector<std::string_view>& words) {
  const std::string_view how = words.empty() ? "whole" : words[0];
  if (how == "whole")
    answer_with(answers().acquire(), number_of(words, kUsualRows));
  else if (how == "fresh")
    answer_with(Text(number_of(words, kFirstBytes)), kUsualRows);
  else if (how == "chunks")
    serve_chunks(number_of(words, kChunkBytes));
  else
    throw std::invalid_argument("answers are `whole`, `fresh` or `chunks`, not " + std::string(how));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::uint64_t rows_of_first_chunk() {
  std::uint64_t rows = 0;
  make_batch(answers(), kChunkBytes, [&](Buffer, std::uint64_t so_far) { rows = rows == 0 ? so_far : rows; });
  return rows;
}

std::uint64_t chunks_of_batch() {
  std::uint64_t chunks = 0;
  make_batch(answers(), kChunkBytes, [&](Buffer, std::uint64_t) { ++chunks; });
  return chunks;
}

}  // namespace poolscope::case_study

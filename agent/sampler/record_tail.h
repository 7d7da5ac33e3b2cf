#pragma once
// RecordTail: the last chunks of what the agent measures, for who records it by HTTP. Nothing is kept until somebody asks, and nothing any
// more when nobody has asked for kForgetNs.
//   Threads   take() and wants_state() from the measuring thread, everything else from any thread.
//   Waiting   a chunk ends at a moment, so who asks waits for the next one: some two seconds, kLongestWait at most.
//   Memory    kMaxBytes of chunks, the oldest go first; and what a ChunkBuilder takes.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "exporters/model/target_record.h"
#include "exporters/recording/chunk_builder.h"

namespace poolscope::sampler {

class RecordTail final : public model::RecordSink {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{32} << 20;
  static constexpr std::uint64_t kForgetNs = 60'000'000'000;
  static constexpr std::chrono::seconds kLongestWait{3};

  RecordTail();
  void take(model::TargetId target, const model::TargetRecord& record) override;
  void take(const model::Moment& moment) override;
  [[nodiscard]] bool wants_state() const override;

  // A recording of the chunks that end after `unix_ns`, the one under way included. It has none when keeping them has just begun: with
  // the next moment.
  [[nodiscard]] std::string after(std::uint64_t unix_ns);
  // Somebody waits for the next moment.
  [[nodiscard]] bool is_asked() const;
  // Nobody waits any longer.
  void stop_answering();

 private:
  struct Chunk {
    std::uint64_t last_unix_ns;
    std::string packed;
  };
  void keep(const recording::ChunkHeader& header, const std::string& packed);
  void forget();

  mutable std::mutex mutex_;
  std::condition_variable moment_came_;
  enum class State { kOff, kBegins, kOn } state_ = State::kOff;
  recording::ChunkBuilder builder_;
  std::deque<Chunk> chunks_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t moments_ = 0, asked_at_ns_ = 0;
  bool is_asked_ = false, answers_ = true;
};

}  // namespace poolscope::sampler

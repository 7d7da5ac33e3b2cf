#include "agent/sampler/record_tail.h"

namespace poolscope::sampler {

// What is wrong with a record is told by a recording of the agent's own, and the same here.
RecordTail::RecordTail()
    : builder_([this](const recording::ChunkHeader& header, const std::string& packed) { keep(header, packed); },
               [](const std::string&) {}) {}

void RecordTail::take(model::TargetId target, const model::TargetRecord& record) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kOn) builder_.take(target, record);
}

void RecordTail::take(const model::Moment& moment) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kOff) return;
  if (is_asked_) asked_at_ns_ = moment.at_ns;
  if (state_ == State::kBegins) {
    builder_.begin_at(moment);
    state_ = State::kOn;
  } else {
    builder_.take(moment);
    if (is_asked_) builder_.close();
  }
  is_asked_ = false;
  if (moment.at_ns - asked_at_ns_ > kForgetNs) forget();
  ++moments_;
  moment_came_.notify_all();
}

bool RecordTail::wants_state() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kOn && builder_.wants_state();
}

void RecordTail::keep(const recording::ChunkHeader& header, const std::string& packed) {
  chunks_.push_back({header.last_unix_ns, packed});
  kept_bytes_ += packed.size();
  while (kept_bytes_ > kMaxBytes) {
    kept_bytes_ -= chunks_.front().packed.size();
    chunks_.pop_front();
  }
}

void RecordTail::forget() {
  builder_.close();
  chunks_.clear();
  kept_bytes_ = 0;
  state_ = State::kOff;
}

std::string RecordTail::after(std::uint64_t unix_ns) {
  std::unique_lock lock(mutex_);
  if (state_ == State::kOff) state_ = State::kBegins;
  is_asked_ = true;
  moment_came_.wait_for(lock, kLongestWait, [&, before = moments_] { return moments_ != before || !answers_; });
  std::string recording = recording::file_header();
  for (const Chunk& chunk : chunks_) {
    if (chunk.last_unix_ns > unix_ns) recording += chunk.packed;
  }
  return recording;
}

bool RecordTail::is_asked() const {
  const std::lock_guard lock(mutex_);
  return is_asked_;
}

void RecordTail::stop_answering() {
  const std::lock_guard lock(mutex_);
  answers_ = false;
  moment_came_.notify_all();
}

}  // namespace poolscope::sampler

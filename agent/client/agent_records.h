#pragma once
// AgentRecords: what an agent measures from now on, appended to a recording answer by answer (docs/reference/http.md, /api/v1/records). Whoever
// uses it asks for next_url() every kAskEvery and hands in what comes; until the first chunk is there, at once again.
//   Begins    with the first question; the first answer may have nothing yet.
//   Gaps      what the agent had no more, or what it measured before it was started again, is missing from the file, and counted.
//   Threads   one.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "exporters/recording/recording_file.h"

namespace poolscope::client {

class AgentRecords {
 public:
  static constexpr std::chrono::seconds kAskEvery{10};  // the agent keeps chunks of a minute at least

  // `file` must outlive it.
  AgentRecords(const std::string& address, recording::RecordingFile& file);

  [[nodiscard]] std::string next_url() const;
  // The answer to it; what went wrong, if anything did.
  [[nodiscard]] std::optional<std::string> take(std::string answer);

  [[nodiscard]] bool has_chunks() const { return last_unix_ns_.has_value(); }
  // Of the chunks so far, from the first record to the last.
  [[nodiscard]] std::uint64_t length_ns() const { return has_chunks() ? *last_unix_ns_ - first_unix_ns_ : 0; }
  [[nodiscard]] std::uint64_t missing_ns() const { return missing_ns_; }

 private:
  [[nodiscard]] std::optional<std::string> append(const recording::ChunkPlace& chunk, const std::string& packed);

  std::string url_;
  recording::RecordingFile& file_;
  std::uint64_t first_unix_ns_ = 0;
  std::optional<std::uint64_t> last_unix_ns_;  // of the last chunk
  std::uint64_t missing_ns_ = 0;
};

}  // namespace poolscope::client

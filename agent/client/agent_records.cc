#include "agent/client/agent_records.h"

#include <memory>
#include <utility>

#include "agent/client/fetch.h"
#include "exporters/recording/reader.h"

namespace poolscope::client {
AgentRecords::AgentRecords(const std::string& address, recording::RecordingFile& file)
    : url_(records_url(address)), file_(file) {}

std::string AgentRecords::next_url() const {
  return last_unix_ns_ ? url_ + "?after=" + seconds_parameter(*last_unix_ns_) : url_;
}

std::optional<std::string> AgentRecords::take(std::string answer) {
  if (answer == recording::file_header()) return std::nullopt;
  auto reader = recording::Reader::open(std::make_unique<recording::MemorySource>(std::move(answer)), url_);
  if (!reader) return reader.error();
  for (const auto& chunk : reader->chunks()) {
    if (auto problem = append(chunk, reader->packed(chunk))) return problem;
  }
  return std::nullopt;
}

std::optional<std::string> AgentRecords::append(const recording::ChunkPlace& chunk, const std::string& packed) {
  // The agent reads times to a quarter of a microsecond, so it may tell the last chunk again.
  if (last_unix_ns_ && chunk.header.last_unix_ns <= *last_unix_ns_) return std::nullopt;
  if (auto problem = file_.append(chunk.header, packed)) return problem;
  const std::uint64_t first_ns = chunk.header.first_unix_ns;
  if (!last_unix_ns_) first_unix_ns_ = first_ns;
  if (last_unix_ns_ && first_ns > *last_unix_ns_) missing_ns_ += first_ns - *last_unix_ns_;
  last_unix_ns_ = chunk.header.last_unix_ns;
  return std::nullopt;
}

}  // namespace poolscope::client

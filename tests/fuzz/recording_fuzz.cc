// Any bytes as a recording, or as the text of a chunk, which checksums would keep from being looked at: refused, or a snapshot that can be
// written and read.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/estimate/replay.h"
#include "exporters/model/json.h"
#include "exporters/recording/reader.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/recording/memory_source.h"

using namespace poolscope;

namespace {

void take(model::RecordSink& sink, const recording::Line& line) {
  if (const auto* of_target = std::get_if<recording::LineOfTarget>(&line)) {
    const std::string text = recording::to_line(of_target->target, of_target->record);
    const auto again = recording::from_line(text);
    FUZZ_CHECK(again);
    FUZZ_CHECK(std::get<recording::LineOfTarget>(*again).record == of_target->record);
    sink.take(of_target->target, of_target->record);
  } else {
    sink.take(std::get<model::Moment>(line));
  }
}

void read_file(model::RecordSink& sink, std::string bytes) {
  auto reader = recording::Reader::open(std::make_unique<recording::testing::MemorySource>(std::move(bytes)), "bytes");
  if (!reader) {
    FUZZ_CHECK(!reader.error().empty());
    return;
  }
  for (const auto& chunk : reader->chunks())
    reader->read(chunk, [&](const recording::Line& line) { take(sink, line); });
  (void)reader->remark();
}

void read_lines(model::RecordSink& sink, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = recording::from_line(text.substr(0, end))) take(sink, *line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  estimate::Replay replay({10, 2'000'000'000'000});
  if (bytes.starts_with('{')) {
    read_lines(replay, bytes);
  } else {
    read_file(replay, std::string(bytes));
  }
  if (const auto snapshot = replay.snapshot()) FUZZ_CHECK(model::snapshot_from_json(model::to_json(*snapshot)));
  return 0;
}

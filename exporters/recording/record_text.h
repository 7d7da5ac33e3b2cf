#pragma once
// One line of a recording: a record or a moment as JSON, without the line feed (docs/reference/recording.md).
//   Whole     a structure that grows does not compile until its list of members in record_text.cc has grown.
//   Later     members that this version does not know are ignored, those it misses have their default.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "exporters/model/target_record.h"
#include "poolscope/result.h"

namespace poolscope::recording {

struct LineOfTarget {
  model::TargetId target = 0;
  model::TargetRecord record;
};
using Line = std::variant<LineOfTarget, model::Moment>;

// Longer lines are not read; a target with a thousand published pools has lines of 1 MiB.
inline constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20;

[[nodiscard]] std::string to_line(model::TargetId target, const model::TargetRecord& record);
[[nodiscard]] std::string to_line(const model::Moment& moment);

// The error says what in the text is not as it has to be; a kind that this version does not know is one. Nothing is thrown but bad_alloc.
[[nodiscard]] Result<Line, std::string> from_line(std::string_view text);

}  // namespace poolscope::recording

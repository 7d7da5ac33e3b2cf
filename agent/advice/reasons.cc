#include "agent/advice/reasons.h"

#include <algorithm>

#include "exporters/text/report.h"

namespace poolscope::advice {
namespace {

// Fields of the advice itself and of the whole target say so; the others are below the part that is spoken of.
constexpr std::string_view kElsewhere[] = {"advice.", "target."};

}  // namespace

Reasons& Reasons::note(std::string_view field, double value, std::string text) {
  const bool is_elsewhere =
      std::ranges::any_of(kElsewhere, [field](std::string_view start) { return field.starts_with(start); });
  const std::string path = is_elsewhere || path_.empty() ? std::string(field) : path_ + "." + std::string(field);
  text_ += text;
  evidence_.push_back({path, value, std::move(text)});
  return *this;
}

Reasons& Reasons::count(std::string_view field, double value) {
  return note(field, value, text::format_count(value));
}
Reasons& Reasons::bytes(std::string_view field, double value) {
  return note(field, value, text::format_bytes(value));
}
Reasons& Reasons::ratio(std::string_view field, double value) {
  return note(field, value, text::format_ratio(value));
}
Reasons& Reasons::seconds(std::string_view field, double value) {
  return note(field, value, text::format_seconds(value));
}

void Reasons::tell(model::Advice& advice) && {
  advice.why = std::move(text_);
  advice.evidence = std::move(evidence_);
}

}  // namespace poolscope::advice

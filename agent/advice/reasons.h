#pragma once
// Reasons: the text of an advice while it is written. Numbers come in through functions that note where they are from.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/model/advice.h"

namespace poolscope::advice {

class Reasons {
 public:
  // `path`: of the part of the snapshot that fields below are in, "pools[frames]".
  explicit Reasons(std::string path) : path_(std::move(path)) {}

  Reasons& say(std::string_view words) {
    text_ += words;
    return *this;
  }
  Reasons& count(std::string_view field, double value);
  Reasons& bytes(std::string_view field, double value);
  Reasons& ratio(std::string_view field, double value);
  Reasons& seconds(std::string_view field, double value);

  // As `why` and `evidence` of `advice`.
  void tell(model::Advice& advice) &&;

 private:
  Reasons& note(std::string_view field, double value, std::string text);

  std::string path_, text_;
  std::vector<model::AdviceEvidence> evidence_;
};

}  // namespace poolscope::advice

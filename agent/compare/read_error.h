#pragma once
// What is wrong with a file of measurements, and where.

#include <string>

namespace poolscope::compare {

struct ReadError {
  std::string source;
  std::size_t line = 0;  // 0: not of one line
  std::string detail;
};

// "old.txt:12: `12x` is no number"
[[nodiscard]] inline std::string describe(const ReadError& error) {
  return error.source + ":" + (error.line > 0 ? std::to_string(error.line) + ":" : "") + " " + error.detail;
}

}  // namespace poolscope::compare

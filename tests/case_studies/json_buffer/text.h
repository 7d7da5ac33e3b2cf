#pragma once
// What a service without a pool collects its answer in.

#include <cstddef>
#include <vector>

namespace poolscope::case_study {

class Text {
 public:
  explicit Text(std::size_t bytes) { bytes_.reserve(bytes); }
  void append(const char* bytes, std::size_t count) { bytes_.insert(bytes_.end(), bytes, bytes + count); }
  [[nodiscard]] const char* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  std::vector<char> bytes_;
};

}  // namespace poolscope::case_study

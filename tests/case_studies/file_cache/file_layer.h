#pragma once
// The files that are cached: in memory, so that a read costs what copying costs and nothing else differs from run to run.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace poolscope::case_study {

struct Attributes {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t mode = 0644;
};

// One thread at a time.
class FileLayer {
 public:
  // Files "/data/volume/file-000000" and so on.
  FileLayer(std::size_t files, std::size_t bytes_each) {
    for (std::size_t i = 0; i < files; ++i) {
      std::string number = std::to_string(i);
      paths_.push_back("/data/volume/file-" + number.insert(0, 6 - std::min<std::size_t>(6, number.size()), '0'));
      contents_[paths_.back()].assign(bytes_each, std::byte{0x2e});
    }
  }

  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }
  [[nodiscard]] const std::vector<std::byte>& content(std::string_view path) const { return find(path)->second; }
  [[nodiscard]] Attributes stat(std::string_view path) const { return {.bytes = content(path).size()}; }
  void write(std::string_view path, std::size_t offset, std::span<const std::byte> bytes) {
    auto& content = const_cast<std::vector<std::byte>&>(find(path)->second);
    if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
    std::memcpy(content.data() + offset, bytes.data(), bytes.size());
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Contents = std::unordered_map<std::string, std::vector<std::byte>, Hash, std::equal_to<>>;
  [[nodiscard]] Contents::const_iterator find(std::string_view path) const { return contents_.find(path); }

  std::vector<std::string> paths_;
  Contents contents_;
};

}  // namespace poolscope::case_study

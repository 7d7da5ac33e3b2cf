#pragma once
// Foreign YAML as a bounded tree with the position of every node. Anchors, aliases, tags and second documents
// are refused, so that the tree is never larger than the text.
//   Bounds    kMaxTextBytes, kMaxDepth, kMaxNodes; text must be UTF-8 without control characters.
//   Errors    the first one only: after a syntax error the rest of the text has no certain meaning.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"

namespace poolscope::config {

inline constexpr std::size_t kMaxTextBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxNodes = 50'000;

// 1-based; columns count bytes. Line 0 is the whole file.
struct Position {
  int line = 0;
  int column = 0;
};

struct Member;

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  Position position;            // of a null: the key it belongs to, or the start of its sequence
  std::string text;             // of a scalar
  bool quoted = false;          // a scalar that is text even when it looks like a number
  std::vector<Node> items;      // of a sequence
  std::vector<Member> members;  // of a map, in order, duplicates included
};

struct Member {
  Node key;
  Node value;
};

struct YamlError {
  Position position;
  std::string detail;
};

// Text without any content gives a null node.
[[nodiscard]] Result<Node, YamlError> parse_yaml(std::string_view text);

}  // namespace poolscope::config

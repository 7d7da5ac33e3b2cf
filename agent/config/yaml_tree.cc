#include "agent/config/yaml_tree.h"

#include <cstdint>
#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace poolscope::config {
namespace {

// yaml-cpp offers no other way out of its parser than an exception; it ends in parse_yaml().
struct Refused : std::runtime_error {
  explicit Refused(YamlError error) : std::runtime_error(error.detail), error(std::move(error)) {}
  YamlError error;
};

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

Node node_at(Position position, Node::Kind kind) {
  Node node;
  node.position = position;
  node.kind = kind;
  return node;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) refuse(mark, "a second YAML document; the file must hold one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node_at(null_position(mark), Node::Kind::kNull)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_alias(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    refuse_tag(mark, tag);
    Node scalar = node_at(position_of(mark), Node::Kind::kScalar);
    scalar.text = value;
    scalar.quoted = tag == "!";
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    std::optional<Node> key;  // of a map: the key whose value comes next
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string detail) {
    throw Refused({position_of(mark), std::move(detail)});
  }
  [[noreturn]] static void refuse_alias(const YAML::Mark& mark) {
    refuse(mark, "anchors (&) and aliases (*) are not supported; write the value out, or quote text that begins so");
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    const bool plain_or_quoted = tag.empty() || tag == "?" || tag == "!";
    if (!plain_or_quoted) refuse(mark, "tags (!) are not supported; remove it, or quote text that begins so");
  }

  // yaml-cpp marks a missing value at the token that follows it, often a line too late.
  Position null_position(const YAML::Mark& mark) const {
    if (open_.empty()) return position_of(mark);
    return open_.back().key ? open_.back().key->position : open_.back().node.position;
  }

  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    refuse_tag(mark, tag);
    if (open_.size() >= kMaxDepth) refuse(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    open_.push_back({node_at(position_of(mark), kind), std::nullopt});
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (++nodes_ > kMaxNodes) {
      throw Refused({node.position, "more than " + std::to_string(kMaxNodes) + " values in one file"});
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      parent.node.members.push_back({std::move(*parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  Node root_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  unsigned documents_ = 0;
};

// Bytes of the UTF-8 sequence at the start of `text`; 0 when it is none, or overlong, a surrogate or above
// U+10FFFF.
std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const std::uint8_t second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool not_a_character = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || not_a_character ? 0 : length;
}

// yaml-cpp passes bad bytes through; they would end in labels that neither JSON nor Prometheus can carry.
std::optional<YamlError> check_characters(std::string_view text) {
  Position at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_sequence_bytes(text.substr(i));
    if (length == 0) return YamlError{at, "not UTF-8 text"};
    const char c = text[i];
    const bool control = (static_cast<std::uint8_t>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    if (control) return YamlError{at, "a control character; the file must be plain UTF-8 text"};
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + static_cast<int>(length)};
    i += length;
  }
  return std::nullopt;
}

// yaml-cpp often blames the ':' behind a tab instead of the tab.
bool is_indented_with_tab(std::string_view text, int line) {
  std::size_t start = 0;
  for (int i = 1; i < line && start != std::string_view::npos; ++i) {
    const std::size_t end = text.find('\n', start);
    start = end == std::string_view::npos ? end : end + 1;
  }
  if (start == std::string_view::npos) return false;
  const std::string_view rest = text.substr(start);
  return rest.substr(0, rest.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

YamlError syntax_error(std::string_view text, const YAML::Exception& error) {
  const Position at = position_of(error.mark);
  const char* hint = is_indented_with_tab(text, at.line) ? "; the line is indented with a tab, use blanks" : "";
  return {at, "not valid YAML: " + error.msg + hint};
}

}  // namespace

Result<Node, YamlError> parse_yaml(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return Failure{YamlError{{}, "larger than " + std::to_string(kMaxTextBytes / 1024) + " KiB"}};
  }
  if (auto bad = check_characters(text)) return Failure{std::move(*bad)};
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_root();
  } catch (const Refused& refused) {
    return Failure{refused.error};
  } catch (const YAML::Exception& syntax) {
    return Failure{syntax_error(text, syntax)};
  } catch (const std::exception& unexpected) {
    return Failure{YamlError{{}, std::string("cannot be read: ") + unexpected.what()}};
  }
}

}  // namespace poolscope::config

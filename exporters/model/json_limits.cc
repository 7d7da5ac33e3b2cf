#include "exporters/model/json_limits.h"

#include <vector>

#include <nlohmann/json.hpp>

namespace poolscope::model {
namespace {

// Counts what the parser meets and remembers the way to it. Returning false stops the parser.
class LimitChecker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(std::int64_t) override { return value(); }
  bool number_unsigned(std::uint64_t) override { return value(); }
  bool number_float(double, const std::string&) override { return value(); }
  bool string(std::string&) override { return value(); }
  bool binary(nlohmann::json::binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(/*is_array=*/false); }
  bool start_array(std::size_t) override { return open(/*is_array=*/true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    levels_.back().key = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...; last read: '<bytes of the
    // text>'"
    std::string detail = error.what();
    detail.erase(0, detail.find("] ") + 2);
    if (const auto foreign = detail.find("; last read: "); foreign != std::string::npos) detail.erase(foreign);
    return fail(std::move(detail));
  }
  [[nodiscard]] std::optional<JsonError>& error() { return error_; }

 private:
  struct Level {
    bool is_array = false;
    std::size_t elements = 0;
    std::string key;  // of the member being read
  };

  bool value() {
    if (++values_ > kMaxJsonValues) return fail("the text has more than " + std::to_string(kMaxJsonValues) + " values");
    if (levels_.empty()) return true;
    if (++levels_.back().elements > kMaxJsonElements) {
      return fail("has more than " + std::to_string(kMaxJsonElements) + " elements");
    }
    return true;
  }
  bool open(bool is_array) {
    if (!value()) return false;
    if (levels_.size() == kMaxJsonDepth)
      return fail("is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    levels_.push_back({is_array, 0, {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }
  bool fail(std::string detail) {
    std::string path;
    for (const Level& level : levels_) {
      if (level.elements == 0 && level.key.empty()) break;  // nothing of it was read yet
      path += "/" + (level.is_array ? std::to_string(level.elements - 1) : json_pointer_token(level.key));
    }
    error_ = JsonError{std::move(path), std::move(detail)};
    return false;
  }

  std::vector<Level> levels_;
  std::size_t values_ = 0;
  std::optional<JsonError> error_;
};

}  // namespace

std::optional<JsonError> check_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return JsonError{"", "the text has " + std::to_string(text.size()) + " bytes, at most " +
                             std::to_string(kMaxJsonBytes) + " are read"};
  }
  LimitChecker checker;
  nlohmann::json::sax_parse(text.begin(), text.end(), &checker);
  return std::move(checker.error());
}

std::string json_pointer_token(std::string_view name) {
  constexpr std::size_t kMaxTokenBytes = 200;
  std::string token;
  for (const char c : name.substr(0, kMaxTokenBytes)) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      token += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
  }
  return token;
}

}  // namespace poolscope::model

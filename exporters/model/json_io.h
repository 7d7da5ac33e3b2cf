#pragma once
// The two directions of one description: the members of each structure are listed once, in fields(io, structure), and that list
// runs with a JsonWriter or a JsonReader. For json.cc (snapshots) and exporters/recording (records) only.
//   Absent    nullopt, an empty string or container, and a number that is not finite. An absent optional member
//             is not written; an absent required one (a bound without a weight) makes the whole value that
//             needs it absent.
//   Reading   stops at the first error; what was read so far is thrown away with the Snapshot.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "exporters/model/json_limits.h"
#include "poolscope/log_linear.h"

namespace poolscope::model {

inline std::string key_text(const std::string& key) {
  return key;
}
inline std::string key_text(std::uint64_t key) {
  return std::to_string(key);
}
// The shortest text that reads back as the same double.
inline std::string key_text(double key) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, key).ptr};
}

// An object under construction.
class JsonWriter {
 public:
  using Json = nlohmann::ordered_json;
  template <typename T>
  using Ref = const T&;

  template <typename T>
  void required(const char* name, const T& value) {
    if (auto json = encode(value)) {
      object_[name] = std::move(*json);
    } else {
      complete_ = false;
    }
  }
  template <typename T>
  void optional(const char* name, const T& value) {
    if (is_empty(value)) return;
    if (auto json = encode(value)) object_[name] = std::move(*json);
  }
  // As optional(), and without what is 0, false or nothing. For members that have this as their default.
  template <typename T>
  void unless_default(const char* name, const T& value) {
    if (!(value == T{})) optional(name, value);
  }
  // As optional(), but the caller knows whether the value was measured.
  template <typename T>
  void optional_if(bool measured, const char* name, const T& value) {
    if (measured) optional(name, value);
  }
  // An object without a structure of its own, left out when none of its members is written.
  template <typename Members>
  void group(const char* name, Members members) {
    JsonWriter inner;
    members(inner);
    if (!inner.object_.empty()) object_[name] = std::move(inner.object_);
  }
  [[nodiscard]] std::optional<Json> take() && {
    if (!complete_) return std::nullopt;
    return std::move(object_);
  }

 private:
  template <typename T>
  static bool is_empty(const T& value) {
    if constexpr (requires { value.empty(); }) return value.empty();
    return false;
  }
  static std::optional<Json> encode(bool value) { return Json(value); }
  static std::optional<Json> encode(std::int32_t value) { return Json(value); }
  static std::optional<Json> encode(std::uint64_t value) { return Json(value); }
  static std::optional<Json> encode(const std::string& value) { return Json(value); }
  static std::optional<Json> encode(CollectorState value) { return Json(state_name(value)); }
  static std::optional<Json> encode(Verdict value) { return Json(verdict_name(value)); }
  static std::optional<Json> encode(BurstKind value) { return Json(burst_kind_name(value)); }
  static std::optional<Json> encode(double value) {
    if (!std::isfinite(value)) return std::nullopt;
    return Json(value);
  }
  static std::optional<Json> encode(const Histogram& histogram) {
    Json buckets = Json::array();
    for (const auto& [bucket, weight] : histogram.buckets()) buckets.push_back(Json::array({bucket, weight}));
    return buckets;
  }
  template <typename T, std::size_t N>
  static std::optional<Json> encode(const std::array<T, N>& values) {
    return encode(std::vector<T>(values.begin(), values.end()));
  }
  template <typename T>
  static std::optional<Json> encode(const std::optional<T>& value) {
    if (!value) return std::nullopt;
    return encode(*value);
  }
  template <typename A, typename B>
  static std::optional<Json> encode(const std::pair<A, B>& value) {
    auto first = encode(value.first);
    auto second = encode(value.second);
    if (!first || !second) return std::nullopt;
    return Json::array({std::move(*first), std::move(*second)});
  }
  template <typename T>
  static std::optional<Json> encode(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) {
      if (auto json = encode(value)) array.push_back(std::move(*json));
    }
    return array;
  }
  template <typename K, typename V>
  static std::optional<Json> encode(const std::map<K, V>& values) {
    Json object = Json::object();
    for (const auto& [key, value] : values) {
      if constexpr (std::is_floating_point_v<K>) {
        if (!std::isfinite(key)) continue;
      }
      if (auto json = encode(value)) object[key_text(key)] = std::move(*json);
    }
    return object;
  }
  template <typename T>
  requires requires(JsonWriter& writer, const T& value) { fields(writer, value); }
  static std::optional<Json> encode(const T& value) {
    JsonWriter inner;
    fields(inner, value);
    return std::move(inner).take();
  }

  Json object_ = Json::object();
  bool complete_ = true;
};

// One value of the text, and where it is. Lives on the stack of the call that reads it.
class JsonReader {
 public:
  using Json = nlohmann::json;
  template <typename T>
  using Ref = T&;

  JsonReader(const Json& json, std::optional<JsonError>& error) : json_(json), error_(error) {}

  template <typename T>
  void required(const char* name, T& value) {
    if (!read_member(name, value)) child(json_, name).fail("is missing");
  }
  template <typename T>
  void optional(const char* name, T& value) {
    (void)read_member(name, value);
  }
  template <typename T>
  void unless_default(const char* name, T& value) {
    (void)read_member(name, value);
  }
  template <typename T>
  void optional_if(bool /*measured*/, const char* name, T& value) {
    (void)read_member(name, value);
  }
  template <typename Members>
  void group(const char* name, Members members) {
    const Json* member = find(name);
    if (member == nullptr) return;
    JsonReader inner = child(*member, name);
    if (inner.expect(member->is_object(), "an object")) members(inner);
  }
  template <typename T>
  requires requires(JsonReader& reader, T& value) { fields(reader, value); }
  void read(T& value) {
    if (expect(json_.is_object(), "an object")) fields(*this, value);
  }
  void fail(std::string detail) {
    if (!error_) error_ = JsonError{path(), std::move(detail)};
  }

 private:
  JsonReader(const Json& json, const JsonReader& parent, std::string key)
      : json_(json), error_(parent.error_), parent_(&parent), key_(std::move(key)) {}
  JsonReader child(const Json& json, std::string key) const { return {json, *this, std::move(key)}; }

  // Null when the object has no such member, and after an error: nothing more is read then.
  [[nodiscard]] const Json* find(const char* name) const {
    const auto member = json_.find(name);
    return error_ || member == json_.end() ? nullptr : &*member;
  }
  template <typename T>
  bool read_member(const char* name, T& value) {
    const Json* member = find(name);
    if (member == nullptr) return error_.has_value();
    child(*member, name).read(value);
    return true;
  }
  bool expect(bool holds, const char* what) {
    if (!holds) fail(std::string("is ") + kind() + ", must be " + what);
    return holds;
  }
  [[nodiscard]] const char* kind() const {
    if (json_.is_number_float()) return "a number with a fraction or beyond 64 bits";
    if (json_.is_number_integer() && !json_.is_number_unsigned()) return "a negative number";
    return json_.type_name();
  }
  [[nodiscard]] std::string path() const {
    if (parent_ == nullptr) return "";
    return parent_->path() + "/" + json_pointer_token(key_);
  }

  void read(bool& value) {
    if (expect(json_.is_boolean(), "true or false")) value = json_.get<bool>();
  }
  void read(double& value) {
    if (expect(json_.is_number(), "a number")) value = json_.get<double>();
  }
  void read(std::uint64_t& value) {
    if (expect(json_.is_number_unsigned(), "a whole number from 0 on")) value = json_.get<std::uint64_t>();
  }
  void read(std::int32_t& value) {
    std::uint64_t wide = 0;
    read(wide);
    if (wide > std::uint64_t{std::numeric_limits<std::int32_t>::max()}) return fail("is too large for 31 bits");
    value = static_cast<std::int32_t>(wide);
  }
  void read(std::string& value) {
    if (expect(json_.is_string(), "a string")) value = json_.get<std::string>();
  }
  void read(CollectorState& value) {
    std::string name;
    read(name);
    if (error_) return;
    for (const auto state : {CollectorState::kCollecting, CollectorState::kIdle, CollectorState::kUnavailable}) {
      if (name != state_name(state)) continue;
      value = state;
      return;
    }
    fail("must be collecting, idle or unavailable");
  }
  void read(Verdict& value) {
    std::string name;
    read(name);
    if (error_) return;
    if (const auto verdict = verdict_named(name))
      value = *verdict;
    else
      fail("must be keep, change, adopt, drop, fix, tune or wait");
  }
  void read(BurstKind& value) {
    std::string name;
    read(name);
    if (error_) return;
    for (const auto kind : {BurstKind::kRate, BurstKind::kCohort, BurstKind::kFrees, BurstKind::kExact}) {
      if (name != burst_kind_name(kind)) continue;
      value = kind;
      return;
    }
    fail("must be rate, cohort, frees or exact");
  }
  void read(Histogram& histogram) {
    std::vector<std::pair<std::uint64_t, double>> buckets;
    read(buckets);
    histogram = {};
    for (const auto& [bucket, weight] : buckets) {
      if (bucket >= PS_LOG_LINEAR_BUCKETS) return fail("has a bucket beyond the last one");
      histogram.add_bucket(static_cast<unsigned>(bucket), weight);
    }
  }
  // Of a later writer there may be more, of an earlier one fewer.
  template <typename T, std::size_t N>
  void read(std::array<T, N>& values) {
    if (!expect(json_.is_array(), "an array")) return;
    for (std::size_t i = 0; i < std::min(N, json_.size()) && !error_; ++i)
      child(json_[i], std::to_string(i)).read(values[i]);
  }
  template <typename T>
  void read(std::optional<T>& value) {
    read(value.emplace());
  }
  template <typename A, typename B>
  void read(std::pair<A, B>& value) {
    if (!expect(json_.is_array() && json_.size() == 2, "an array of 2")) return;
    child(json_[0], "0").read(value.first);
    child(json_[1], "1").read(value.second);
  }
  template <typename T>
  void read(std::vector<T>& values) {
    if (!expect(json_.is_array(), "an array")) return;
    values.clear();
    values.reserve(json_.size());
    for (std::size_t i = 0; i < json_.size() && !error_; ++i)
      child(json_[i], std::to_string(i)).read(values.emplace_back());
  }
  template <typename K, typename V>
  void read(std::map<K, V>& values) {
    if (!expect(json_.is_object(), "an object")) return;
    values.clear();
    for (const auto& [key, member] : json_.items()) {
      if (error_) return;
      JsonReader inner = child(member, key);
      if (const auto parsed = parse_key<K>(key)) {
        inner.read(values[*parsed]);
      } else {
        inner.fail("has a name that is not a number");
      }
    }
  }
  template <typename K>
  static std::optional<K> parse_key(const std::string& text) {
    if constexpr (std::is_arithmetic_v<K>) {
      K key = 0;
      const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), key);
      if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      if (!std::isfinite(static_cast<double>(key))) return std::nullopt;
      return key;
    } else {
      return text;
    }
  }

  const Json& json_;
  std::optional<JsonError>& error_;
  const JsonReader* parent_ = nullptr;
  std::string key_;
};

}  // namespace poolscope::model

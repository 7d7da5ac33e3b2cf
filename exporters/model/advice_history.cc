#include "exporters/model/advice_history.h"

#include <exception>

#include "exporters/model/json_fields.h"
#include "exporters/model/json_io.h"

namespace poolscope::model {

template <typename Io>
void fields(Io& io, typename Io::template Ref<WorkSample> sample) {
  io.required("cpu_ns_per_get", sample.cpu_ns_per_get);
  io.required("hit_ratio", sample.hit_ratio);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<PoolHistory> pool) {
  io.required("target", pool.target);
  io.required("pool", pool.pool);
  io.optional("limits", pool.limits);
  io.unless_default("changed_unix_ns", pool.changed_unix_ns);
  io.optional("samples", pool.samples);
  io.optional("before", pool.before);
  io.optional("told", pool.told);
  io.optional("followed", pool.followed);
  io.required("seen_unix_ns", pool.seen_unix_ns);
}

template <typename Io>
void fields(Io& io, typename Io::template Ref<AdviceHistory> history) {
  io.required("pools", history.pools);
}

namespace {

constexpr std::int32_t kVersion = 1;

Result<AdviceHistory, JsonError> parse_history(std::string_view text) {
  if (auto error = check_json(text)) return Failure{std::move(*error)};
  const auto root = nlohmann::json::parse(text.begin(), text.end());
  const auto version = root.is_object() ? root.find("advice_history_version") : root.end();
  if (!root.is_object() || version == root.end())
    return Failure{JsonError{"/advice_history_version", "is missing: this is no history of advice"}};
  if (*version != kVersion)
    return Failure{JsonError{"/advice_history_version", "is not 1, the only version that this program reads"}};
  AdviceHistory history;
  std::optional<JsonError> error;
  JsonReader(root, error).read(history);
  if (error) return Failure{std::move(*error)};
  return history;
}

}  // namespace

std::string to_json(const AdviceHistory& history) {
  JsonWriter writer;
  writer.required("advice_history_version", kVersion);
  fields(writer, history);
  constexpr auto kReplace = JsonWriter::Json::error_handler_t::replace;
  return std::move(writer).take()->dump(1, ' ', /*ensure_ascii=*/false, kReplace) + "\n";
}

Result<AdviceHistory, JsonError> advice_history_from_json(std::string_view text) {
  try {
    return parse_history(text);
  } catch (const std::exception& error) {  // of the library, and bad_alloc
    return Failure{JsonError{"", error.what()}};
  }
}

}  // namespace poolscope::model

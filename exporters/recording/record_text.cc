#include "exporters/recording/record_text.h"

#include <array>
#include <exception>
#include <new>
#include <utility>

#include "exporters/recording/record_fields.h"

namespace poolscope::recording {
namespace {

using model::JsonError;
using model::JsonReader;
using model::JsonWriter;

constexpr const char* kMoment = "moment";
// Of the alternatives of TargetRecord, in their order.
constexpr std::array<const char*, 11> kKinds = {"burst",      "slice_growth", "stratum",   "pool_burst",
                                                "pool_watch", "gc",           "pool_page", "pages_end",
                                                "totals",     "status",       "cpu_share"};
static_assert(kKinds.size() == std::variant_size_v<model::TargetRecord>);

std::string text_of(JsonWriter&& writer) {
  // replace: names of processes and symbols are bytes of foreign programs, not always UTF-8
  constexpr auto kReplace = JsonWriter::Json::error_handler_t::replace;
  return std::move(writer).take()->dump(-1, ' ', /*ensure_ascii=*/false, kReplace);
}

template <std::size_t I = 0>
void read_record(JsonReader& reader, std::string_view kind, model::TargetRecord& record) {
  if constexpr (I < kKinds.size()) {
    if (kind != kKinds[I]) return read_record<I + 1>(reader, kind, record);
    reader.required("record", record.emplace<I>());
  } else {
    reader.fail("is of kind `" + std::string(kind) + "`, which this poolscope does not know");
  }
}

Result<Line, std::string> parse_line(std::string_view text) {
  const auto described = [](const JsonError& error) { return error.path + " " + error.detail; };
  if (text.size() > kMaxLineBytes) return Failure{std::string("the line is too long")};
  if (const auto error = model::check_json(text)) return Failure{described(*error)};
  const auto root = nlohmann::json::parse(text.begin(), text.end());
  if (!root.is_object()) return Failure{std::string("the line is no object")};
  std::optional<JsonError> error;
  JsonReader reader(root, error);
  std::string kind;
  reader.required("kind", kind);
  Line line;
  if (kind == kMoment) {
    reader.required("record", line.emplace<model::Moment>());
  } else {
    auto& [target, record] = line.emplace<LineOfTarget>();
    reader.required("target", target);
    if (!error) read_record(reader, kind, record);
  }
  if (error) return Failure{described(*error)};
  return line;
}

}  // namespace

std::string to_line(model::TargetId target, const model::TargetRecord& record) {
  JsonWriter writer;
  writer.required("kind", std::string(kKinds[record.index()]));
  writer.required("target", target);
  std::visit([&](const auto& each) { writer.required("record", each); }, record);
  return text_of(std::move(writer));
}

std::string to_line(const model::Moment& moment) {
  JsonWriter writer;
  writer.required("kind", std::string(kMoment));
  writer.required("record", moment);
  return text_of(std::move(writer));
}

Result<Line, std::string> from_line(std::string_view text) {
  try {
    return parse_line(text);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {  // of the library
    return Failure{std::string(error.what())};
  }
}

}  // namespace poolscope::recording

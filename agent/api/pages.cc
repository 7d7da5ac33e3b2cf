#include "agent/api/pages.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "agent/api/compression.h"
#include "agent/api/landing_page.h"
#include "agent/api/query.h"
#include "exporters/model/json.h"
#include "exporters/model/time_point.h"

namespace poolscope::api {
namespace {

constexpr const char* kPlainText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kZstd = "application/zstd";
constexpr std::size_t kWorthCompressingBytes = 256;  // below, the gzip frame eats what it saves
constexpr std::uint64_t kMaxHistory = 100;

Response plain(int status, std::string text) {
  text += '\n';
  return {status, kPlainText, std::move(text), {}, {}};
}

void compress(Response& response, const Request& request) {
  if (response.status != 200) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!response.content_encoding.empty() || response.body.size() < kWorthCompressingBytes) return;
  if (response.content_type == kZstd) return;
  if (!accepts_gzip(request.accept_encoding)) return;
  response.body = gzip(response.body);
  response.content_encoding = "gzip";
}

std::uint64_t now_unix_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

Result<std::optional<std::uint64_t>, std::string> query_time(std::string_view query, std::string_view name,
                                                             std::uint64_t now_ns) {
  const auto text = query_text(query, name);
  if (!text) return Failure{text.error()};
  if (!*text) return std::optional<std::uint64_t>();
  const auto time = model::parse_time_point(**text);
  if (time) return std::optional(time->unix_ns(now_ns));
  return Failure{"parameter " + std::string(name) + " is " + quote_foreign(**text) + "; it " + time.error()};
}

// Nothing when none is asked for.
Result<std::optional<UnixRange>, std::string> range_of(std::string_view query, std::uint64_t now_ns) {
  const auto from = query_time(query, "from", now_ns), to = query_time(query, "to", now_ns);
  if (!from) return Failure{from.error()};
  if (!to) return Failure{to.error()};
  if (!*from && !*to) return std::optional<UnixRange>();
  UnixRange range;
  range.from_ns = from->value_or(range.from_ns);
  range.to_ns = to->value_or(range.to_ns);
  if (range.from_ns > range.to_ns) return Failure{std::string("parameter from must lie before parameter to")};
  return std::optional(range);
}

// Where the next request continues. Without news it is the newest snapshot's number, so that a client that
// outlived the agent, and waits for a number the new agent is far from, starts over.
std::uint64_t last_sequence(const std::vector<std::shared_ptr<const model::Snapshot>>& snapshots,
                            const std::shared_ptr<const model::Snapshot>& newest) {
  if (!snapshots.empty()) return snapshots.back()->agent.sequence;
  return newest ? newest->agent.sequence : 0;
}

}  // namespace

Response error_response(const std::string& path, int status, const std::string& detail) {
  Response response = plain(status, detail);
  if (path.starts_with("/api/")) {
    const nlohmann::json body = {{"error", detail}};
    response.content_type = kJson;
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  if (status == 405) response.headers.emplace_back("Allow", path.starts_with(kPoolsPath) ? "POST" : "GET, HEAD");
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

const std::vector<Pages::Page>& Pages::all() {
  static const std::vector<Page> pages = {{"/", &Pages::landing},
                                          {"/metrics", &Pages::metrics},
                                          {"/-/healthy", &Pages::healthy},
                                          {"/-/ready", &Pages::readiness},
                                          {"/api/v1/snapshot", &Pages::latest},
                                          {"/api/v1/history", &Pages::history},
                                          {"/api/v1/records", &Pages::records}};
  return pages;
}

std::vector<std::string> Pages::paths() {
  std::vector<std::string> paths;
  for (const Page& page : all()) paths.emplace_back(page.path);
  return paths;
}

Pages::Pages(const SnapshotSource& source, std::vector<std::string> own_names, std::optional<PoolAdmin> admin)
    : source_(source), admin_(std::move(admin)), guard_(std::move(own_names), paths(), kPoolsPath) {}

Response Pages::answer(const Request& request) {
  if (const auto refusal = guard_.refuse(request))
    return error_response(request.path, refusal->status, refusal->detail);
  if (request.path.starts_with(kPoolsPath)) return answer_resize(admin_, request);
  for (const Page& page : all()) {
    if (request.path != page.path) continue;
    Response response = (this->*page.make)(request);
    compress(response, request);
    return response;
  }
  return error_response(request.path, 500, "page " + request.path + " is listed but not served");
}

std::optional<std::string> Pages::waiting_for() const {
  if (!source_.ready()) return "waiting until every configured target was looked for and its collectors have a state";
  if (!source_.snapshot()) return "waiting for the first measurement";
  return std::nullopt;
}

Response Pages::landing(const Request&) {
  const auto snapshot = source_.snapshot();
  return {200, "text/html; charset=utf-8", landing_page(snapshot.get(), waiting_for()), {}, {}};
}

Response Pages::metrics(const Request&) {
  const auto snapshot = source_.snapshot();
  const SnapshotSource::Reload reload = source_.last_reload();
  prometheus_text::AgentStatus status;
  status.config_last_reload_successful = reload.successful;
  status.config_last_reload_time_unix_seconds = reload.time_unix_seconds;
  status.version = POOLSCOPE_VERSION;
  return {200, prometheus_text::kContentType, metrics_page_.build(snapshot.get(), std::move(status)), {}, {}};
}

Response Pages::healthy(const Request&) {
  return plain(200, "ok");
}

Response Pages::readiness(const Request& request) {
  if (const auto reason = waiting_for()) return error_response(request.path, 503, "not ready: " + *reason);
  return plain(200, "ready");
}

Response Pages::snapshot_of(const Request& request, const UnixRange& range) {
  const auto snapshot = source_.snapshot_of(range);
  if (!snapshot) return error_response(request.path, snapshot.error().status, snapshot.error().detail);
  return {200, kJson, model::to_json(**snapshot), {}, {}};
}

Response Pages::latest(const Request& request) {
  const auto range = range_of(request.query, now_unix_ns());
  if (!range) return error_response(request.path, 400, range.error());
  if (*range) return snapshot_of(request, **range);
  const auto snapshot = source_.snapshot();
  if (!snapshot) {
    return error_response(request.path, 503,
                          "no snapshot yet: " + waiting_for().value_or("the first one was just made"));
  }
  if (accepts_gzip(request.accept_encoding)) {
    return {200, kJson, *snapshot_text_.gzipped_json(*snapshot), "gzip", {}};
  }
  return {200, kJson, *snapshot_text_.json(*snapshot), {}, {}};
}

Response Pages::records(const Request& request) {
  const std::uint64_t now_ns = now_unix_ns();
  const auto after = query_time(request.query, "after", now_ns);
  if (!after) return error_response(request.path, 400, after.error());
  return {200, kZstd, source_.records_after(after->value_or(now_ns)), {}, {}};
}

Response Pages::history(const Request& request) {
  const auto after = query_number(request.query, "after", {0, std::numeric_limits<std::uint64_t>::max(), 0});
  if (!after) return error_response(request.path, 400, after.error());
  const auto limit = query_number(request.query, "limit", {1, kMaxHistory, kMaxHistory});
  if (!limit) return error_response(request.path, 400, limit.error());
  const auto newest = source_.snapshot();
  const auto snapshots = source_.history(*after, static_cast<std::size_t>(*limit));
  std::string body = "{\"snapshots\":[";
  const char* separator = "";
  for (const auto& snapshot : snapshots) {
    body += separator + model::to_json(*snapshot);
    separator = ",";
  }
  body += "],\"last_sequence\":" + std::to_string(last_sequence(snapshots, newest)) + "}";
  return {200, kJson, std::move(body), {}, {}};
}

}  // namespace poolscope::api

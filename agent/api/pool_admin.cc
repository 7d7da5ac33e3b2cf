#include "agent/api/pool_admin.h"

#include <limits>
#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/api/pages.h"
#include "agent/api/query.h"

namespace poolscope::api {
namespace {

using nlohmann::json;

constexpr std::string_view kBearer = "Bearer ";

// In a time that does not tell how much of it was right.
bool is_same(std::string_view given, std::string_view token) {
  unsigned char difference = given.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i] ^ token[i % token.size()]);
  return difference == 0;
}

bool may_change(const PoolAdmin& admin, std::string_view authorization) {
  if (admin.token.empty() || !authorization.starts_with(kBearer)) return false;
  return is_same(authorization.substr(kBearer.size()), admin.token);
}

// The number in {"limit_buffers": N}, which has no other members.
Result<std::uint32_t, std::string> read_limit(const Request& request) {
  const std::string wanted = R"(the body must be {"limit_buffers": N})";
  if (request.is_body_too_large) return Failure{wanted + ", with its Content-Length"};
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || body.size() != 1 || !body.contains("limit_buffers")) return Failure{wanted};
  const json& limit = body["limit_buffers"];
  if (!limit.is_number_unsigned() || limit.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
    return Failure{wanted + ", N a whole number from 0 to max_buffers of the pool"};
  return limit.get<std::uint32_t>();
}

Response refuse(const Request& request, int status, const std::string& detail) {
  Response response = error_response(request.path, status, detail);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

Response answer_resize(const std::optional<PoolAdmin>& admin, const Request& request) {
  if (!admin)
    return refuse(request, 403,
                  "changing pools is switched off; start the agent with --web.enable-admin-api and a token");
  if (!may_change(*admin, request.authorization))
    return refuse(request, 401,
                  "changing a pool needs the header `Authorization: Bearer TOKEN` with the agent's token");
  const auto name = percent_decoded(std::string_view(request.path).substr(std::string_view(kPoolsPath).size()));
  if (!name || name->empty()) return refuse(request, 404, std::string("name a pool: ") + kPoolsPath + "NAME");
  const auto limit = read_limit(request);
  if (!limit) return refuse(request, 400, limit.error());
  const auto pool = admin->resize(*name, *limit);
  if (!pool) return refuse(request, pool.error().status, pool.error().detail);
  const json body = {{"name", *name},
                     {"limit_buffers", pool->limit_buffers},
                     {"max_buffers", pool->max_buffers},
                     {"borrowed", pool->borrowed},
                     {"idle", pool->idle},
                     {"retired", pool->retired}};
  return {200, "application/json", body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n", {}, {}};
}

}  // namespace poolscope::api

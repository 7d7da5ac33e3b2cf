#pragma once
// One request and one response as values, so that everything but the socket is tested without one.

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poolscope::api {

struct Request {
  std::string method;
  std::string path;   // without the query, not normalised: "/a/../metrics" stays as it is
  std::string query;  // after '?', still encoded
  std::string http_version;
  std::vector<std::string> hosts;  // every Host header: more than one is an attack
  std::optional<std::string> origin;
  std::string accept_encoding;
  std::string authorization = {};
  std::string body = {};           // of a POST
  bool is_body_too_large = false;  // or its length was not told: it was not read
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string content_encoding;  // empty: identity
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace poolscope::api

// Any bytes as what a client sends (method, path, query, Host, Origin, one per line) and as a listen address.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/api/http_message.h"
#include "agent/api/listen_address.h"
#include "agent/api/query.h"
#include "agent/api/request_guard.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::api;

namespace {

std::array<std::string, 5> split_lines(std::string_view text) {
  std::array<std::string, 5> lines;
  for (std::string& line : lines) {
    const std::size_t end = text.find('\n');
    line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [method, path, query, host, origin] = split_lines({reinterpret_cast<const char*>(data), size});
  const RequestGuard guard({"poolscope.test"}, {"/", "/metrics"});
  Request request;
  request.method = method;
  request.path = path;
  request.query = query;
  request.http_version = "1.1";
  request.hosts = {host};
  if (!origin.empty()) request.origin = origin;
  if (const auto refusal = guard.refuse(request)) {
    FUZZ_CHECK(refusal->status >= 400 && refusal->status < 500);
  } else {
    FUZZ_CHECK(path == "/" || path == "/metrics");
    FUZZ_CHECK(method == "GET" || method == "HEAD");
  }
  const auto number = query_number(query, "after", {.lowest = 1, .highest = 100, .when_absent = 7});
  FUZZ_CHECK(!number || (*number >= 1 && *number <= 100));
  (void)parse_listen_address(host);
  return 0;
}

#pragma once
// HTTP with limits on size and time (libcurl). Proxies of the environment are used, but never for loopback.
//   Threads   one per HttpCall.
//   Cancel    destroy it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "poolscope/result.h"

namespace poolscope::client {

struct FetchLimits {
  std::size_t max_bytes = std::size_t{64} << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds total_timeout{30'000};
};

struct HttpRequest {
  std::string url;
  std::optional<std::string> body = {};  // makes it a POST
  std::string bearer_token = {};         // sent when not empty
};

class HttpCall {
 public:
  using Answer = Result<std::string, std::string>;  // the body, or what went wrong with which URL

  explicit HttpCall(HttpRequest request, const FetchLimits& limits = {});
  ~HttpCall();

  // Drives the transfer; waits at most `wait`, less when one of `wake_fds` becomes readable. The answer comes once.
  [[nodiscard]] std::optional<Answer> step(std::chrono::milliseconds wait, std::span<const int> wake_fds = {});

 private:
  struct Transfer;
  std::unique_ptr<Transfer> transfer_;
};

// A GET to its end; `while_waiting` is called a few times a second.
[[nodiscard]] HttpCall::Answer fetch_url(const std::string& url, const std::function<void()>& while_waiting,
                                         const FetchLimits& limits = {});

[[nodiscard]] bool is_url(std::string_view text);
// Where a page of an agent is: `page` as in "api/v1/history", below what a user calls the address of the agent.
[[nodiscard]] std::string page_url(std::string_view address, std::string_view page);
// The snapshot behind what a user calls the address of an agent: "127.0.0.1:9777", "http://host:9777" or
// "https://proxy/poolscope/" (a prefix, because of the slash). Any other path is taken as it is.
[[nodiscard]] std::string snapshot_url(std::string_view address);

// The same for what it measures from now on (docs/reference/http.md).
[[nodiscard]] std::string records_url(std::string_view address);

// As pages take times: seconds since the epoch with all nanoseconds, "1795174927.000000250".
[[nodiscard]] std::string seconds_parameter(std::uint64_t unix_ns);

}  // namespace poolscope::client

#pragma once
// RequestGuard: may this request be answered at all? Pure; knows nothing of what the pages hold.
//   Why      loopback is no border: every web page a user opens can send requests to it, and by DNS rebinding under a name of
//            its own even read the answers. So the Host must be one that no stranger can own, and an Origin must be ourselves.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/http_message.h"

namespace poolscope::api {

struct Refusal {
  int status = 0;
  std::string detail;  // the thing, the cause, the way out
};

class RequestGuard {
 public:
  // `own_names` are accepted as Host besides every IP address and localhost; `paths` are the only ones there
  // are, but for those that begin with `post_below`, which are for POST alone. Empty: there are none.
  RequestGuard(std::vector<std::string> own_names, std::vector<std::string> paths, std::string post_below = {});

  // The first reason not to answer, in the order Host, Origin, path, method; nothing when it may be answered.
  [[nodiscard]] std::optional<Refusal> refuse(const Request& request) const;

 private:
  [[nodiscard]] std::optional<Refusal> refuse_host(const Request& request) const;
  [[nodiscard]] std::optional<Refusal> refuse_origin(const Request& request) const;
  [[nodiscard]] std::optional<Refusal> refuse_path(const Request& request) const;
  [[nodiscard]] std::optional<Refusal> refuse_method(const Request& request) const;
  [[nodiscard]] bool is_for_post(const std::string& path) const;
  [[nodiscard]] bool is_own_host(std::string_view host) const;

  std::vector<std::string> own_names_;
  std::vector<std::string> paths_;
  std::string post_below_;
};

// The host of a Host header, without its port and in lower case; nothing when it is malformed.
[[nodiscard]] std::optional<std::string> host_without_port(std::string_view header);

// Foreign text for an error message: at most 80 characters, what is not printable ASCII replaced by '?'.
[[nodiscard]] std::string quote_foreign(std::string_view foreign);

}  // namespace poolscope::api

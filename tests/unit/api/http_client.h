#pragma once
// libcurl for tests: one request, everything that came back.

#include <map>
#include <string>
#include <vector>

namespace poolscope::api::testing {

struct Reply {
  int status = 0;  // 0: no answer; `error` says why
  std::string error;
  std::string body;                            // as sent, not unpacked
  std::map<std::string, std::string> headers;  // names in lower case
  double seconds = 0;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Call {
  std::string method = "GET";
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  long timeout_ms = 20000;
};

// Paths go out as written ("/a/../b").
Reply fetch(const std::string& url, const Call& call = {});

// Sends `text` as it is over one connection and returns what came until the server closed it.
std::string exchange_raw(int port, const std::string& text);

// A connection to 127.0.0.1 that says nothing, or only `text`, until the object ends.
class IdleConnection {
 public:
  explicit IdleConnection(int port, const std::string& text = "");
  ~IdleConnection();
  IdleConnection(IdleConnection&& other) noexcept;
  IdleConnection(const IdleConnection&) = delete;
  IdleConnection& operator=(const IdleConnection&) = delete;
  IdleConnection& operator=(IdleConnection&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace poolscope::api::testing

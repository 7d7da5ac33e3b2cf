#pragma once
// A loopback server for clients under test.

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace poolscope::cli_test {

class HttpServer {
 public:
  // `answer`: the whole response with its header, always the same one. Empty: accepts and never answers.
  explicit HttpServer(std::string answer);
  // By what is asked for, "/api/v1/snapshot?from=..."; called on a thread of the server.
  using Answer = std::function<std::string(const std::string& page)>;
  explicit HttpServer(Answer answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:PORT"
  [[nodiscard]] unsigned requests() const { return requests_; }

 private:
  void serve();

  Answer answer_;
  int listen_fd_;
  int stop_fd_;
  int port_ = 0;
  std::atomic<unsigned> requests_ = 0;
  std::thread thread_;
};

// "HTTP/1.1 STATUS" with `body`.
[[nodiscard]] std::string http_answer(const std::string& status, const std::string& body);

}  // namespace poolscope::cli_test

#pragma once
// A loopback server with one answer, for clients under test.

#include <atomic>
#include <string>
#include <thread>

namespace poolscope::cli_test {

class HttpServer {
 public:
  // `answer`: the whole response with its header. Empty: accepts and never answers.
  explicit HttpServer(std::string answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:PORT"
  [[nodiscard]] unsigned requests() const { return requests_; }

 private:
  void serve();

  std::string answer_;
  int listen_fd_;
  int stop_fd_;
  int port_ = 0;
  std::atomic<unsigned> requests_ = 0;
  std::thread thread_;
};

// "HTTP/1.1 STATUS" with `body`.
[[nodiscard]] std::string http_answer(const std::string& status, const std::string& body);

}  // namespace poolscope::cli_test

#include "tests/unit/cli/http_server.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace poolscope::cli_test {

namespace {

// "GET PAGE HTTP/1.1"
std::string page_of(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

}  // namespace

HttpServer::HttpServer(std::string answer)
    : HttpServer([answer = std::move(answer)](const std::string&) { return answer; }) {}

HttpServer::HttpServer(Answer answer)
    : answer_(std::move(answer)),
      listen_fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0)
    throw std::runtime_error("cannot bind to 127.0.0.1");
  ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  ::listen(listen_fd_, 8);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof one);
  thread_.join();
  ::close(stop_fd_);
  ::close(listen_fd_);
}

std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void HttpServer::serve() {
  std::vector<int> unanswered;
  for (;;) {
    std::array<pollfd, 2> polled = {pollfd{stop_fd_, POLLIN, 0}, pollfd{listen_fd_, POLLIN, 0}};
    ::poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0) break;
    const int client = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++requests_;
    std::array<char, 4096> request{};  // a GET of ours fits
    const ssize_t got = ::recv(client, request.data(), request.size(), 0);
    const std::string answer = answer_(page_of({request.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))}));
    if (answer.empty()) {
      unanswered.push_back(client);
      continue;
    }
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(client);
  }
  for (const int client : unanswered) ::close(client);
}

std::string http_answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

}  // namespace poolscope::cli_test

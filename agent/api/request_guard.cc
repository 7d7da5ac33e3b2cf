#include "agent/api/request_guard.h"

#include <algorithm>

#include <arpa/inet.h>

namespace poolscope::api {
namespace {

constexpr std::size_t kMaxPortDigits = 5;
constexpr std::size_t kMaxQuoted = 80;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPortDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ip_address(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), address) == 1;
  }
  return ::inet_pton(AF_INET, host.c_str(), address) == 1;
}

}  // namespace

std::string quote_foreign(std::string_view foreign) {
  std::string out = "\"";
  for (const char c : foreign.substr(0, kMaxQuoted)) out += (c >= ' ' && c <= '~' && c != '"') ? c : '?';
  return out + (foreign.size() > kMaxQuoted ? "...\"" : "\"");
}

std::optional<std::string> host_without_port(std::string_view header) {
  const std::size_t bracket = header.rfind(']');
  const std::size_t colon = header.find(':', bracket == header.npos ? 0 : bracket);
  if (colon != header.npos && !is_port(header.substr(colon + 1))) return std::nullopt;
  std::string host = lower(header.substr(0, colon));
  if (!host.empty() && host.back() == '.') host.pop_back();  // "localhost." is the same name
  if (host.empty()) return std::nullopt;
  return host;
}

RequestGuard::RequestGuard(std::vector<std::string> own_names, std::vector<std::string> paths, std::string post_below)
    : own_names_(std::move(own_names)), paths_(std::move(paths)), post_below_(std::move(post_below)) {
  for (std::string& name : own_names_) name = lower(name);
  std::erase(own_names_, "");
}

std::optional<Refusal> RequestGuard::refuse(const Request& request) const {
  if (auto refusal = refuse_host(request)) return refusal;
  if (auto refusal = refuse_origin(request)) return refusal;
  if (auto refusal = refuse_path(request)) return refusal;
  return refuse_method(request);
}

bool RequestGuard::is_for_post(const std::string& path) const {
  return !post_below_.empty() && path.starts_with(post_below_);
}

std::optional<Refusal> RequestGuard::refuse_method(const Request& request) const {
  const bool for_post = is_for_post(request.path);
  if (for_post ? request.method == "POST" : request.method == "GET" || request.method == "HEAD") return std::nullopt;
  return Refusal{405, "method " + quote_foreign(request.method) + " is not allowed; only " +
                          (for_post ? "POST is" : "GET and HEAD are")};
}

bool RequestGuard::is_own_host(std::string_view host) const {
  return host == "localhost" || is_ip_address(std::string(host)) ||
         std::find(own_names_.begin(), own_names_.end(), host) != own_names_.end();
}

std::optional<Refusal> RequestGuard::refuse_host(const Request& request) const {
  if (request.hosts.size() > 1) return Refusal{400, "the request has more than one Host header"};
  if (request.hosts.empty()) {
    // Every browser sends Host, so an old client without one is no rebinding.
    if (request.http_version == "1.0") return std::nullopt;
    return Refusal{400, "the request has no Host header"};
  }
  const auto host = host_without_port(request.hosts.front());
  if (host && is_own_host(*host)) return std::nullopt;
  return Refusal{403, "host " + quote_foreign(request.hosts.front()) +
                          " is not a name of this server; use its IP address, localhost or the host it listens on "
                          "(--web.listen-address)"};
}

std::optional<Refusal> RequestGuard::refuse_origin(const Request& request) const {
  if (!request.origin) return std::nullopt;
  if (!request.hosts.empty() && lower(*request.origin) == "http://" + lower(request.hosts.front())) return std::nullopt;
  return Refusal{403, "origin " + quote_foreign(*request.origin) +
                          " is another web site; this server answers to its own pages and " +
                          "to programs, which send no Origin"};
}

std::optional<Refusal> RequestGuard::refuse_path(const Request& request) const {
  if (is_for_post(request.path)) return std::nullopt;
  if (std::find(paths_.begin(), paths_.end(), request.path) != paths_.end()) return std::nullopt;
  std::string detail = "no page " + quote_foreign(request.path) + "; there are:";
  for (const std::string& path : paths_) detail += " " + path;
  return Refusal{404, detail};
}

}  // namespace poolscope::api

#include "agent/api/server.h"

#include <array>
#include <climits>
#include <exception>
#include <mutex>

#include <CivetServer.h>
#include <unistd.h>

#include "agent/api/civetweb_stop.h"
#include "agent/api/listen_address.h"
#include "agent/api/pages.h"

namespace poolscope::api {
namespace {

struct Header {
  const char* name;
  const char* value;
};
// Sent with every answer of ours.
constexpr std::array<Header, 4> kSecurityHeaders = {
    {{"X-Content-Type-Options", "nosniff"},
     {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
     {"Cross-Origin-Resource-Policy", "same-origin"},
     {"Cache-Control", "no-store"}}};

// The same for what civetweb answers by itself to broken requests; it leaves them out of answers of ours.
std::string additional_header() {
  std::string lines;
  for (const Header& header : kSecurityHeaders) {
    lines += (lines.empty() ? "" : "\r\n") + std::string(header.name) + ": " + header.value;
  }
  return lines;
}

// An open connection holds one of four threads, so it may neither idle for long nor go on for ever: after so many
// requests it is closed and has to queue again.
constexpr std::uintptr_t kMaxRequestsPerConnection = 16;

std::vector<std::string> civetweb_options(const BindableAddress& address) {
  return {"listening_ports", address.text(), "num_threads", "4", "request_timeout_ms", "5000", "enable_keep_alive",
          "yes", "keep_alive_timeout_ms", "250", "tcp_nodelay", "1",
          // Nothing of the file system: without a document root civetweb's file, CGI and directory code is not entered.
          "enable_directory_listing", "no", "cgi_pattern", "", "cgi2_pattern", "", "ssi_pattern", "",
          // Its defaults allow every origin.
          "access_control_allow_origin", "", "access_control_allow_methods", "", "access_control_allow_headers", "",
          "additional_header", additional_header()};
}

// The names by which a request may ask for this server.
std::vector<std::string> own_names(const ListenAddress& address) {
  std::array<char, HOST_NAME_MAX + 1> name{};
  (void)::gethostname(name.data(), name.size() - 1);
  return {address.host, name.data()};
}

// Of the one path that takes any.
void read_body(mg_connection* connection, Request& request) {
  if (request.method != "POST" || !request.path.starts_with(kPoolsPath)) return;
  const long long length = mg_get_request_info(connection)->content_length;
  request.is_body_too_large = length < 0 || length > static_cast<long long>(kMaxBodyBytes);
  if (request.is_body_too_large) return;
  request.body.resize(static_cast<std::size_t>(length));
  std::size_t filled = 0;
  while (filled < request.body.size()) {
    const int got = mg_read(connection, request.body.data() + filled, request.body.size() - filled);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  request.body.resize(filled);
}

Request read_request(mg_connection* connection) {
  const mg_request_info* info = mg_get_request_info(connection);
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  Request request{text(info->request_method),
                  text(info->request_uri),
                  text(info->query_string),
                  text(info->http_version),
                  {},
                  {},
                  {}};
  for (int i = 0; i < info->num_headers; ++i) {
    const mg_header& header = info->http_headers[i];
    if (mg_strcasecmp(header.name, "Host") == 0) request.hosts.push_back(text(header.value));
    if (mg_strcasecmp(header.name, "Origin") == 0) request.origin = text(header.value);
    if (mg_strcasecmp(header.name, "Accept-Encoding") == 0) request.accept_encoding = text(header.value);
    if (mg_strcasecmp(header.name, "Authorization") == 0) request.authorization = text(header.value);
  }
  read_body(connection, request);
  return request;
}

// True when the connection has to end with this answer: it had its share, or a body follows that nobody will
// read.
bool is_last_answer(mg_connection* connection) {
  const mg_request_info* info = mg_get_request_info(connection);
  const auto answered = reinterpret_cast<std::uintptr_t>(info->conn_data) + 1;
  mg_set_user_connection_data(connection, reinterpret_cast<void*>(answered));
  return answered >= kMaxRequestsPerConnection || info->content_length > 0 ||
         mg_get_header(connection, "Transfer-Encoding") != nullptr;
}

void send(mg_connection* connection, const Response& response, bool with_body) {
  if (is_last_answer(connection)) mg_disable_connection_keep_alive(connection);
  mg_response_header_start(connection, response.status);
  const auto add = [&](const char* name, const std::string& value) {
    mg_response_header_add(connection, name, value.c_str(), static_cast<int>(value.size()));
  };
  add("Content-Type", response.content_type);
  add("Content-Length", std::to_string(response.body.size()));
  if (!response.content_encoding.empty()) add("Content-Encoding", response.content_encoding);
  for (const Header& header : kSecurityHeaders) add(header.name, header.value);
  for (const auto& [name, value] : response.headers) add(name.c_str(), value);
  mg_response_header_send(connection);
  if (with_body) mg_write(connection, response.body.data(), response.body.size());
}

// Exceptions must not cross civetweb's C frames.
Response answer_or_explain(Pages& pages, const Request& request) {
  try {
    return pages.answer(request);
  } catch (const std::exception& error) {
    return error_response(request.path, 500, std::string("the page could not be made: ") + error.what());
  }
}

class CivetwebServer final : public Server {
 public:
  CivetwebServer(const ListenAddress& wanted, const SnapshotSource& source, std::optional<PoolAdmin> admin)
      : wanted_(wanted), pages_(source, own_names(wanted), std::move(admin)) {}

  ~CivetwebServer() override {
    if (civetweb_) stop_civetweb(std::move(civetweb_), address_);
  }

  // Empty when it serves, else what civetweb said.
  std::string serve(const BindableAddress& address) {
    CivetCallbacks callbacks;
    callbacks.begin_request = [](mg_connection* connection) { return self(connection).handle(connection); };
    callbacks.log_message = [](const mg_connection* connection, const char* message) {
      return connection == nullptr ? 0 : self(connection).remember(message);
    };
    try {
      civetweb_ = std::make_unique<CivetServer>(civetweb_options(address), &callbacks, this);
    } catch (const CivetException& error) {
      const std::scoped_lock lock(message_mutex_);
      return last_message_.empty() ? error.what() : last_message_;
    }
    const std::vector<int> ports = civetweb_->getListeningPorts();
    if (ports.empty()) return "civetweb listens on no port";
    address_ = {address.ipv4, static_cast<std::uint16_t>(ports.front())};
    return {};
  }

  std::string url() const override {
    return "http://" + (wanted_.host.empty() ? "127.0.0.1" : wanted_.host) + ":" + std::to_string(address_.port);
  }

 private:
  static CivetwebServer& self(const mg_connection* connection) {
    const auto* server = static_cast<const CivetServer*>(mg_get_user_data(mg_get_context(connection)));
    return *const_cast<CivetwebServer*>(static_cast<const CivetwebServer*>(server->getUserContext()));
  }

  // begin_request sees every method and every path before civetweb's own handling of files, CORS and prefixes.
  int handle(mg_connection* connection) noexcept {
    const Request request = read_request(connection);
    const Response response = answer_or_explain(pages_, request);
    send(connection, response, request.method != "HEAD");
    return response.status;
  }

  int remember(const char* message) {
    const std::scoped_lock lock(message_mutex_);
    last_message_ = message;
    return 1;  // not on stderr
  }

  const ListenAddress wanted_;
  Pages pages_;
  BindableAddress address_;
  std::mutex message_mutex_;
  std::string last_message_;
  std::unique_ptr<CivetServer> civetweb_;  // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<Server>, ServerError> Server::start(const std::string& listen_address,
                                                           const SnapshotSource& source,
                                                           std::optional<PoolAdmin> admin) {
  const auto wanted = parse_listen_address(listen_address);
  if (!wanted) return Failure{wanted.error()};
  const auto bindable = find_bindable(*wanted);
  if (!bindable) return Failure{bindable.error()};
  auto server = std::make_unique<CivetwebServer>(*wanted, source, std::move(admin));
  if (const std::string refusal = server->serve(*bindable); !refusal.empty()) {
    return Failure{ServerError{listen_address, listen_address + " cannot be served: " + refusal, 0}};
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace poolscope::api

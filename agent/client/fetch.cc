#include "agent/client/fetch.h"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "exporters/text/line.h"

namespace poolscope::client {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kMaxShownColumns = 200;
constexpr milliseconds kStep{100};

template <auto Free>
struct Deleter {
  void operator()(auto* pointer) const { Free(pointer); }
};

// Once per process, before any other thread could use libcurl.
void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;  // a failure shows as a null handle
}

bool is_loopback(const std::string& url) {
  const std::unique_ptr<CURLU, Deleter<curl_url_cleanup>> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return false;
  char* host = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) return false;
  const std::unique_ptr<char, Deleter<curl_free>> owner(host);
  const std::string_view name(host);
  return name == "localhost" || name.starts_with("127.") || name == "[::1]";
}

std::string first_line(std::string_view body) {
  return text::cut_end(text::printable(body.substr(0, body.find_first_of("\r\n"))), kMaxShownColumns);
}

}  // namespace

struct HttpCall::Transfer {
  HttpRequest request;
  FetchLimits limits;
  std::string body;
  bool too_large = false;
  std::array<char, CURL_ERROR_SIZE> error_text{};
  std::unique_ptr<curl_slist, Deleter<curl_slist_free_all>> headers;
  std::unique_ptr<CURLM, Deleter<curl_multi_cleanup>> multi;
  std::unique_ptr<CURL, Deleter<curl_easy_cleanup>> easy;

  ~Transfer() {
    if (multi && easy) curl_multi_remove_handle(multi.get(), easy.get());
  }

  void set_up();
  void set_up_request();
  [[nodiscard]] std::optional<CURLcode> result();
  [[nodiscard]] Answer answer(CURLcode code);
  [[nodiscard]] std::string failure(CURLcode code);
  static std::size_t receive(const char* data, std::size_t one, std::size_t bytes, void* self);
};

std::size_t HttpCall::Transfer::receive(const char* data, std::size_t, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.too_large = transfer.body.size() + bytes > transfer.limits.max_bytes;
  if (transfer.too_large) return 0;
  transfer.body.append(data, bytes);
  return bytes;
}

void HttpCall::Transfer::set_up() {
  CURL* handle = easy.get();
  set_up_request();
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");  // every compression libcurl knows
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "poolscope/" POOLSCOPE_VERSION);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // cancelling must not wait for a slow name server
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  if (is_loopback(request.url)) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_multi_add_handle(multi.get(), handle);
}

void HttpCall::Transfer::set_up_request() {
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  if (request.body) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body->size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body->c_str());
  }
  if (request.bearer_token.empty()) return;
  headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + request.bearer_token).c_str()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
}

std::optional<CURLcode> HttpCall::Transfer::result() {
  if (!multi || !easy) return CURLE_FAILED_INIT;
  int running = 0;
  if (curl_multi_perform(multi.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi.get(), &left);
  if (message == nullptr || message->msg != CURLMSG_DONE) return std::nullopt;
  return message->data.result;
}

std::string HttpCall::Transfer::failure(CURLcode code) {
  if (too_large) return "the answer is larger than " + std::to_string(limits.max_bytes >> 20) + " MiB";
  if (code == CURLE_COULDNT_CONNECT) {
    long sys_errno = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &sys_errno);
    const std::string cause = sys_errno != 0 ? std::strerror(static_cast<int>(sys_errno)) : "cannot connect";
    return cause + "; is `poolscope agent` running there?";
  }
  return error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
}

HttpCall::Answer HttpCall::Transfer::answer(CURLcode code) {
  if (code != CURLE_OK) return Failure{"cannot fetch " + request.url + ": " + failure(code)};
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return std::move(body);
  const std::string said = first_line(body);
  return Failure{"cannot fetch " + request.url + ": the server answered HTTP " + std::to_string(status) +
                 (said.empty() ? "" : " (" + said + ")")};
}

HttpCall::HttpCall(HttpRequest request, const FetchLimits& limits) : transfer_(std::make_unique<Transfer>()) {
  initialise_curl();
  transfer_->request = std::move(request);
  transfer_->limits = limits;
  transfer_->multi.reset(curl_multi_init());
  transfer_->easy.reset(curl_easy_init());
  if (transfer_->multi && transfer_->easy) transfer_->set_up();
}

HttpCall::~HttpCall() = default;

std::optional<HttpCall::Answer> HttpCall::step(milliseconds wait, std::span<const int> wake_fds) {
  if (const auto code = transfer_->result()) return transfer_->answer(*code);
  std::vector<curl_waitfd> extra;
  for (const int fd : wake_fds) extra.push_back({fd, CURL_WAIT_POLLIN, 0});
  curl_multi_poll(transfer_->multi.get(), extra.data(), static_cast<unsigned>(extra.size()),
                  static_cast<int>(wait.count()), nullptr);
  if (const auto code = transfer_->result()) return transfer_->answer(*code);
  return std::nullopt;
}

HttpCall::Answer fetch_url(const std::string& url, const std::function<void()>& while_waiting,
                           const FetchLimits& limits) {
  HttpCall get({url}, limits);
  for (;;) {  // ends: the transfer has a total timeout
    if (auto answer = get.step(kStep)) return std::move(*answer);
    if (while_waiting) while_waiting();
  }
}

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string page_url(std::string_view address, std::string_view page) {
  std::string url = is_url(address) ? std::string(address) : "http://" + std::string(address);
  const std::size_t path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) return url.append("/").append(page);
  if (url.ends_with('/')) return url.append(page);
  return url;
}

std::string snapshot_url(std::string_view address) {
  return page_url(address, "api/v1/snapshot");
}

std::string records_url(std::string_view address) {
  return page_url(address, "api/v1/records");
}

std::string seconds_parameter(std::uint64_t unix_ns) {
  const std::string rest = std::to_string(unix_ns % 1'000'000'000);
  return std::to_string(unix_ns / 1'000'000'000) + "." + std::string(9 - rest.size(), '0') + rest;
}

}  // namespace poolscope::client

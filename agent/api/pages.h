#pragma once
// Pages: the answer to every request, from the guard to the page, without a socket.
//   Threads   answer() from any thread; it takes one shared_ptr of the source and works on that.
//   Errors    below /api as {"error": "..."}, elsewhere as plain text. Lack of memory is thrown.

#include <optional>
#include <string>
#include <vector>

#include "agent/api/http_message.h"
#include "agent/api/pool_admin.h"
#include "agent/api/request_guard.h"
#include "agent/api/server.h"
#include "agent/api/snapshot_text.h"
#include "exporters/prometheus/metrics.h"

namespace poolscope::api {

class Pages {
 public:
  // `source` must outlive the pages. `own_names` are further names this server may be asked for, see
  // RequestGuard. Without `admin` nothing can be changed.
  Pages(const SnapshotSource& source, std::vector<std::string> own_names, std::optional<PoolAdmin> admin = {});

  [[nodiscard]] Response answer(const Request& request);

 private:
  struct Page {
    const char* path;
    Response (Pages::*make)(const Request& request);
  };
  static const std::vector<Page>& all();
  static std::vector<std::string> paths();

  Response landing(const Request& request);
  Response metrics(const Request& request);
  Response healthy(const Request& request);
  Response readiness(const Request& request);
  Response latest(const Request& request);
  Response history(const Request& request);
  Response records(const Request& request);
  Response snapshot_of(const Request& request, const UnixRange& range);

  [[nodiscard]] std::optional<std::string> waiting_for() const;

  const SnapshotSource& source_;
  std::optional<PoolAdmin> admin_;
  RequestGuard guard_;
  prometheus_text::MetricsPage metrics_page_;
  SnapshotText snapshot_text_;
};

// An error as the page at `path` gives it.
[[nodiscard]] Response error_response(const std::string& path, int status, const std::string& detail);

}  // namespace poolscope::api

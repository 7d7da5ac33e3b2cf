#pragma once
// The agent's HTTP side (civetweb): pages and formats of one immutable Snapshot.
//   /  /metrics  /-/healthy  /-/ready  /api/v1/snapshot[?from=TIME&to=TIME]  /api/v1/history?after=SEQUENCE[&limit=N]
//   /api/v1/records[?after=TIME]
//   Threads   start() and the destructor: one thread. Handlers run on civetweb's threads and only read the SnapshotSource,
//             which must be thread-safe.
//   Safety    loopback by default; Host allow-list (IP addresses, localhost, the listen host, the machine's name); any Origin
//             that is not ourselves is refused; no CORS; no document root; exact paths; GET and HEAD only, but for
//             POST /api/v1/pools/NAME, which needs a token and is off by default.
//   Clients   one thread each while a request is under way, four in all; a stuck one loses its connection after five seconds.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/pool_admin.h"
#include "exporters/model/snapshot.h"
#include "poolscope/result.h"

namespace poolscope::api {

// By the wall clock; both ends belong to it.
struct UnixRange {
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = ~std::uint64_t{0};
};

// Why there is no snapshot of a range.
struct RangeRefusal {
  int status = 404;  // of HTTP
  std::string detail;
};

// What the server shows. snapshot() may be null before the first measurement.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  [[nodiscard]] virtual std::shared_ptr<const model::Snapshot> snapshot() const = 0;
  // Snapshots with agent.sequence > `after`, oldest first, at most `limit`.
  [[nodiscard]] virtual std::vector<std::shared_ptr<const model::Snapshot>> history(std::uint64_t after,
                                                                                    std::size_t limit) const = 0;
  // What was known at the end of a range, estimated from what was measured in it. May wait for the measuring thread, for seconds at most.
  [[nodiscard]] virtual Result<std::shared_ptr<const model::Snapshot>, RangeRefusal> snapshot_of(
      const UnixRange& range) const = 0;
  // A recording (docs/reference/recording.md) of what was measured after `unix_ns`, from the first question on. May wait likewise.
  [[nodiscard]] virtual std::string records_after(std::uint64_t unix_ns) const = 0;
  // True once every configured target was looked for and its collectors have a state.
  [[nodiscard]] virtual bool ready() const = 0;
  // Whether the last reload of the configuration succeeded, and when it was (unix seconds).
  struct Reload {
    bool successful = true;
    double time_unix_seconds = 0;
  };
  [[nodiscard]] virtual Reload last_reload() const = 0;
};

struct ServerError {
  std::string listen_address;
  std::string detail;
  int sys_errno = 0;
};
[[nodiscard]] std::string describe(const ServerError& error);

class Server {
 public:
  // `source` must outlive the server. `listen_address` is HOST:PORT, port 0 for a free one. Fails when the
  // port is in use or the address is not ours; IPv6 and TLS ("...s") are refused with a reason, because
  // Debian's civetweb cannot serve them. Without `admin` nothing can be changed.
  [[nodiscard]] static Result<std::unique_ptr<Server>, ServerError> start(const std::string& listen_address,
                                                                          const SnapshotSource& source,
                                                                          std::optional<PoolAdmin> admin = {});
  virtual ~Server() = default;                        // stops serving and joins the threads
  [[nodiscard]] virtual std::string url() const = 0;  // "http://127.0.0.1:9777", with the real port
};

}  // namespace poolscope::api

#pragma once
// PoolHost: the process behind `poolscope pools serve`: listens on a Unix socket, opens pools to those who may, notices when they end.
//   Threads   one: serve() is the whole life of it. It needs no rights but those to its folder.
//   Trust     of peers only what the kernel says of them (uid, pid). A packet that is not as it should be ends its connection;
//             nothing is waited for: who does not take its answer loses the connection.
//   Files     SOCKET, SOCKET.lock (who has it is the host), SOCKET.state (HostState).

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/host/host_pool.h"

namespace poolscope::host {

class PoolHost {
 public:
  // Fails with what could not be done and the way out.
  [[nodiscard]] static Result<std::unique_ptr<PoolHost>, std::string> start(const std::vector<PoolConfig>& pools,
                                                                            const std::string& socket_path);
  PoolHost(const PoolHost&) = delete;
  PoolHost& operator=(const PoolHost&) = delete;
  ~PoolHost();

  // Until `stop_fd` becomes readable.
  void serve(int stop_fd);
  // What is ready now, waiting for at most so long: one turn of serve().
  void serve_once(int stop_fd, std::chrono::milliseconds at_most);
  // Null: there is none of this name.
  [[nodiscard]] const HostPool* pool(const std::string& name) const;

 private:
  struct Connection {
    UniqueFd socket, process;  // pidfd; none where the pid is not visible
    Peer peer;
    HostPool* pool = nullptr;  // once it is a client
    std::uint16_t client = detail::kNoClient;
  };

  explicit PoolHost(std::string socket_path) : path_(std::move(socket_path)) {}
  Result<Done, std::string> take_lock();
  Result<Done, std::string> start_pools(const std::vector<PoolConfig>& pools);
  Result<Done, std::string> listen();
  void accept_all();
  void add_connection(UniqueFd socket);
  // False: the connection is over.
  bool answer_one(Connection& connection);
  bool answer_open(Connection& connection, const hosted::Request& request, std::vector<UniqueFd> descriptors);
  bool answer_list(const Connection& connection, const hosted::Request& request);
  bool answer_holders(const Connection& connection, const hosted::Request& request);
  HostPool* find(const hosted::Request& request);
  bool answer_resize(const Connection& connection, const hosted::Request& request);
  bool send(const Connection& connection, const hosted::Reply& reply, std::span<const int> descriptors = {});
  bool refuse(const Connection& connection, hosted::Answer answer, std::string_view why);
  void end(Connection& connection);
  void tick_when_due();
  Result<Done, std::string> save_state() const;

  std::string path_, boot_id_;
  UniqueFd lock_, listener_;
  ps_page page_{};
  std::map<std::string, std::unique_ptr<HostPool>> pools_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Clock::time_point next_tick_{};
  bool is_accepting_ = true;  // not while descriptors are short, until the next tick
};

}  // namespace poolscope::host

#include "agent/host/pool_host.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/host/host_files.h"
#include "probes/process/process.h"

namespace poolscope::host {

using hosted::Answer;
using hosted::Received;
using hosted::Reply;
using hosted::Request;
using hosted::RequestKind;

namespace {

constexpr std::chrono::milliseconds kTick{1000};
constexpr std::size_t kMaxConnections = 8192;
constexpr std::size_t kMaxConnectionsPerUid = 4096;
constexpr int kBacklog = 128;
constexpr const char* kMayNotList = "only root and the user of the host may list its pools";
constexpr const char* kNoSuchPool = "the host has no pool of this name";

Failure<std::string> failed(const std::string& what) {
  return Failure{what + ": " + std::strerror(errno)};
}

// Two descriptors for each client.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Peer peer_of(int socket) {
  ucred credentials{};
  socklen_t bytes = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) return {static_cast<uid_t>(-1), {}};
  Peer peer{credentials.uid, {}};
  if (const auto status = process::read_status(credentials.pid)) peer.process = status->key;
  return peer;
}

bool is_administrator(const Peer& peer) {
  return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

// ---- start ----------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<PoolHost>, std::string> PoolHost::start(const std::vector<PoolConfig>& pools,
                                                               const std::string& socket_path) {
  raise_descriptor_limit();
  std::unique_ptr<PoolHost> host(new PoolHost(socket_path));
  if (const auto locked = host->take_lock(); !locked) return Failure{locked.error()};
  (void)ps_page_create(&host->page_, "poolscope pools serve");
  if (const auto started = host->start_pools(pools); !started) return Failure{started.error()};
  if (const auto saved = host->save_state(); !saved) return Failure{saved.error()};
  if (const auto listening = host->listen(); !listening) return Failure{listening.error()};
  return host;
}

PoolHost::~PoolHost() {
  if (listener_) (void)::unlink(path_.c_str());
  connections_.clear();
  pools_.clear();  // they publish on the page
  ps_page_destroy(&page_);
}

Result<Done, std::string> PoolHost::take_lock() {
  const std::string folder = path_.substr(0, path_.rfind('/'));
  if (!folder.empty() && ::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return failed("cannot make " + folder);
  const std::string file = path_ + ".lock";
  lock_ = UniqueFd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock_) return failed("cannot open " + file);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return Done{};
  if (errno != EWOULDBLOCK) return failed("cannot lock " + file);
  return Failure{"another host serves at " + path_ + "; end it, or choose another --socket"};
}

Result<Done, std::string> PoolHost::start_pools(const std::vector<PoolConfig>& pools) {
  boot_id_ = read_boot_id();
  HostState before = read_state(path_ + ".state", boot_id_);
  const auto now = Clock::now();
  for (const PoolConfig& config : pools) {
    const auto earlier = std::ranges::find(before.pools, config.name, &PoolRecord::name);
    auto pool = std::make_unique<HostPool>(
        config, earlier == before.pools.end() ? std::nullopt : std::optional(*earlier), page_, now);
    if (const auto started = pool->start(now); !started) return Failure{started.error()};
    pools_[config.name] = std::move(pool);
  }
  return Done{};
}

Result<Done, std::string> PoolHost::listen() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof(address.sun_path))
    return Failure{"a socket's path has at most 107 bytes: " + path_ + "; choose another --socket"};
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failed("socket");
  // The lock is ours, so what is there was left by a host that ended.
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return failed("cannot replace " + path_);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return failed("cannot bind " + path_);
  // Everybody may connect: who may open what is a matter of the pools.
  if (::chmod(path_.c_str(), 0666) != 0) return failed("cannot open " + path_ + " to other users");
  if (::listen(socket.get(), kBacklog) != 0) return failed("cannot listen at " + path_);
  listener_ = std::move(socket);
  return Done{};
}

// ---- turns ----------------------------------------------------------------------------------------------------------

void PoolHost::serve(int stop_fd) {
  for (pollfd stop{stop_fd, POLLIN, 0}; ::poll(&stop, 1, 0) <= 0;) serve_once(stop_fd, kTick);
}

void PoolHost::serve_once(int stop_fd, std::chrono::milliseconds at_most) {
  std::vector<pollfd> waited = {{stop_fd, POLLIN, 0}, {is_accepting_ ? listener_.get() : -1, POLLIN, 0}};
  const std::size_t first = waited.size();
  for (const auto& connection : connections_) {
    waited.push_back({connection->socket.get(), POLLIN, 0});
    waited.push_back({connection->process ? connection->process.get() : -1, POLLIN, 0});
  }
  const std::size_t count = connections_.size();  // of those that were waited for
  if (::poll(waited.data(), waited.size(), static_cast<int>(at_most.count())) > 0) {
    for (std::size_t i = 0; i < count; ++i) {
      const bool has_ended = waited[first + 2 * i + 1].revents != 0;
      const bool is_ready = waited[first + 2 * i].revents != 0;
      Connection& connection = *connections_[i];
      if (has_ended || (is_ready && !answer_one(connection))) end(connection);
    }
    std::erase_if(connections_, [](const auto& connection) { return !connection->socket; });
    if (waited[1].revents != 0) accept_all();
  }
  tick_when_due();
}

void PoolHost::tick_when_due() {
  const auto now = Clock::now();
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  is_accepting_ = true;
  bool is_changed = false;
  for (auto& [name, pool] : pools_) is_changed = pool->tick(now) || is_changed;
  if (is_changed) (void)save_state();  // as after a resize
}

void PoolHost::accept_all() {
  for (int i = 0; i < kBacklog; ++i) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) {
      add_connection(std::move(socket));
      continue;
    }
    is_accepting_ = errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
    return;
  }
}

void PoolHost::add_connection(UniqueFd socket) {
  auto connection = std::make_unique<Connection>();
  connection->peer = peer_of(socket.get());
  const auto of_same_user =
      std::ranges::count_if(connections_, [&](const auto& other) { return other->peer.uid == connection->peer.uid; });
  if (connections_.size() >= kMaxConnections || static_cast<std::size_t>(of_same_user) >= kMaxConnectionsPerUid) return;
  if (connection->peer.process.pid != 0)
    connection->process = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, connection->peer.process.pid, 0)));
  connection->socket = std::move(socket);
  connections_.push_back(std::move(connection));
}

void PoolHost::end(Connection& connection) {
  if (connection.pool != nullptr) {
    connection.pool->close(connection.client);
    (void)save_state();  // a client too many in it is found out to have ended
  }
  connection.pool = nullptr;
  connection.socket.reset();
}

const HostPool* PoolHost::pool(const std::string& name) const {
  const auto found = pools_.find(name);
  return found == pools_.end() ? nullptr : found->second.get();
}

Result<Done, std::string> PoolHost::save_state() const {
  HostState state{boot_id_, {}};
  for (const auto& [name, pool] : pools_) state.pools.push_back(pool->record());
  return write_state(path_ + ".state", state);
}

HostPool* PoolHost::find(const Request& request) {
  const auto found = pools_.find(std::string(hosted::text_of(request.pool)));
  return found == pools_.end() ? nullptr : found->second.get();
}

// ---- answers --------------------------------------------------------------------------------------------------------

bool PoolHost::send(const Connection& connection, const Reply& reply, std::span<const int> descriptors) {
  return hosted::send_packet(connection.socket.get(), &reply, sizeof(reply), descriptors) == 0;
}

bool PoolHost::refuse(const Connection& connection, Answer answer, std::string_view why) {
  Reply reply;
  reply.answer = answer;
  hosted::set_text(reply.text, why);
  return send(connection, reply);
}

bool PoolHost::answer_one(Connection& connection) {
  Request request;
  std::vector<UniqueFd> descriptors;
  const Received received = hosted::receive_packet(connection.socket.get(), &request, sizeof(request), descriptors);
  if (received == Received::kNothing) return true;
  // A client has nothing more to say: this is its end.
  if (received == Received::kEnd || connection.pool != nullptr) return false;
  if (request.version != hosted::kWireVersion) {
    (void)refuse(connection, Answer::kRefused, "the host is of another version");
    return false;
  }
  switch (request.kind) {
    case RequestKind::kOpen:
    case RequestKind::kReopen:
      return answer_open(connection, request, std::move(descriptors));
    case RequestKind::kList:
      return answer_list(connection, request);
    case RequestKind::kHolders:
      return answer_holders(connection, request);
    case RequestKind::kResize:
      return answer_resize(connection, request);
  }
  return false;
}

bool PoolHost::answer_open(Connection& connection, const Request& request, std::vector<UniqueFd> descriptors) {
  HostPool* const found = find(request);
  if (found == nullptr) return refuse(connection, Answer::kUnknown, kNoSuchPool);
  HostPool& pool = *found;
  const bool is_first = request.kind == RequestKind::kOpen;
  const OpenAnswer answer = is_first ? pool.open(connection.peer, Clock::now())
                                     : pool.reopen(connection.peer, request.client, std::move(descriptors));
  if (answer.answer != Answer::kOk) return refuse(connection, answer.answer, answer.why);
  connection.pool = &pool;
  connection.client = answer.client;
  // Written down before the client can take anything.
  if (const auto saved = save_state(); !saved) {
    (void)refuse(connection, Answer::kRefused, saved.error());
    return false;
  }
  Reply reply;
  pool.describe(reply);
  reply.client = answer.client;
  const std::array<int, 3> all = {pool.memory()->control_fd(), pool.memory()->words_fd(), pool.memory()->payload_fd()};
  return send(connection, reply, std::span(all).first(is_first ? 3 : 1));
}

bool PoolHost::answer_list(const Connection& connection, const Request& request) {
  if (!is_administrator(connection.peer)) return refuse(connection, Answer::kRefused, kMayNotList);
  Reply reply;
  if (request.from < pools_.size()) {
    HostPool& pool = *std::next(pools_.begin(), request.from)->second;
    pool.look();
    pool.describe(reply);
    reply.more = static_cast<std::uint32_t>(pools_.size()) - request.from - 1;
  }
  return send(connection, reply);
}

bool PoolHost::answer_holders(const Connection& connection, const Request& request) {
  const HostPool* const pool = find(request);
  hosted::Holders packet;
  if (!is_administrator(connection.peer) || pool == nullptr) {
    packet.answer = pool == nullptr ? Answer::kUnknown : Answer::kRefused;
    hosted::set_text(packet.text, pool == nullptr ? kNoSuchPool : kMayNotList);
  } else {
    packet = pool->holders(request.from);
  }
  return hosted::send_packet(connection.socket.get(), &packet, sizeof(packet), {}) == 0;
}

bool PoolHost::answer_resize(const Connection& connection, const Request& request) {
  if (!is_administrator(connection.peer))
    return refuse(connection, Answer::kRefused, "only root and the user of the host may resize its pools");
  HostPool* const pool = find(request);
  if (pool == nullptr) return refuse(connection, Answer::kUnknown, kNoSuchPool);
  if (const auto resized = pool->resize(request.buffers); !resized)
    return refuse(connection, Answer::kRefused, resized.error());
  (void)save_state();  // the limit holds now; after a restart it would be the one before
  Reply reply;
  pool->describe(reply);
  return send(connection, reply);
}

}  // namespace poolscope::host

#pragma once
// Connection: a client's side of a hosted pool: what it has mapped, its socket to the host, and the thread that finds
// another host when this one ends.
//   Order     open(), then start_keeping() once; the destructor ends the thread. The mappings stay where they are all the time.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include <unistd.h>

#include "pools/hosted/mapping.h"
#include "pools/hosted/wire.h"
#include "poolscope/hosted_pool.h"

namespace poolscope::hosted {

class Connection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Connection>, HostedPoolError> open(const HostedPoolOptions& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // False: no thread could be started, so this host is the only one.
  bool start_keeping();

  [[nodiscard]] const ControlPage& control() const { return *static_cast<const ControlPage*>(control_.base()); }
  [[nodiscard]] void* words() const { return words_.base(); }
  [[nodiscard]] std::byte* payload() const { return static_cast<std::byte*>(payload_.base()); }
  [[nodiscard]] std::uint16_t client() const { return client_; }
  [[nodiscard]] bool is_served() const { return is_served_.load(std::memory_order_relaxed); }

 private:
  enum class Reopened { kYes, kLater, kNever };

  Connection(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}
  HostedPoolError error(HostedPoolError::Reason reason, const std::string& text) const;
  // One attempt; kOk: everything is mapped.
  Result<Answer, HostedPoolError> try_open();
  Result<Done, HostedPoolError> take_over(const Reply& reply, std::vector<UniqueFd> descriptors);
  Reopened try_reopen();
  void keep_served();
  // True: the connection is being destroyed.
  bool wait_for_stop(std::chrono::milliseconds at_most) const;
  bool wait_for_end_of_host() const;

  std::string name_, path_;
  UniqueFd socket_, words_fd_, payload_fd_, stop_;
  Mapping control_, words_, payload_;
  std::uint16_t client_ = 0;
  pid_t process_ = ::getpid();
  std::atomic<bool> is_served_{true};
  std::thread keeper_;
};

}  // namespace poolscope::hosted

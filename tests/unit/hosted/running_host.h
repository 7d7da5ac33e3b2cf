#pragma once
// A host with a pool "frames", and others if a test wants them, in a folder of its own; served by a thread or turn by turn.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/host/administer.h"
#include "agent/host/pool_host.h"
#include "poolscope/hosted_pool.h"
#include "tests/unit/process/child.h"

namespace poolscope::host::test {

using process::test::eventually;

class RunningHost {
 public:
  explicit RunningHost(PoolConfig pool = {"frames", 4096, 8, 16, {}}, std::vector<PoolConfig> others = {})
      : pool_(std::move(pool)), others_(std::move(others)) {
    char folder[] = "/tmp/hosted-test-XXXXXX";
    if (::mkdtemp(folder) == nullptr) std::abort();
    folder_ = folder;
  }
  RunningHost(const RunningHost&) = delete;
  RunningHost& operator=(const RunningHost&) = delete;
  ~RunningHost() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  // Made, not served: turn() does that.
  void start() {
    auto pools = others_;
    pools.push_back(pool_);
    auto host = PoolHost::start(pools, socket());
    ASSERT_TRUE(host.has_value()) << host.error();
    host_ = std::move(*host);
  }
  void start_thread() {
    start();
    thread_ = std::thread([this] { host_->serve(stop_.get()); });
  }
  void turn() { host_->serve_once(stop_.get(), std::chrono::milliseconds(1)); }
  // As if it was killed: its memory goes, its file stays. Nobody is told anything.
  void stop() {
    if (thread_.joinable()) {
      EXPECT_EQ(::eventfd_write(stop_.get(), 1), 0);
      thread_.join();
      eventfd_t value = 0;
      EXPECT_EQ(::eventfd_read(stop_.get(), &value), 0);
    }
    host_.reset();
  }

  [[nodiscard]] std::string socket() const { return folder_ + "/pools.sock"; }
  [[nodiscard]] PoolHost& host() { return *host_; }
  [[nodiscard]] PoolConfig& config() { return pool_; }
  [[nodiscard]] Result<std::unique_ptr<HostedPool>, HostedPoolError> open(
      const std::string& name = "frames", std::chrono::milliseconds wait_at_most = std::chrono::seconds(30)) const {
    return HostedPool::open({name, socket(), wait_at_most});
  }
  // As the host tells it; all 0 when it does not.
  [[nodiscard]] hosted::Reply pool() const {
    const auto pools = list_pools(socket());
    for (const auto& listing : pools ? *pools : std::vector<PoolListing>{}) {
      if (hosted::text_of(listing.pool.pool) == pool_.name) return listing.pool;
    }
    return {};
  }

 private:
  PoolConfig pool_;
  std::vector<PoolConfig> others_;
  std::string folder_;
  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<PoolHost> host_;
  std::thread thread_;
};

}  // namespace poolscope::host::test

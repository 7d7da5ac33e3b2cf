// hosted_service: a service that uses a hosted pool and says what it did: one JSON line after its rounds, and one after each SIGUSR1, upon which it
// takes one buffer more. It goes on until it is ended; what it holds it never puts back.
//   Counts    its own: gets that gave a buffer, gets that gave none, puts.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <poolscope/hosted_pool.h>

#include "json_line.h"

namespace {

struct Options {
  std::string socket, pool;
  std::uint64_t rounds = 0, hold = 0;
};

class Service {
 public:
  explicit Service(poolscope::HostedPool& pool) : pool_(pool) {}

  void use(std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      auto buffer = get();
      if (!buffer) continue;
      std::memset(buffer.data(), static_cast<int>(i), buffer.capacity());
      buffer.release();
      ++puts_;
    }
  }
  void hold_one_more() {
    if (auto buffer = get()) held_.push_back(std::move(buffer));
  }
  void print() const {
    json_open(nullptr);
    json_number("gets", gets_);
    json_number("failed", failed_);
    json_number("puts", puts_);
    json_number("held", held_.size());
    json_number("limit", pool_.limit_buffers());
    json_number("is_served", pool_.is_served() ? 1 : 0);
    json_close();
    json_flush();
  }

 private:
  poolscope::HostedBuffer get() {
    auto buffer = pool_.acquire();
    ++(buffer ? gets_ : failed_);
    return buffer;
  }

  poolscope::HostedPool& pool_;
  std::vector<poolscope::HostedBuffer> held_;
  std::uint64_t gets_ = 0, failed_ = 0, puts_ = 0;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--socket") options.socket = argv[i + 1];
    if (name == "--pool") options.pool = argv[i + 1];
    if (name == "--rounds") options.rounds = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--hold") options.hold = std::strtoull(argv[i + 1], nullptr, 10);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  sigset_t one_more;
  sigemptyset(&one_more);
  sigaddset(&one_more, SIGUSR1);
  sigprocmask(SIG_BLOCK, &one_more, nullptr);
  const auto pool = poolscope::HostedPool::open({.name = options.pool, .socket = options.socket});
  if (!pool) {
    std::fprintf(stderr, "hosted_service: %s\n", pool.error().text.c_str());
    return 1;
  }
  Service service(**pool);
  service.use(options.rounds);
  for (std::uint64_t i = 0; i < options.hold; ++i) service.hold_one_more();
  service.print();
  for (int signal = 0; sigwait(&one_more, &signal) == 0;) {
    service.hold_one_more();
    service.print();
  }
}

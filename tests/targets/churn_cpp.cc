// churn_cpp: what a C++ service does to its heap: requests that build vectors, strings and maps and drop them again, beside a
// table of long-lived records of which each request replaces one.
//   Load      --threads N (default 1), each at most --rate requests per second (default 0: as fast as it can); or, with --on-input 1,
//             one request for each byte that comes by the standard input, until its end.
//   End       SIGTERM or --seconds N; prints {"operations": N, "duration_ns": N, "operations_per_second": N}.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

struct Options {
  unsigned threads = 1;
  unsigned rate = 0;
  unsigned seconds = 0;
  unsigned on_input = 0;
};

struct Record {
  std::string key;
  std::vector<std::uint32_t> values;
};

class Service {
 public:
  explicit Service(unsigned seed) : random_(seed * 2654435761u + 1) {
    while (records_.size() < 1000) store(records_.size());
  }

  // One request: parse, look up, build an answer, replace a record. Returns a check sum, so that nothing is
  // optimised away.
  std::size_t serve() {
    const std::string request = "GET /records/" + std::to_string(next() % 1000) + "?fields=key,values&format=text";
    std::map<std::string, std::string> parameters = parse(request);
    std::vector<std::uint32_t> growing;
    for (std::uint32_t i = 0, count = next() % 500; i < count; ++i) growing.push_back(i);
    const std::size_t id = next() % records_.size();
    store(id);
    const auto scratch = std::make_unique<std::uint8_t[]>(512 + next() % 2048);
    scratch[0] = static_cast<std::uint8_t>(id);
    return parameters.size() + growing.size() + records_[id]->key.size() + scratch[0];
  }

 private:
  static std::map<std::string, std::string> parse(std::string_view request) {
    std::map<std::string, std::string> parameters;
    std::string_view rest = request.substr(request.find('?') + 1);
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find('&'));
      const std::size_t equals = one.find('=');
      parameters.emplace(std::string(one.substr(0, equals)),
                         std::string(one.substr(equals + 1)) + " as the client sent it");
      rest.remove_prefix(one.size() == rest.size() ? rest.size() : one.size() + 1);
    }
    return parameters;
  }

  void store(std::size_t id) {
    auto record = std::make_unique<Record>();
    record->key = "record number " + std::to_string(id) + " of this service";
    record->values.assign(16 + next() % 64, static_cast<std::uint32_t>(id));
    records_[id] = std::move(record);
  }

  std::uint32_t next() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_;
  }

  std::uint32_t random_;
  std::unordered_map<std::size_t, std::unique_ptr<Record>> records_;
};

std::uint64_t serve_until_stopped(unsigned seed, unsigned rate) {
  Service service(seed);
  const Clock::time_point start = Clock::now();
  std::uint64_t operations = 0;
  std::size_t sum = 0;
  while (!stop_requested.load(std::memory_order_relaxed)) {
    sum += service.serve();
    ++operations;
    if (rate > 0) std::this_thread::sleep_until(start + operations * std::chrono::nanoseconds(1'000'000'000 / rate));
  }
  return sum == 0 ? 0 : operations;
}

std::uint64_t serve_input() {
  Service service(1);
  char bytes[4096];
  std::uint64_t operations = 0;
  std::size_t sum = 0;
  for (ssize_t count; (count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0;) {
    for (ssize_t i = 0; i < count; ++i) sum += service.serve();
    operations += static_cast<std::uint64_t>(count);
  }
  return sum == 0 ? 0 : operations;
}

void print_operations(std::uint64_t operations, std::chrono::nanoseconds duration) {
  std::printf("{\"operations\": %llu, \"duration_ns\": %lld, \"operations_per_second\": %.0f}\n",
              static_cast<unsigned long long>(operations), static_cast<long long>(duration.count()),
              static_cast<double>(operations) / std::chrono::duration<double>(duration).count());
}

Options parse_options(int argc, char** argv) {
  Options options;
  const std::map<std::string_view, unsigned*> known = {{"--threads", &options.threads},
                                                       {"--rate", &options.rate},
                                                       {"--seconds", &options.seconds},
                                                       {"--on-input", &options.on_input}};
  for (int i = 1; i < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end() || i + 1 == argc) {
      std::fputs("usage: churn_cpp [--threads N] [--rate REQUESTS_PER_SECOND] [--seconds N] [--on-input 1]\n", stderr);
      std::exit(2);
    }
    *found->second = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
  }
  return options;
}

void wait_for_the_end(unsigned seconds) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  while (!stop_requested && (seconds == 0 || Clock::now() < end))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  stop_requested = true;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  std::signal(SIGTERM, [](int) { stop_requested = true; });
  const Clock::time_point start = Clock::now();
  if (options.on_input != 0) {
    print_operations(serve_input(), Clock::now() - start);
    return 0;
  }
  std::vector<std::uint64_t> operations(options.threads);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < options.threads; ++i) {
      threads.emplace_back([&operations, i, rate = options.rate] { operations[i] = serve_until_stopped(i + 1, rate); });
    }
    wait_for_the_end(options.seconds);
  }
  std::uint64_t total = 0;
  for (const std::uint64_t count : operations) total += count;
  print_operations(total, Clock::now() - start);
  return 0;
}

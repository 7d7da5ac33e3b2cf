// Objects that are dear to make, kept in a pool. Prints what the pool counted; show_pools shows the same from outside.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <poolscope/object_pool.h>

// A parser with a table that takes long to fill and memory that grows with use.
class Parser {
 public:
  Parser() : table_(4096) {
    for (std::size_t i = 0; i < table_.size(); ++i) table_[i] = i * i % 251;
  }
  std::size_t parse(const std::string& text) {
    words_.clear();
    for (const char c : text) words_.push_back(table_[static_cast<unsigned char>(c)]);
    return words_.size();
  }
  void reset() { words_.clear(); }  // the pool calls it at release

 private:
  std::vector<std::size_t> table_, words_;
};

int main() {
  poolscope::ObjectPool<Parser> parsers({.name = "example.parsers", .max_idle_buffers = 16});
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const auto parser = parsers.acquire();  // back in the pool at the end of the block
        parser->parse("GET /index.html HTTP/1.1");
      }
    });
  }
  for (auto& worker : workers) worker.join();

  const poolscope::PoolStats stats = parsers.stats();
  std::printf("gets %llu hits %llu created %llu idle %llu\n", static_cast<unsigned long long>(stats.gets),
              static_cast<unsigned long long>(stats.hits()), static_cast<unsigned long long>(stats.created),
              static_cast<unsigned long long>(stats.idle));
}

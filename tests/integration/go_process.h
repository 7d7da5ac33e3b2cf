#pragma once
// GoProcess: a program of tests/targets/go_gc under a test: started, asked line by line, and ended with the test.

#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/types.h>

namespace poolscope::test {

class GoProcess {
 public:
  // Throws when it cannot be started. `environment` is added to ours ("GODEBUG=gctrace=1").
  explicit GoProcess(std::vector<std::string> arguments, const std::vector<std::string>& environment = {});
  ~GoProcess();
  GoProcess(const GoProcess&) = delete;
  GoProcess& operator=(const GoProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Sends one line and gives the answer, one line of JSON; throws when the program ended instead.
  nlohmann::json ask(const std::string& line);
  // Closes its stdin and waits until it is gone.
  void end();

  // What gctrace wrote to its stderr, summed over the lines "gc 1 @0.010s 3%: ...".
  struct Trace {
    std::size_t cycles = 0;
    double cpu_ms = 0;  // without idle marking
    double assist_ms = 0;
    double idle_ms = 0;
  };
  [[nodiscard]] Trace trace() const;
  // The trace of a cycle may come after the answer: whether there are `cycles` lines within some seconds.
  [[nodiscard]] bool traced_cycles_become(std::size_t cycles) const;

 private:
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  std::FILE* errors_ = nullptr;
};

}  // namespace poolscope::test

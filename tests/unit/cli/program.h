#pragma once
// Runs the built poolscope as a shell would and keeps what it said.

#include <string>
#include <vector>

#include <sys/types.h>

namespace poolscope::cli_test {

struct Finished {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

struct Streams {
  std::string in = "";        // what stdin holds
  std::string out_path = "";  // where stdout goes instead of Finished::out; "closed" closes it
  int out_fd = -1;            // the same, for a descriptor
};

[[nodiscard]] Finished run_poolscope(const std::vector<std::string>& arguments, const Streams& streams = {});

// 128 + signal, as a shell says it.
[[nodiscard]] int exit_code_of(int wait_status);

// Gone with everything in it at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::string path_;
};

[[nodiscard]] std::string read_file(const std::string& path);
// A port of 127.0.0.1 on which nothing listens.
[[nodiscard]] int closed_port();
// JSON of a snapshot with one target "redis-server".
[[nodiscard]] std::string sample_report();

}  // namespace poolscope::cli_test

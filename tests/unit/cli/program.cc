#include "tests/unit/cli/program.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/model/json.h"

namespace poolscope::cli_test {
namespace {

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int fd, const std::string& path, int flags) {
    ::posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0600);
  }
  void duplicate(int fd, int to) { ::posix_spawn_file_actions_adddup2(&actions_, fd, to); }
  void close(int fd) { ::posix_spawn_file_actions_addclose(&actions_, fd); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

int exit_code_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

Finished run_poolscope(const std::vector<std::string>& arguments, const Streams& streams) {
  const TemporaryDirectory files;
  files.write("in", streams.in);
  FileActions actions;
  actions.open(STDIN_FILENO, files.path("in"), O_RDONLY);
  if (streams.out_fd >= 0) {
    actions.duplicate(streams.out_fd, STDOUT_FILENO);
  } else if (streams.out_path == "closed") {
    actions.close(STDOUT_FILENO);
  } else {
    const std::string out = streams.out_path.empty() ? files.path("out") : streams.out_path;
    actions.open(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
  }
  actions.open(STDERR_FILENO, files.path("err"), O_WRONLY | O_CREAT);

  std::vector<std::string> words = {POOLSCOPE_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, POOLSCOPE_PROGRAM, actions.get(), nullptr, argv.data(), environ) != 0) {
    throw std::runtime_error("cannot start " POOLSCOPE_PROGRAM);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {exit_code_of(status), read_file(files.path("out")), read_file(files.path("err"))};
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "poolscope_cli_XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

void TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
}

std::vector<std::string> TemporaryDirectory::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int closed_port() {
  // Bound but never listened on, and closed again: the kernel does not hand it out anew at once.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0)
    throw std::runtime_error("cannot bind to 127.0.0.1");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string sample_report() {
  model::Snapshot snapshot;
  snapshot.agent.version = "1.2.3";
  snapshot.targets.emplace_back().name = "redis-server";
  return model::to_json(snapshot);
}

}  // namespace poolscope::cli_test

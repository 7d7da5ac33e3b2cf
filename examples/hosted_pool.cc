// A pool whose buffers several processes share: one writes a message into a buffer, the other reads it where it lies.
//
//   pools:
//     - {name: frames, buffer_bytes: 65536, buffers: 4}
//
//   $ poolscope pools serve pools.yaml --socket /tmp/pools.sock &
//   $ ./hosted_pool /tmp/pools.sock
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <poolscope/hosted_pool.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

poolscope::Result<std::unique_ptr<poolscope::HostedPool>, poolscope::HostedPoolError> open_frames(const char* socket) {
  return poolscope::HostedPool::open({.name = "frames", .socket = socket});
}

// A process of its own, which has the same pool open under the same name. It ends without putting its buffer back.
void write_message(const char* socket) {
  const auto frames = open_frames(socket);
  if (!frames) _exit(1);
  const auto buffer = (*frames)->acquire();
  if (!buffer) _exit(1);
  std::strcpy(reinterpret_cast<char*>(buffer.data()), "hello from another process");
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const char* socket = argc > 1 ? argv[1] : "";
  const pid_t writer = fork();
  if (writer == 0) write_message(socket);
  waitpid(writer, nullptr, 0);

  const auto frames = open_frames(socket);
  if (!frames) {
    std::fprintf(stderr, "%s\n", frames.error().text.c_str());
    return 1;
  }
  // All four are free: what the other process held came back when it ended. One of them still has its message.
  std::vector<poolscope::HostedBuffer> buffers;
  while (auto buffer = (*frames)->acquire()) buffers.push_back(std::move(buffer));
  for (const auto& buffer : buffers) {
    const char* text = reinterpret_cast<const char*>(buffer.data());
    if (*text != '\0') std::printf("%zu buffers; buffer %u: %s\n", buffers.size(), buffer.index(), text);
  }
}

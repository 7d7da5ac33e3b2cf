// Buffers for replies: two sizes, at most 64 idle ones of each, grown ones dropped above 64 KiB.
#include <cstdio>
#include <string>

#include <poolscope/buffer_pool.h>

namespace {

// As long as a reply may be.
void answer(poolscope::BufferPool& buffers, int rows) {
  poolscope::Buffer reply = buffers.acquire();
  for (int row = 0; row < rows; ++row) reply.append("{\"row\":" + std::to_string(row) + "}\n");
  // write(socket, reply.data(), reply.size());
}

}  // namespace

int main() {
  poolscope::BufferPoolOptions options;
  options.pool.name = "example.replies";
  options.pool.max_idle_buffers = 64;
  options.buffer_bytes = {4096, 16384};
  options.max_retained_bytes = 65536;
  poolscope::BufferPool buffers(options);
  for (int i = 0; i < 1000; ++i) answer(buffers, i % 10 == 0 ? 1000 : 100);

  const poolscope::PoolStats stats = buffers.stats();
  std::printf("gets %llu hit ratio %.3f regrowths %llu\n", static_cast<unsigned long long>(stats.gets),
              stats.hit_ratio(), static_cast<unsigned long long>(stats.regrowths));
}

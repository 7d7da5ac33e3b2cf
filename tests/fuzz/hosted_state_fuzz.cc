// Any text as what a host before wrote down, and as the file of `poolscope pools serve`: an error, or values within their bounds.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/host/host_config.h"
#include "agent/host/host_state.h"
#include "pools/hosted/wire.h"
#include "poolscope/detail/hosted_words.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope;

namespace {

void check_state(std::string_view text) {
  const auto state = host::parse_state(text);
  if (!state) {
    FUZZ_CHECK(!state.error().empty());
    return;
  }
  for (const auto& pool : state->pools) {
    FUZZ_CHECK(pool.max_buffers > 0 && pool.max_buffers <= detail::kMaxHostedBuffers);
    FUZZ_CHECK(pool.limit_buffers <= pool.max_buffers);
    for (const auto& client : pool.clients) FUZZ_CHECK(client.id > 0 && client.id <= detail::kMaxHostedClients);
  }
  const std::string written = host::text_of(*state);
  const auto again = host::parse_state(written);
  FUZZ_CHECK(again);
  FUZZ_CHECK(host::text_of(*again) == written);
}

void check_pools(std::string_view text) {
  const auto pools = host::parse_pools(text, "pools.yaml");
  if (!pools) {
    FUZZ_CHECK(!pools.error().empty());
    return;
  }
  for (const auto& pool : *pools) {
    FUZZ_CHECK(!pool.name.empty() && pool.name.size() <= hosted::kMaxNameBytes);
    FUZZ_CHECK(pool.buffers > 0 && pool.buffers <= pool.max_buffers && pool.max_buffers <= detail::kMaxHostedBuffers);
    FUZZ_CHECK(pool.min_buffers > 0 && pool.min_buffers <= pool.max_buffers);
    FUZZ_CHECK(hosted::stride_for(pool.buffer_bytes) >= pool.buffer_bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_state(text);
  check_pools(text);
  return 0;
}

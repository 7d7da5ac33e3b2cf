// Any text as a configuration and as a target on the command line: errors with a place in the text, or a configuration
// that keeps the documented ranges.
#include <cstdint>
#include <string_view>

#include "agent/config/config.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::config;

namespace {

void check_config(std::string_view text) {
  const auto parsed = parse_config(text, "fuzz.yaml");
  if (parsed) {
    FUZZ_CHECK(parsed->budget.cpu_ratio > 0 && parsed->budget.cpu_ratio <= 0.5);
    FUZZ_CHECK(parsed->budget.burst_slowdown > 1);
    for (const TargetConfig& target : parsed->targets) FUZZ_CHECK(!target.match.empty());
    for (const CustomPool& pool : parsed->custom_pools) {
      FUZZ_CHECK(!pool.name.empty() && !pool.get.empty() && pool.get.size() <= 16);
      FUZZ_CHECK(!pool.executable_glob.empty() || !pool.object_glob.empty());
      for (const PoolFunction& get : pool.get) FUZZ_CHECK(!get.name.empty() && get.size_argument <= 6);
    }
    return;
  }
  FUZZ_CHECK(!parsed.error().empty());
  for (const ConfigError& error : parsed.error()) {
    FUZZ_CHECK(error.line >= 0 && error.column >= 0);
    FUZZ_CHECK(!describe(error).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_config(text);
  const auto target = parse_target_spec(text);
  FUZZ_CHECK(target ? !target->match.empty() : !target.error().empty());
  return 0;
}

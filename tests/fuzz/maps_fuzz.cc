// Any text as /proc/PID/maps. The paths in it are chosen by the target.
#include <cstdint>
#include <string_view>

#include "probes/process/maps.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::process;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MapsText maps = parse_maps(std::string_view(reinterpret_cast<const char*>(data), size));
  for (const Mapping& mapping : maps.mappings) FUZZ_CHECK(mapping.start <= mapping.end);
  for (const MappedObject& object : executable_objects(maps.mappings)) {
    FUZZ_CHECK(!object.code.empty());
    for (const Mapping& mapping : object.code) FUZZ_CHECK(mapping.executable);
  }
  return 0;
}

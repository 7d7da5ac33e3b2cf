// Any text as a Snapshot: an error that names a place, or a Snapshot that survives writing and reading.
#include <cstdint>
#include <string>
#include <string_view>

#include "exporters/model/json.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto snapshot = snapshot_from_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!snapshot) {
    FUZZ_CHECK(!describe(snapshot.error()).empty());
    return 0;
  }
  const std::string text = to_json(*snapshot);
  const auto again = snapshot_from_json(text);
  FUZZ_CHECK(again);
  FUZZ_CHECK(to_json(*again) == text);
  return 0;
}

// Any text as a Snapshot, and as a history of advice: an error that names a place, or a value that survives writing and reading.
#include <cstdint>
#include <string>
#include <string_view>

#include "exporters/model/advice_history.h"
#include "exporters/model/json.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto history = advice_history_from_json(bytes)) {
    const auto again = advice_history_from_json(to_json(*history));
    FUZZ_CHECK(again);
    FUZZ_CHECK(to_json(*again) == to_json(*history));
  }
  const auto snapshot = snapshot_from_json(bytes);
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

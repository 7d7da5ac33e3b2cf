// Any bytes as results of benchmarks or as success criteria: refused with a reason, or compared with themselves without a difference.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/compare/comparison.h"
#include "agent/compare/criteria.h"
#include "agent/compare/go_bench.h"
#include "agent/compare/google_bench.h"
#include "agent/compare/report.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope;
using namespace poolscope::compare;

namespace {

void check_with_itself(const Result<Measurements, ReadError>& read) {
  if (!read) {
    FUZZ_CHECK(describe(read.error()).starts_with("bytes:"));
    return;
  }
  const auto comparison = compare::compare(*read, *read);
  FUZZ_CHECK(comparison);
  for (const Row& row : comparison->rows) {
    FUZZ_CHECK(row.finding == Finding::kNone || row.finding == Finding::kUntested);
    FUZZ_CHECK(!row.p || (*row.p >= 0 && *row.p <= 1));
  }
  const auto judgements = judge(*comparison, {{.name = "", .metric = "sec/op", .target_ratio = 1, .target = {}}});
  (void)comparison_text(*comparison, judgements, {});
  (void)comparison_markdown(*comparison, judgements);
  FUZZ_CHECK(!check_json(comparison_json(*comparison, judgements), "ours"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("criteria")) {
    const auto criteria = parse_criteria(text, "bytes");
    FUZZ_CHECK(criteria || !criteria.error().empty());
  } else if (text.starts_with('{')) {
    check_with_itself(read_google_benchmark(text, "bytes"));
  } else {
    check_with_itself(read_go_benchmark(text, "bytes"));
  }
  return 0;
}

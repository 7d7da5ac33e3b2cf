// Any words, and clients that work on them: an audit ends, counts every buffer once, and a second one finds nothing more to do. After it
// every free buffer can be taken once.
#include <cstdint>
#include <cstring>
#include <set>

#include "pools/hosted/audit.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/hosted/shared_words.h"

namespace {

using namespace poolscope;
using hosted::test::SharedWords;

constexpr std::uint32_t kMaxBuffers = 130;

hosted::AuditReport audit_of(const SharedWords& shared, std::uint32_t limit, const hosted::LiveClients& live) {
  hosted::HostedAudit audit(shared.base(), shared.buffers());
  const auto report = audit.pass(limit, live);
  FUZZ_CHECK(report.borrowed + report.idle + report.retired == shared.buffers());
  FUZZ_CHECK(report.unsettled == 0);
  return report;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const SharedWords shared(1 + data[0] % kMaxBuffers);
  const std::uint32_t limit = data[1] % (shared.buffers() + 1);
  const std::uint8_t steps = data[2];
  std::memcpy(shared.base(), data + 3, std::min(size - 3, shared.bytes()));
  auto words = shared.words();
  for (std::uint32_t i = 0; i < steps; ++i) {
    const auto slot = words.take(1 + i % 3, i * 7);
    if (slot) FUZZ_CHECK(slot->index < shared.buffers());
    if (slot && i % 2 == 0) FUZZ_CHECK(words.put(*slot, limit) != detail::HostedPut::kNotBorrowed);
  }
  const auto live = hosted::test::live({1, 2});
  const auto first = audit_of(shared, limit, live);
  const auto second = audit_of(shared, limit, live);
  FUZZ_CHECK(second.mended + second.reclaimed + second.hinted == 0);
  FUZZ_CHECK(second.idle == first.idle && second.borrowed == first.borrowed && second.retired == first.retired);
  const auto taken = hosted::test::drain(words, 2);
  FUZZ_CHECK(taken.size() == second.idle);
  FUZZ_CHECK(std::set(taken.begin(), taken.end()).size() == taken.size());
  return 0;
}

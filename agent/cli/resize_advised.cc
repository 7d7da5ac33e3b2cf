#include "agent/cli/resize_advised.h"

#include <chrono>
#include <limits>

#include "agent/advice/advised_limits.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/pool_request.h"
#include "agent/cli/snapshot_input.h"
#include "agent/host/administer.h"
#include "exporters/text/advice_wording.h"
#include "exporters/text/wording.h"

namespace poolscope::cli {
namespace {

using advice::AdvisedLimit;
using What = AdvisedLimit::What;

constexpr std::chrono::seconds kTakenWithin(10);

std::string change_text(const AdvisedLimit& change) {
  model::Advice advice;
  advice.kind = change.limit;
  advice.unit = change.unit;
  advice.current = change.from;
  advice.recommended = change.to;
  return text::advice_action(advice);
}

std::string line_of(const AdvisedLimit& limit) {
  const std::string pool = text::printable(limit.target->name) + "   " + text::printable(limit.pool) + "   ";
  switch (limit.what) {
    case What::kChange:
      return pool + change_text(limit) + "\n    " + text::printable(limit.why) + "\n";
    case What::kKeep:
      return pool + "stays as it is: " + text::printable(limit.why) + "\n";
    case What::kRefuse:
      return pool + "is left alone: " + text::printable(limit.why) + "\n";
  }
  return pool;
}

Result<Done, std::string> resize_hosted(const std::string& socket, const AdvisedLimit& change) {
  if (change.to > std::numeric_limits<std::uint32_t>::max()) return Failure{std::string("no pool has so many buffers")};
  const auto resized = host::resize_pool(socket, change.pool, static_cast<std::uint32_t>(change.to));
  if (!resized) return Failure{resized.error().text};
  return Done{};
}

// The pool of the one process of the target that has it.
Result<Done, std::string> resize_by_request(const AdvisedLimit& change) {
  std::string problem = "no process of the target is there";
  for (const auto& process : change.target->processes) {
    const auto asked = ask_pool(process.key.pid, {change.pool, change.limit, change.to}, kTakenWithin);
    if (asked) return Done{};
    problem = "process " + std::to_string(process.key.pid) + ": " + asked.error().text;
    if (asked.error().reason != PoolRequestError::Reason::kNoSuchPool) break;
  }
  return Failure{problem};
}

Result<Done, std::string> apply(const ResizeAdvised& options, const AdvisedLimit& change) {
  if (change.is_hosted) return resize_hosted(options.socket, change);
  if (change.target->processes.size() > 1)
    return Failure{std::string("its target has several processes, and the advice is for all of them together")};
  return resize_by_request(change);
}

}  // namespace

int resize_advised(const ResizeAdvised& options) {
  const auto snapshot = load_snapshot(options.source);
  if (!snapshot) return fail("pools resize: " + snapshot.error());
  const auto limits = advice::advised_limits(*snapshot, options.pools);
  if (!limits) return fail("pools resize: " + limits.error());
  if (limits->empty()) return print("no pool that can be resized is watched\n");
  bool failed = false;
  for (const AdvisedLimit& limit : *limits) {
    std::string text = line_of(limit);
    failed |= limit.what == What::kRefuse && !options.pools.empty();
    if (limit.what == What::kChange && options.is_dry_run) {
      text += "    not done: --dry-run\n";
    } else if (limit.what == What::kChange) {
      const auto done = apply(options, limit);
      failed |= !done;
      text += done ? "    done\n" : "    not done: " + text::printable(done.error()) + "\n";
    }
    if (const int written = print(text); written != kExitOk) return written;
  }
  return failed ? kExitFailed : kExitOk;
}

}  // namespace poolscope::cli

#include "agent/cli/advice_book.h"

#include <utility>

#include <unistd.h>

#include "agent/advice/measure_prices.h"
#include "agent/cli/input.h"
#include "agent/cli/output.h"
#include "exporters/model/json_limits.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::cli {

AdviceBook::AdviceBook(std::string path, model::AdviceHistory history)
    : path_(std::move(path)), adviser_(advice::measure_prices()), outcomes_(std::move(history)) {}

Result<AdviceBook, std::string> AdviceBook::open(std::string path) {
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return AdviceBook(std::move(path), {});
  const auto text = read_input(path, model::kMaxJsonBytes);
  if (!text) return Failure{text.error()};
  auto history = model::advice_history_from_json(*text);
  if (!history)
    return Failure{path + ": " + history.error().path + " " + history.error().detail +
                   "; move the file away to begin a new one"};
  return AdviceBook(std::move(path), *std::move(history));
}

void AdviceBook::advise(model::Snapshot& now, const sampler::Sampler& sampler) {
  adviser_.advise(now);
  const bool is_news = outcomes_.note(now);
  take_step(now, sampler);
  if (is_news || process::monotonic_ns() >= save_due_ns_) save();
}

void AdviceBook::take_step(const model::Snapshot& now, const sampler::Sampler& sampler) {
  const std::uint64_t now_ns = process::monotonic_ns();
  if (step_start_ns_ != 0 && now_ns < step_start_ns_ + advice::Outcomes::kStepNs) return;
  if (step_start_ns_ != 0 && outcomes_.wants_steps()) {
    if (const auto step = sampler.snapshot({step_start_ns_, now_ns})) outcomes_.add_step(*step, step_start_unix_ns_);
  }
  step_start_ns_ = now_ns;
  step_start_unix_ns_ = now.time_unix_ns;
}

void AdviceBook::save() {
  save_due_ns_ = process::monotonic_ns() + kSaveNs;
  if (path_.empty() || outcomes_.history().pools.empty()) return;
  const auto written = write_output(path_, model::to_json(outcomes_.history()));
  std::string problem = written ? "" : written.error();
  if (!problem.empty() && problem != problem_)
    (void)print("poolscope: advice is not kept: " + problem + "\n", STDERR_FILENO);
  problem_ = std::move(problem);
}

}  // namespace poolscope::cli

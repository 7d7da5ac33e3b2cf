#pragma once
// AdviceBook: the advice of an agent, and what became of it, kept in a file over restarts.
//   File      is replaced in one step: at once when something was told or followed, else every kSaveNs. What cannot be written is told once.
//   Threads   that of the sampler.

#include <cstdint>
#include <string>

#include "agent/advice/adviser.h"
#include "agent/advice/outcomes.h"
#include "agent/sampler/sampler.h"
#include "poolscope/result.h"

namespace poolscope::cli {

class AdviceBook {
 public:
  static constexpr std::uint64_t kSaveNs = 300'000'000'000;

  // `path` empty: nothing is kept. A file that is not there yet is begun; one that is damaged is an error that names it.
  [[nodiscard]] static Result<AdviceBook, std::string> open(std::string path);

  // Gives `now`, the sampler's latest snapshot, its advice and outcomes.
  void advise(model::Snapshot& now, const sampler::Sampler& sampler);
  // Advice for a range of time.
  void advise_range(model::Snapshot& range) const { advice::advise_once(range, adviser_.prices()); }
  void save();
  [[nodiscard]] const sizing::Prices& prices() const { return adviser_.prices(); }

 private:
  AdviceBook(std::string path, model::AdviceHistory history);
  void take_step(const model::Snapshot& now, const sampler::Sampler& sampler);

  std::string path_, problem_;
  advice::Adviser adviser_;
  advice::Outcomes outcomes_;
  std::uint64_t step_start_ns_ = 0, step_start_unix_ns_ = 0;
  std::uint64_t save_due_ns_ = 0;
};

}  // namespace poolscope::cli

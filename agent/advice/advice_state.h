#pragma once
// AdviceState: what was told before of the pools and places of one target, so that advice changes when it is wrong for long enough and not
// with every snapshot. advise() is a function of a state and a snapshot to advice and the next state; a state is a value.
//   Epochs    the state moves on once in an epoch; between, what was settled stays and only its numbers are new.
//   Sizes     sizing::Patience (pools/sizing/steady.h), from the value that was told to the one that is best now.
//   Choices   (leave it, drop it, ...) hold until another one was right kChoiceEpochs epochs in a row.
//   Memory    two small maps; what was not asked about for kForgetEpochs epochs is forgotten.
//   Threads   one.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "pools/sizing/steady.h"

namespace poolscope::advice {

class AdviceState {
 public:
  static constexpr unsigned kChoiceEpochs = 3, kForgetEpochs = 100;
  // Subject and kind of an advice.
  using Key = std::pair<std::string, std::string>;
  // Nanoseconds per second that the second value saves over the first.
  using SavingOf = std::function<sizing::Interval(std::uint64_t, std::uint64_t)>;

  struct Size {
    std::uint64_t current = 0, best = 0;
    double least_saved_ns = 0;  // per second; what saves less is not worth a change
    double switch_cost_ns = 0;
  };

  // A new epoch, which lasted `seconds`; 0: the same one goes on.
  void begin(double seconds);
  // The value to tell; Size::current: none.
  [[nodiscard]] std::uint64_t settle(const Key& key, const Size& size, const SavingOf& saving);
  // The choice that holds. `at_once`: it need not wait, and nothing waits for it to end.
  [[nodiscard]] int settle(const Key& key, int choice, bool at_once = false);
  // The choice that holds; nullopt: none was told.
  [[nodiscard]] std::optional<int> told(const Key& key) const;

 private:
  struct Told {
    sizing::Patience patience;
    std::optional<std::uint64_t> value;
    unsigned age = 0;  // epochs since it was asked for
  };
  struct Choice {
    int told = 0, candidate = 0;
    bool may_go = false;
    unsigned epochs = 0, age = 0;
  };

  double epoch_seconds_ = 0;
  std::map<Key, Told> sizes_;
  std::map<Key, Choice> choices_;
};

}  // namespace poolscope::advice

#include "agent/advice/advice_state.h"

#include <iterator>

namespace poolscope::advice {

namespace {

template <typename Map>
void grow_older(Map& map) {
  for (auto entry = map.begin(); entry != map.end();)
    entry = ++entry->second.age > AdviceState::kForgetEpochs ? map.erase(entry) : std::next(entry);
}

}  // namespace

void AdviceState::begin(double seconds) {
  epoch_seconds_ = seconds;
  if (seconds <= 0) return;
  grow_older(sizes_);
  grow_older(choices_);
}

std::uint64_t AdviceState::settle(const Key& key, const Size& size, const SavingOf& saving) {
  Told& told = sizes_[key];
  told.age = 0;
  const std::uint64_t now = told.value.value_or(size.current);
  if (epoch_seconds_ <= 0) return now;
  sizing::Proposal proposal{now, size.best, saving(now, size.best), size.switch_cost_ns, 1};
  if (proposal.saving_ns_per_second.value < size.least_saved_ns) proposal.best = now;
  if (const auto next = told.patience.note(proposal, epoch_seconds_)) told.value = *next;
  return told.value.value_or(size.current);
}

int AdviceState::settle(const Key& key, int choice, bool at_once) {
  const auto [entry, is_new] = choices_.try_emplace(key, Choice{choice, choice, at_once, 0, 0});
  Choice& held = entry->second;
  held.age = 0;
  if (is_new || choice == held.told) {
    held.epochs = 0;
    return held.told;
  }
  if (choice != held.candidate) held.epochs = 0;
  held.candidate = choice;
  if (epoch_seconds_ > 0) ++held.epochs;
  if (at_once || held.may_go || held.epochs >= kChoiceEpochs) held = {choice, choice, at_once, 0, 0};
  return held.told;
}

std::optional<int> AdviceState::told(const Key& key) const {
  const auto found = choices_.find(key);
  return found == choices_.end() ? std::nullopt : std::optional(found->second.told);
}

}  // namespace poolscope::advice

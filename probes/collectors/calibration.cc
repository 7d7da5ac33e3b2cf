#include "probes/collectors/calibration.h"

#include <algorithm>
#include <utility>

#include <sched.h>

#include "probes/collectors/calibrated_functions.h"
#include "probes/collectors/calibration_child.h"

namespace poolscope::probes {
namespace {

using attach::AttachError;
using Probes = AllocPrograms::Probes;

// Attaches one set of probes to one child and measures pairs of that one beside those of the other.
class Trial {
 public:
  Trial(AllocPrograms& programs, attach::Detacher& detacher, CalibrationChild& child, CalibrationChild& plain,
        const CalibratedFunctions& functions)
      : programs_(programs), detacher_(detacher), child_(child), plain_(plain), functions_(functions) {}

  struct Outcome {
    PairPrice price;
    alloc_counts counts{};
    std::uint64_t pairs = 0;
  };
  Result<Outcome, AttachError> run(Probes probes, alloc_function function, const elf::ProbePoint& point,
                                   std::uint32_t armed) {
    detacher_.wait_idle();  // until the close is done, probes of the trial before may still be hit
    const auto slot = programs_.acquire_slot();
    if (!slot) return Failure{calibration_failure("no burst slot is free")};
    arm(*slot, armed);
    auto links = programs_.attach(probes, child_.pid(), functions_.plan.objects.front().open_path,
                                  {{point.file_offset, pack_cookie(function, point, *slot, 0)}}, "malloc");
    const auto priced = links ? price_pair(child_, plain_) : std::nullopt;
    programs_.control(*slot).armed = 0;
    Outcome outcome;
    outcome.counts = programs_.take_results(*slot).counts;
    attach::UprobeLinks used;
    if (links) used = std::move(*links);
    detacher_.detach(std::move(used), [&programs = programs_, slot = *slot] { programs.release_slot(slot); });
    if (!links) return Failure{links.error()};
    if (!priced) return Failure{calibration_failure("it died under the probes")};
    outcome.pairs = std::uint64_t{kCalibrationRounds} * kPairsPerRound;
    outcome.price = *priced;
    return outcome;
  }

 private:
  void arm(std::uint32_t slot, std::uint32_t armed) {
    alloc_control& control = programs_.control(slot);
    control.deadline_ns = ~std::uint64_t{0};
    control.tgid = static_cast<__u32>(child_.pid());
    control.armed = armed;
  }

  AllocPrograms& programs_;
  attach::Detacher& detacher_;
  CalibrationChild& child_;
  CalibrationChild& plain_;
  const CalibratedFunctions& functions_;
};

std::uint64_t price(const Trial::Outcome& outcome) {
  return static_cast<std::uint64_t>(outcome.price.extra_ns);
}

Result<Calibration, AttachError> measure(AllocPrograms& programs, attach::Detacher& detacher) {
  const int cpu = sched_getcpu();
  auto child = CalibrationChild::start(CalibrationChild::Confinement::kNone, cpu);
  auto plain = CalibrationChild::start(CalibrationChild::Confinement::kNone, cpu);
  if (!child || !plain) return Failure{calibration_failure("it could not be forked")};
  auto functions = find_calibrated_functions(*child);
  if (!functions) return Failure{functions.error()};
  Trial trial(programs, detacher, *child, *plain, *functions);
  Calibration calibration;
  calibration.mode = programs.mode();
  auto& prices = calibration.costs.emulated_ns;

  const auto rate = trial.run(Probes::kRate, ALLOC_FN_SIZE, functions->allocate->entry, ALLOC_ARMED_ALLOCATIONS);
  if (!rate) return Failure{rate.error()};
  // The child allocates in its second thread: a kernel whose pid filter means one thread counts nothing.
  if (rate->counts.allocations < rate->pairs)
    return Failure{calibration_failure("calls of a second thread were not counted")};
  prices[ALLOC_HIT_RATE] = price(*rate);
  calibration.baseline_pair_ns = rate->price.plain_ns;

  const auto lives = trial.run(Probes::kLives, ALLOC_FN_SIZE, functions->allocate->lives,
                               ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_DEATHS);
  if (!lives) return Failure{lives.error()};
  if (lives->counts.births < lives->pairs) return Failure{calibration_failure("return probes did not see every call")};
  prices[ALLOC_HIT_ENTRY] = prices[ALLOC_HIT_RETURN] = price(*lives) / 2;

  const auto frees =
      trial.run(Probes::kFree, ALLOC_FN_FREE, functions->release->entry, ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS);
  if (!frees) return Failure{frees.error()};
  prices[ALLOC_HIT_FREE] = price(*frees);
  if (functions->stepped) {
    const auto stepped =
        trial.run(Probes::kFree, ALLOC_FN_FREE, *functions->stepped, ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS);
    if (!stepped) return Failure{stepped.error()};
    const std::uint64_t whole = price(*stepped);
    calibration.costs.single_step_extra_ns = whole > prices[ALLOC_HIT_FREE] ? whole - prices[ALLOC_HIT_FREE] : 0;
  }
  return calibration;
}

}  // namespace

Result<Calibrated, AttachError> load_and_calibrate(const LoadOptions& options, attach::Detacher& detacher) {
  AttachError last = calibration_failure("no way of attaching was tried");
  for (const auto mode : {ProgramMode::kSession, ProgramMode::kMultiPair, ProgramMode::kPerfPair}) {
    if (mode < options.mode) continue;
    LoadOptions attempt = options;
    attempt.mode = mode;
    auto programs = AllocPrograms::load(attempt);
    if (!programs) {
      last = programs.error();
      if (last.reason == AttachError::Reason::kNotPermitted && mode == ProgramMode::kPerfPair) break;
      continue;
    }
    auto calibration = measure(**programs, detacher);
    if (calibration) return Calibrated{std::move(*programs), *calibration};
    last = calibration.error();
  }
  return Failure{last};
}

std::optional<bool> return_probe_survives_seccomp(AllocPrograms& programs, attach::Detacher& detacher,
                                                  std::string& why) {
  auto child = CalibrationChild::start(CalibrationChild::Confinement::kSeccomp, sched_getcpu());
  if (!child || !child->run(1)) {
    why = "a child under a seccomp filter could not be started";
    return std::nullopt;
  }
  auto functions = find_calibrated_functions(*child);
  if (!functions) {
    why = attach::describe(functions.error());
    return std::nullopt;
  }
  detacher.wait_idle();
  const auto slot = programs.acquire_slot();
  if (!slot) {
    why = "no burst slot is free";
    return std::nullopt;
  }
  const auto& point = functions->allocate->lives;
  auto links = programs.attach(Probes::kLives, child->pid(), functions->plan.objects.front().open_path,
                               {{point.file_offset, pack_cookie(ALLOC_FN_SIZE, point, *slot, 0)}}, "malloc");
  std::optional<bool> survived;
  if (links) {
    programs.control(*slot).deadline_ns = ~std::uint64_t{0};
    programs.control(*slot).armed = ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS;
    survived = child->run(10).has_value();
    programs.control(*slot).armed = 0;
    detacher.detach(std::move(*links), [&programs, slot = *slot] { programs.release_slot(slot); });
  } else {
    why = attach::describe(links.error());
    programs.release_slot(*slot);
  }
  return survived;
}

}  // namespace poolscope::probes

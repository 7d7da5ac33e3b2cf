#pragma once
// AllocPrograms: the loaded BPF programs and maps of alloc_burst.bpf.c. Loaded once; bursts use one of its two slots.
//   Threads   one thread, except release_slot(), which a Detacher may call.
//   Memory    maps are bounded (LoadOptions); nothing grows later.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/open_way.h"
#include "probes/attach/uprobe_link.h"
#include "probes/bpf/alloc_burst.h"

struct alloc_burst;  // the skeleton

namespace poolscope::probes {

// How entry and return of an allocating function are observed, best first.
enum class ProgramMode { kSession, kMultiPair, kPerfPair };
[[nodiscard]] const char* name_of(ProgramMode mode);

struct LoadOptions {
  ProgramMode mode = ProgramMode::kSession;
  std::uint32_t max_births = 16384;
  std::uint32_t max_sites = 8192;
  std::uint32_t max_threads = 8192;
  std::uint32_t pool_order_bytes = 1u << 20;  // of the ring of PoolPrograms
  bool watch_forks = true;                    // stop bursts on fork and exec of the observed process
};

// What a burst left in the maps, summed over CPUs.
struct AllocResults {
  alloc_counts counts{};
  std::vector<std::pair<site_key, site>> sites;
  std::vector<std::pair<chain_key, chain>> chains;
  std::vector<birth> alive;  // followed objects that did not die
  // What hits took of the threads on which these were born, by thread id.
  std::unordered_map<std::uint32_t, std::uint64_t> thread_charge_ns;
};

class AllocPrograms {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AllocPrograms>, attach::AttachError> load(const LoadOptions& options);
  ~AllocPrograms();
  AllocPrograms(const AllocPrograms&) = delete;
  AllocPrograms& operator=(const AllocPrograms&) = delete;

  [[nodiscard]] ProgramMode mode() const { return options_.mode; }

  // A free slot, cleared and with a new generation; nothing while both are still detaching.
  [[nodiscard]] std::optional<std::uint32_t> acquire_slot();
  void release_slot(std::uint32_t slot);
  [[nodiscard]] alloc_control& control(std::uint32_t slot) { return *controls_[slot]; }

  enum class Probes { kRate, kFree, kLives };
  // Links for allocating functions (kRate, kLives) or freeing ones (kFree). kLives is one session link or a pair.
  [[nodiscard]] Result<attach::UprobeLinks, attach::AttachError> attach(Probes probes, pid_t pid,
                                                                        const std::string& path,
                                                                        const std::vector<attach::ProbeSite>& sites,
                                                                        const std::string& what);
  // Before the first probe of a burst; returns at a random moment.
  [[nodiscard]] attach::OpenWay open_way();

  // Counts so far; cheap enough to be called while the burst runs.
  [[nodiscard]] alloc_counts read_counts(std::uint32_t slot) const;
  // Everything of the slot's generation, removed from the maps. Only when nothing is armed any more.
  [[nodiscard]] AllocResults take_results(std::uint32_t slot);
  // As take_results() but leaves the maps as they are: for a measurement that goes on.
  [[nodiscard]] AllocResults peek_results(std::uint32_t slot) const;

  // Rows that tell how to follow callers out of `address` (a return address in the process of the slot).
  void set_step(std::uint32_t slot, std::uint64_t address, const step& row);
  void clear_steps(std::uint32_t slot);

  // The allocator's own code in a process that is traced together with others (alloc_control.tgid is 0). Forgotten when
  // a slot is acquired. False when there are too many processes.
  bool set_code(std::uint32_t tgid, const alloc_code& code);

 private:
  explicit AllocPrograms(const LoadOptions& options) : options_(options) {}
  [[nodiscard]] std::optional<attach::AttachError> open_and_load();
  [[nodiscard]] std::optional<attach::AttachError> map_controls();
  void clear_slot(std::uint32_t slot);
  void clear_threads();
  void clear_code();
  [[nodiscard]] AllocResults collect(std::uint32_t slot, bool remove) const;

  LoadOptions options_;
  alloc_burst* skeleton_ = nullptr;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  std::array<alloc_control*, ALLOC_SLOTS> controls_{};
  std::array<std::atomic<bool>, ALLOC_SLOTS> busy_{};
  std::uint64_t generation_ = 0;
  std::mt19937_64 random_{std::random_device{}()};
  std::vector<std::pair<std::uint32_t, std::uint64_t>> steps_;  // (slot, address) of rows in the map
};

}  // namespace poolscope::probes

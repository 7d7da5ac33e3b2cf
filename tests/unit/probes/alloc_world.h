#pragma once
// AllocWorld: threads of two processes that carry out a list of operations, seen by alloc_logic.h through a FakeKernel
// and by an AllocReference. The vocabulary of the random test and of the fuzzer.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/unit/probes/alloc_reference.h"
#include "tests/unit/probes/simulated_thread.h"

namespace poolscope::probes::test {

// What a thread does next. An operation of a thread that is in a call is made by the allocator inside that call; one that
// makes no sense at that moment does nothing.
struct Operation {
  enum class Kind : std::uint8_t {
    kMalloc,
    kCalloc,
    kPosixMemalign,
    kMallocFails,
    kReallocOfNull,
    kReallocMoves,
    kReallocInPlace,
    kReallocFails,
    kReallocToNothing,
    kFree,
    kDelete,
    kFreeOfNull,
    kFreeOfOlder,
    kFreeUnseen,
    kStartMalloc,
    kStartRealloc,
    kFinish,
    kLongjmp,
    kPassTime,
    kArm,
    kNextBurst,
    kCount
  };
  Kind kind = Kind::kMalloc;
  std::uint8_t thread = 0;
  std::uint16_t pick = 0;    // which block, which call site
  std::uint32_t number = 0;  // bytes, ns or bits to arm

  static constexpr std::size_t kEncodedBytes = 8;
};
[[nodiscard]] std::vector<Operation> operations_from(std::span<const std::uint8_t> bytes);
// One line per operation, as an initialiser of Operation.
[[nodiscard]] std::string to_text(std::span<const Operation> operations);

struct MapCapacities {
  std::size_t births = SIZE_MAX, sites = SIZE_MAX, chains = SIZE_MAX, threads = SIZE_MAX;
};

class AllocWorld {
 public:
  AllocWorld(Mode mode, const MapCapacities& capacities);
  void perform(const Operation& operation);
  // The first promise that does not hold; nothing when all do. With unlimited maps: everything equals the reference. With
  // limited ones: every birth is accounted for, and nothing is counted that did not happen.
  [[nodiscard]] std::optional<std::string> broken_promise() const;

 private:
  struct Process {
    std::uint32_t tgid;
    std::uint64_t next_block = 0x603020, next_mapped_block = 0x7ffff0000010;
    std::vector<std::uint64_t> blocks, freed;
  };
  struct Actor {
    ThreadId id;
    Process* process;
    SimulatedThread thread;
    struct Started {
      Probed probed;
      AllocReference::Call call;
      std::uint64_t result;
    };
    std::optional<Started> started;
  };

  void allocate(Actor& actor, const Operation& operation);
  void reallocate(Actor& actor, const Operation& operation);
  void release(Actor& actor, const Operation& operation);
  void start(Actor& actor, const Operation& operation);
  void finish(Actor& actor);
  void unwind(Actor& actor);
  void arm(const Operation& operation);
  void next_burst();

  [[nodiscard]] static std::uint64_t new_block(Process& process, const Operation& operation);
  [[nodiscard]] static std::optional<std::uint64_t> take_block(Process& process, const Operation& operation);
  [[nodiscard]] std::optional<std::string> unlike_the_reference() const;
  [[nodiscard]] std::optional<std::string> unaccounted_birth() const;

  const bool is_limited_;
  FakeKernel kernel_;
  AllocReference reference_;
  std::array<Process, 2> processes_;
  std::vector<Actor> actors_;
};

}  // namespace poolscope::probes::test

#pragma once
// EventStream: every allocation and free of one process, in the order of their time, as event_recorder has written them.
//   Memory    24 bytes per event and 32 per object; at most kMaxEvents are read.
//   Damage    a file that is cut, or still grows, is read up to its last complete record; anything else that does not fit the
//             format is an error that names the place. Foreign numbers are checked before they are used.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "poolscope/result.h"

namespace poolscope::truth {

// kIoCall: a read or write call. Recordings have none; made streams may.
enum class Op : std::uint8_t { kAllocate, kReallocate, kFree, kIoCall };

inline constexpr std::uint32_t kUnknownObject = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kMaxEvents = 400'000'000;

struct Event {
  std::uint64_t time_ns = 0;
  std::uint64_t bytes = 0;                // asked for; 0 of a free
  std::uint32_t object = kUnknownObject;  // index into `lives`; unknown: born before the recording
  std::uint16_t thread = 0;               // numbered as they come up; the last number stands for all further ones
  Op op = Op::kAllocate;
};

// An object keeps its life when it is reallocated.
struct Life {
  std::uint64_t born_ns = 0;
  std::uint64_t died_ns = kNever;  // never: alive at the end of the recording
  std::uint64_t bytes = 0;         // as asked for last
  std::uint16_t thread = 0;
};

struct EventStream {
  std::vector<Event> events;
  std::vector<Life> lives;
  std::uint64_t begin_ns = 0, end_ns = 0;
  std::uint64_t dropped_events = 0;  // that the recorder had no room for
  double cost_ns = 0;                // that recording one event took
  std::uint64_t wait_ns = 50'000;    // a thread works until its next event, but for at most so long; then it waits

  // One more event; the objects it needs are made or ended. `address` means the same object until it is freed.
  void add_allocation(std::uint64_t time_ns, std::uint16_t thread, std::uint64_t bytes);
  void add_free(std::uint64_t time_ns, std::uint16_t thread, std::uint32_t object);
  void add_reallocation(std::uint64_t time_ns, std::uint16_t thread, std::uint32_t object, std::uint64_t bytes);
  void add_io_call(std::uint64_t time_ns, std::uint16_t thread);
};

struct EventFileError {
  std::string path;
  std::string what;
};
[[nodiscard]] std::string describe(const EventFileError& error);

[[nodiscard]] Result<EventStream, EventFileError> read_events(const std::string& path);

// The stream as it would have been without the recorder: each event comes earlier by what recording the events before it on its
// thread took. Time in which a thread waited (wait_ns) is not shortened, because the wait would have been longer.
[[nodiscard]] EventStream without_recording_cost(const EventStream& stream);

}  // namespace poolscope::truth

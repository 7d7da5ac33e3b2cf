#pragma once
// What a source of snapshots hands to the viewer, as values: the only thing that crosses between their threads.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ui/model/history.h"
#include "ui/model/time_axis.h"

namespace poolscope::viewer {

enum class ConnectionState {
  kNone,        // nothing was opened yet
  kConnecting,  // nothing has come so far
  kLive,        // an agent answers
  kLost,        // it did not answer, or with something else; it is asked again
  kReading,     // a file is being read
  kRead         // all of it is here
};

struct Connection {
  ConnectionState state = ConnectionState::kNone;
  std::string problem;  // what is wrong, in full; empty: nothing is
  std::string remark;   // what else there is to say: "read 12 of 240 steps"
  bool operator==(const Connection&) const = default;
};

// What was asked for with Source::ask_for().
struct RangeAnswer {
  TimeRange range;
  SharedSnapshot snapshot;  // nullptr: see `problem`
  std::string problem;
};

// What became of a change that the user made.
struct ChangeAnswer {
  std::string text;
  bool is_done = false;
};

// A recording that the viewer makes of what it watches.
struct RecordStatus {
  std::string file;
  std::uint64_t length_ns = 0;   // from the first record in it to the last
  std::uint64_t missing_ns = 0;  // of that: the agent had it no more, or was started again meanwhile
  bool is_stopping = false;      // the last answer is still to come
  bool is_over = false;
  std::string problem;  // why it ended; empty: it was stopped
};

struct Delivery {
  std::optional<Connection> connection;
  std::vector<Step> steps;
  SharedSnapshot latest;           // the newest one of an agent, all of a file; nullptr: as before
  std::optional<TimeRange> whole;  // what a file holds
  std::optional<RangeAnswer> range;
  std::optional<ChangeAnswer> change;

  [[nodiscard]] bool is_empty() const {
    return !connection && steps.empty() && latest == nullptr && !whole && !range && !change;
  }
};

}  // namespace poolscope::viewer

#pragma once
// Recorder: keeps what an agent measures in a recording, while the viewer watches it.
//   Threads   the caller's, and one of its own for network and disk. `wake` is called from that one when status() has changed.
//   Failures  an agent that does not answer any more is asked again for up to a minute; what is missing then is counted.
//   End       stop() takes what was measured until now and ends by itself, within some seconds; the destructor ends it within a fraction of
//             one, and what came until then can be read.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/client/agent_records.h"
#include "ui/model/delivery.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

class Recorder {
 public:
  Recorder(std::string address, std::string file, Source::Wake wake);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void stop();
  [[nodiscard]] RecordStatus status() const;

 private:
  enum class Wish { kGoOn, kStop, kQuit };

  void run();
  [[nodiscard]] std::optional<std::string> record();
  struct Answer {
    std::optional<std::string> problem;
    bool may_pass = false;  // nobody answered, as yet
  };
  [[nodiscard]] std::optional<std::string> ask_until_stopped(client::AgentRecords& records);
  [[nodiscard]] Answer ask(client::AgentRecords& records);
  void wait_for(std::chrono::seconds time);
  void wish(Wish wish);
  [[nodiscard]] Wish wished() const;
  void tell(const std::function<void(RecordStatus&)>& change);

  std::string address_;
  Source::Wake wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  RecordStatus status_;
  Wish wish_ = Wish::kGoOn;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace poolscope::viewer

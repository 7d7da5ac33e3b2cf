#pragma once
// FileSource: a recording, a folder of recordings, or a JSON report, read in the background.
//   Recording the whole is estimated first, then steps from the beginning to the end for the time line, and between them whatever range is asked
//             for. Advice is made as `poolscope advise` makes it of a recording.
//   Report    one snapshot, and a time line of that one step.

#include <optional>
#include <string>
#include <thread>

#include "agent/client/recordings.h"
#include "ui/source/mailbox.h"
#include "ui/source/source.h"

namespace poolscope::viewer {

class FileSource final : public Source {
 public:
  static constexpr std::uint64_t kMaxSteps = 240;
  static constexpr std::uint64_t kLeastStepNs = 2'000'000'000;
  static constexpr std::uint64_t kLeastWindowNs = 25'000'000'000;  // of the records of a step; some are of ten seconds

  FileSource(SourceOptions options, Wake wake);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  [[nodiscard]] Delivery take() override { return mailbox_.take(); }
  void ask_for(const TimeRange& range) override { mailbox_.ask(range); }
  void resize_pool(const std::string& pool, std::uint64_t buffers) override;
  [[nodiscard]] bool is_live() const override { return false; }

 private:
  void run();
  void read_report();
  void read_recordings();
  void read_steps(client::Recordings& recordings);
  void answer_questions(client::Recordings& recordings);
  [[nodiscard]] SharedSnapshot estimate(client::Recordings& recordings, const TimeRange& range, std::string& problem);
  void fail(std::string problem);

  SourceOptions options_;
  Mailbox mailbox_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace poolscope::viewer

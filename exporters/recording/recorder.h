#pragma once
// Recorder: writes records to a file as they are made (docs/reference/recording.md): chunk_builder.h, recording_file.h. What is not in a
// chunk yet is lost when the process is killed.
//   Failures  a chunk that cannot be written is left out, and the file stays one that can be read; take_problem() tells it.
//   Threads   one.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "exporters/model/target_record.h"
#include "exporters/recording/chunk_builder.h"
#include "exporters/recording/recording_file.h"
#include "poolscope/result.h"

namespace poolscope::recording {

class Recorder final : public model::RecordSink {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Recorder>, std::string> create(const std::string& path,
                                                                             const FileLimits& limits = {});
  ~Recorder() override;  // close()
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void take(model::TargetId target, const model::TargetRecord& record) override;
  void take(const model::Moment& moment) override;
  [[nodiscard]] bool wants_state() const override { return builder_.wants_state(); }

  // Writes what is left and the index. Nothing is taken after it.
  void close();
  // What went wrong since the last call.
  [[nodiscard]] std::optional<std::string> take_problem() { return std::exchange(problem_, std::nullopt); }

 private:
  explicit Recorder(std::unique_ptr<RecordingFile> file);
  void remember(std::optional<std::string> problem);

  std::unique_ptr<RecordingFile> file_;
  std::optional<std::string> problem_;
  ChunkBuilder builder_;
};

}  // namespace poolscope::recording

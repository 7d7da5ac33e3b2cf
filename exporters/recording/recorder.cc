#include "exporters/recording/recorder.h"

namespace poolscope::recording {

Result<std::unique_ptr<Recorder>, std::string> Recorder::create(const std::string& path, const FileLimits& limits) {
  auto file = RecordingFile::create(path, limits);
  if (!file) return Failure{file.error()};
  return std::unique_ptr<Recorder>(new Recorder(std::move(*file)));
}

Recorder::Recorder(std::unique_ptr<RecordingFile> file)
    : file_(std::move(file)),
      builder_(
          [this](const ChunkHeader& header, const std::string& packed) { remember(file_->append(header, packed)); },
          [this](const std::string& problem) { remember(file_->path() + ": " + problem); }) {}

Recorder::~Recorder() {
  close();
}

void Recorder::take(model::TargetId target, const model::TargetRecord& record) {
  if (file_->is_open()) builder_.take(target, record);
}

void Recorder::take(const model::Moment& moment) {
  if (file_->is_open()) builder_.take(moment);
}

void Recorder::close() {
  if (!file_->is_open()) return;
  builder_.close();
  remember(file_->finish());
}

void Recorder::remember(std::optional<std::string> problem) {
  if (problem) problem_ = std::move(problem);
}

}  // namespace poolscope::recording

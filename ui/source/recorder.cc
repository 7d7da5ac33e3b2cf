#include "ui/source/recorder.h"

#include <memory>
#include <utility>

#include "agent/client/fetch.h"
#include "exporters/recording/recording_file.h"

namespace poolscope::viewer {
namespace {

constexpr std::chrono::milliseconds kEndWithin{50};  // how long the destructor waits for a transfer at most

}  // namespace

Recorder::Recorder(std::string address, std::string file, Source::Wake wake)
    : address_(std::move(address)), wake_(std::move(wake)), status_{std::move(file), 0, false, ""}, thread_([this] {
        run();
      }) {}

Recorder::~Recorder() {
  wish(Wish::kQuit);
  thread_.join();
}

void Recorder::stop() {
  wish(Wish::kStop);
}

RecordStatus Recorder::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Recorder::wish(Wish wish) {
  const std::lock_guard lock(mutex_);
  if (wish_ != Wish::kQuit) wish_ = wish;
  changed_.notify_all();
}

Recorder::Wish Recorder::wished() const {
  const std::lock_guard lock(mutex_);
  return wish_;
}

void Recorder::tell(const std::function<void(RecordStatus&)>& change) {
  {
    const std::lock_guard lock(mutex_);
    change(status_);
  }
  if (wake_) wake_();
}

void Recorder::run() {
  const auto problem = record();
  tell([&](RecordStatus& status) {
    status.is_over = true;
    status.problem = problem.value_or("");
  });
}

std::optional<std::string> Recorder::ask(client::AgentRecords& records) {
  client::HttpCall call({records.next_url()});
  while (wished() != Wish::kQuit) {
    auto answer = call.step(kEndWithin);
    if (!answer) continue;
    if (!*answer) return answer->error();
    auto problem = records.take(std::move(**answer));
    tell([&](RecordStatus& status) { status.length_ns = records.length_ns(); });
    return problem;
  }
  return std::nullopt;
}

void Recorder::wait_for(std::chrono::seconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return wish_ != Wish::kGoOn; });
}

std::optional<std::string> Recorder::record() {
  auto file = recording::RecordingFile::create(status().file, {});
  if (!file) return file.error();
  client::AgentRecords records(address_, **file);
  std::optional<std::string> problem;
  // The first chunk comes with the second answer: whoever stops before it still gets what was measured.
  for (bool is_last = false; !problem && !is_last;) {
    is_last = wished() == Wish::kQuit || (wished() == Wish::kStop && records.has_chunks());
    problem = ask(records);
    if (!problem && !is_last && records.has_chunks()) wait_for(client::AgentRecords::kAskEvery);
  }
  if (auto other = (*file)->finish(); other && !problem) problem = std::move(other);
  return problem;
}

}  // namespace poolscope::viewer

#include "ui/source/recorder.h"

#include <memory>
#include <utility>

#include "agent/client/fetch.h"
#include "exporters/recording/recording_file.h"

namespace poolscope::viewer {
namespace {

constexpr unsigned kLastQuestions = 2;
// An agent that is started again, or a network that is gone for a moment: the agent keeps a minute.
constexpr unsigned kMostFailures = 10;
constexpr std::chrono::seconds kAgainAfter{5};
constexpr std::chrono::milliseconds kEndWithin{50};  // how long the destructor waits for a transfer at most

}  // namespace

Recorder::Recorder(std::string address, std::string file, Source::Wake wake)
    : address_(std::move(address)),
      wake_(std::move(wake)),
      status_{std::move(file), 0, 0, false, false, ""},
      thread_([this] { run(); }) {}

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

Recorder::Answer Recorder::ask(client::AgentRecords& records) {
  client::HttpCall call({records.next_url()});
  while (wished() != Wish::kQuit) {
    auto answer = call.step(kEndWithin);
    if (!answer) continue;
    if (!*answer) return {answer->error(), true};
    auto problem = records.take(std::move(**answer));
    tell([&](RecordStatus& status) {
      status.length_ns = records.length_ns();
      status.missing_ns = records.missing_ns();
    });
    return {std::move(problem), false};
  }
  return {};
}

void Recorder::wait_for(std::chrono::seconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return wish_ != Wish::kGoOn; });
}

std::optional<std::string> Recorder::record() {
  // A recording that is large is not cut into files: it is opened as one.
  auto file = recording::RecordingFile::create(status().file, {~std::uint64_t{0}, 1});
  if (!file) return file.error();
  client::AgentRecords records(address_, **file);
  auto problem = ask_until_stopped(records);
  if (auto other = (*file)->finish(); other && !problem) problem = std::move(other);
  return problem;
}

// The first chunk comes with the second answer: who stops before it still gets what was measured, if the agent measures anything.
std::optional<std::string> Recorder::ask_until_stopped(client::AgentRecords& records) {
  unsigned failures = 0;
  for (unsigned last_questions = 0; last_questions < kLastQuestions;) {
    const bool is_stopping = wished() != Wish::kGoOn;
    if (is_stopping) tell([](RecordStatus& status) { status.is_stopping = true; });
    if (is_stopping) last_questions += records.has_chunks() ? kLastQuestions : 1;
    const Answer answer = ask(records);
    failures = answer.problem ? failures + 1 : 0;
    const bool is_final = !answer.may_pass || is_stopping || !records.has_chunks() || failures > kMostFailures;
    if (answer.problem && is_final) return answer.problem;
    if (is_stopping) continue;
    if (records.has_chunks() || answer.problem)
      wait_for(answer.problem ? kAgainAfter : client::AgentRecords::kAskEvery);
  }
  return std::nullopt;
}

}  // namespace poolscope::viewer

#include "probes/attach/detacher.h"

#include <algorithm>
#include <utility>

#include "probes/process/monotonic_clock.h"
#include "probes/process/prompt_section.h"

namespace poolscope::attach {

Detacher::Detacher() {
  for (auto& worker : workers_) worker = std::thread([this] { work(); });
}

Detacher::~Detacher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_came_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Detacher::detach(UprobeLinks links, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    for (UniqueFd& link : links) jobs_.push_back(Job{std::move(link), {}});
    if (links.empty()) jobs_.push_back(Job{UniqueFd(), {}});
    jobs_.back().done = std::move(done);
  }
  // One worker for each: the others would wake up to find nothing to do.
  for (std::size_t i = 0; i < std::max<std::size_t>(links.size(), 1); ++i) work_came_.notify_one();
}

void Detacher::wait_idle() {
  std::unique_lock lock(mutex_);
  became_idle_.wait(lock, [this] { return jobs_.empty(); });
}

Detacher::Job* Detacher::next_waiting() {
  const auto job = std::ranges::find(jobs_, Job::State::kWaiting, &Job::state);
  return job == jobs_.end() ? nullptr : &*job;
}

void Detacher::finish_closed() {
  while (!jobs_.empty() && jobs_.front().state == Job::State::kClosed) {
    if (jobs_.front().done) jobs_.front().done();
    jobs_.pop_front();
  }
}

void Detacher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_came_.wait(lock, [this] { return stopping_ || next_waiting() != nullptr; });
    Job* job = next_waiting();
    if (job == nullptr) return;
    job->state = Job::State::kClosing;
    lock.unlock();
    const std::uint64_t before_ns = process::clock_ns(CLOCK_THREAD_CPUTIME_ID);
    {
      const process::PromptSection prompt;  // the target pays until the traps are gone
      job->link.reset();
    }
    cpu_ns_.fetch_add(process::clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns, std::memory_order_relaxed);
    lock.lock();
    job->state = Job::State::kClosed;
    finish_closed();
    if (jobs_.empty()) became_idle_.notify_all();
  }
}

}  // namespace poolscope::attach

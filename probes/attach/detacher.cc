#include "probes/attach/detacher.h"

#include <utility>

namespace poolscope::attach {

Detacher::Detacher() : worker_([this] { work(); }) {}

Detacher::~Detacher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void Detacher::detach(UprobeLinks links, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(Job{std::move(links), std::move(done)});
  }
  changed_.notify_all();
}

void Detacher::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !busy_; });
}

void Detacher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    job.links.clear();
    if (job.done) job.done();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace poolscope::attach

#include "pools/core/registry.h"

#include <pthread.h>

#include "poolscope/detail/pool_core.h"

namespace poolscope::detail {

constinit thread_local std::array<ThreadEntry, kThreadEntries> thread_entries{};

namespace {

constinit thread_local bool thread_is_ending = false;

// Gives back what the thread's caches hold.
struct ThreadState {
  ThreadCaches caches;
  ~ThreadState() {
    thread_is_ending = true;
    thread_entries = {};
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    for (const auto& [serial, cache] : caches) {
      const auto pool = all.pools.find(serial);
      if (pool != all.pools.end()) pool->second->detach(cache);
    }
  }
};
thread_local ThreadState thread_state;

void prepare_fork() {
  registry().mutex.lock();
  for (const auto& [serial, pool] : registry().pools) pool->before_fork();
}

void after_fork_in_parent() {
  for (const auto& [serial, pool] : registry().pools) pool->after_fork_in_parent();
  registry().mutex.unlock();
}

// Only the thread that forked is here. It holds every lock that prepare_fork() took.
void after_fork_in_child() {
  Registry& all = registry();
  // ENOMEM: the page is still the parent's, whose words also say what lies in its caches.
  if (all.page.header != nullptr && ps_page_after_fork(&all.page) == ENOMEM) all.has_parents_page = true;
  if (all.has_parents_page) {
    thread_entries = {};
    if (!thread_is_ending) thread_state.caches.clear();
  }
  for (const auto& [serial, pool] : all.pools) {
    if (all.has_parents_page) pool->leave_page();
    pool->after_fork_in_child(this_thread_mark());
  }
  all.mutex.unlock();
}

// Before anybody else does, so that nobody's handler finds pools that are not ready for the fork, or not yet those of the child.
[[gnu::constructor(101)]] void handle_forks() {
  pthread_atfork(prepare_fork, after_fork_in_parent, after_fork_in_child);
}

}  // namespace

Registry& registry() {
  static Registry& all = *new Registry;
  return all;
}

void Registry::make_page() {
  if (page.header == nullptr) (void)ps_page_create(&page, "libpoolscope " POOLSCOPE_VERSION);
}

void Registry::make_control() {
  if (page.header != nullptr && page.control == nullptr) (void)ps_control_create(&page);
}

ThreadCaches* thread_caches() {
  return thread_is_ending || registry().has_parents_page ? nullptr : &thread_state.caches;
}

void forget_ended_pools(ThreadCaches& caches) {
  const Registry& all = registry();
  if (caches.size() <= 2 * all.pools.size() + kThreadEntries) return;
  std::erase_if(caches, [&](const auto& entry) { return all.pools.find(entry.first) == all.pools.end(); });
}

const void* this_thread_mark() {
  return &thread_entries;
}

}  // namespace poolscope::detail

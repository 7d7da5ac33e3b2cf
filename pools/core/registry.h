#pragma once
// Registry: what there is once per process: the stats page, the pools that live, who has which cache, what happens
// at fork() and at the end of a thread. Never destroyed: pools may be used until the last static destructor has run.

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "poolscope/stats_writer.h"

namespace poolscope::detail {

class PoolCore;
class ThreadCache;

struct Registry {
  std::mutex mutex;
  ps_page page{};  // made with the first pool; no header: there is no memory for it
  std::unordered_map<std::uint64_t, PoolCore*> pools;
  std::uint64_t next_serial = 1;
  bool has_parents_page = false;  // a child that had no memory for a page of its own: no caches, nothing is published

  // Under the mutex.
  void make_page();
  void make_control();
};
Registry& registry();

// The calling thread's caches by serial of the pool; nullptr once the thread is ending.
using ThreadCaches = std::unordered_map<std::uint64_t, ThreadCache*>;
ThreadCaches* thread_caches();
// Takes out caches of pools that have ended, when these are many. Under the mutex.
void forget_ended_pools(ThreadCaches& caches);
// Tells threads that live at the same time apart.
const void* this_thread_mark();

}  // namespace poolscope::detail

/* Publishing a pool on the stats page (poolscope/stats_page.h), for pools that are not of libpoolscope. C11 (with
 * _GNU_SOURCE) and C++, header only, nothing to link.
 *
 *   struct ps_page page;
 *   int problem = ps_page_create(&page, "my service 1.2");    once per process; 0 or an errno
 *   struct ps_pool_identity identity = {.name = "frames", .buffer_bytes = 65536, .known = PS_KNOWN_GETS | PS_KNOWN_MISSES};
 *   struct ps_pool* pool = ps_pool_add(&page, &identity);
 *   struct ps_block* counts = ps_block_add(&page, pool);      per thread and pool, or one per pool under its lock
 *   ps_count(&counts->gets, 1);                               a plain load, add and store
 *   ps_count(&counts->misses[PS_MISS_EMPTY], 1);
 *   ps_histogram_count(&pool->needed_bytes, used_bytes);      one writer at a time
 *   ps_block_release(counts);                                 the thread ends: another one goes on with its sums
 *   ps_pool_remove(&page, pool);                              the pool ends
 *
 * Threads   ps_page_*, ps_pool_*, ps_block_*: one at a time, the caller sees to it. Counting: each block and each
 *           histogram one writer at a time; words that several threads write take ps_count_shared().
 * Failure   where memfd_create() is refused (seccomp), memory is short or slots run out, everything goes on working, in
 *           memory that nobody reads: ps_page_create() returns the errno, and refused_pools, refused_blocks of the
 *           header count the rest. NULL of ps_pool_add() and ps_block_add(): no memory at all.
 * fork()    call ps_page_after_fork() in the child (pthread_atfork): it gets a page of its own at the same address, with
 *           the pools and zero counts. Without it the child counts into its parent's page. Who counts with `cached` notes
 *           before the fork how much lies in the cache of the thread that forks, and tells ps_cache_set_depth() in the child:
 *           without a page of its own a child must not touch a cache at all.
 * Cost      a page takes 21 MiB of addresses and 16 KiB of memory plus what is used: 13 KiB per pool with all four
 *           distributions, 256 bytes per thread and pool.
 */
#ifndef POOLSCOPE_STATS_WRITER_H
#define POOLSCOPE_STATS_WRITER_H

/* NOLINTBEGIN(modernize-*): plain C, which clang-tidy reads as C++ where C++ includes it */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "poolscope/stats_page.h"

#ifndef MFD_ALLOW_SEALING
#error "poolscope/stats_writer.h needs memfd_create(): define _GNU_SOURCE before the first include"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define PS_POOL_BYTES (((unsigned)sizeof(struct ps_pool) + 63u) / 64u * 64u)
#define PS_POOL_CAPACITY 1024u
#define PS_BLOCK_CAPACITY 32768u
#define PS_POOLS_OFFSET 4096u
#define PS_BLOCKS_OFFSET (PS_POOLS_OFFSET + PS_POOL_BYTES * PS_POOL_CAPACITY)
#define PS_PAGE_BYTES (PS_BLOCKS_OFFSET + (unsigned)sizeof(struct ps_block) * PS_BLOCK_CAPACITY)
#define PS_MARK_INTERVAL_NS 5000000000ull
/* Ended pools that keep their slot, so that the agent still sees their last counts, while other slots were never used. */
#define PS_ENDED_KEPT 16u

/* All 0 is a page that does not exist. Private memory of the writer. */
struct ps_page {
  struct ps_stats_header* header;
  struct ps_control_header* control; /* NULL: no pool takes requests */
  int published;                     /* 0: only this process sees it */
};

/* What a pool is called and its limits; copied. Zeroed fields are what they are in ps_pool. */
struct ps_pool_identity {
  const char* name;
  const char* kind;    /* NULL: "published" */
  const char* element; /* NULL: bytes */
  ps_u64 known;
  ps_u64 buffer_bytes;
  ps_u64 max_idle_buffers;
  ps_u64 max_borrowed_buffers;
  ps_u64 max_retained_bytes;
  ps_u64 cleanup_interval_ns;
  ps_u64 sample_one_in; /* 0: 1 */
};

/* ---- a page -------------------------------------------------------------------------------------------------------- */

static inline ps_u64 ps_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (ps_u64)now.tv_sec * 1000000000ull + (ps_u64)now.tv_nsec;
}

/* Field 22 of /proc/self/stat; 0 when it cannot be read. The name in field 2 may hold anything: the others start after
 * its last ')'. */
static inline ps_u64 ps_start_ticks(void) {
  char text[1024];
  const char* at;
  int field;
  ssize_t got;
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

  if (fd < 0) return 0;
  got = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (got <= 0) return 0;
  text[got] = '\0';
  at = strrchr(text, ')');
  for (field = 2; at && field < 22; ++field) at = strchr(at + 1, ' ');
  return at ? strtoull(at, NULL, 10) : 0;
}

/* A sealed memfd of `bytes`, mapped at `where` (NULL: anywhere); where that fails, memory of this process alone and *problem the
 * errno. NULL only when there is no memory at all. */
static inline void* ps_map_page(const char* name, size_t bytes, void* where, int protection, int* problem) {
  const int place = where ? MAP_FIXED : 0;
  void* base = MAP_FAILED;
  const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

  *problem = 0;
  if (fd < 0 || ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
      (base = mmap(where, bytes, protection, MAP_SHARED | MAP_NORESERVE | place, fd, 0)) == MAP_FAILED)
    *problem = errno;
  if (fd >= 0) close(fd);
  if (base == MAP_FAILED)
    base = mmap(where, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | place, -1, 0);
  return base == MAP_FAILED ? NULL : base;
}

/* What does not fit is cut. */
static inline void ps_copy_text(char* to, size_t bytes, const char* from) {
  size_t length = from ? strnlen(from, bytes - 1) : 0;
  if (length) memcpy(to, from, length);
  to[length] = '\0';
}

static inline void ps_fill_header(struct ps_stats_header* header, const char* writer) {
  header->version = PS_STATS_VERSION;
  header->header_bytes = sizeof(*header);
  header->pool_bytes = PS_POOL_BYTES;
  header->block_bytes = sizeof(struct ps_block);
  header->pools_offset = PS_POOLS_OFFSET;
  header->blocks_offset = PS_BLOCKS_OFFSET;
  header->pool_capacity = PS_POOL_CAPACITY;
  header->block_capacity = PS_BLOCK_CAPACITY;
  header->page_bytes = PS_PAGE_BYTES;
  header->pid = (ps_u64)getpid();
  header->start_ticks = ps_start_ticks();
  header->mark_interval_ns = PS_MARK_INTERVAL_NS;
  ps_copy_text(header->writer, sizeof(header->writer), writer);
}

/* 0, or the errno why nobody else sees it. ENOMEM with a NULL header: there is no page, and nothing below may be called. */
static inline int ps_page_create(struct ps_page* page, const char* writer) {
  int problem;

  memset(page, 0, sizeof(*page));
  page->header =
      (struct ps_stats_header*)ps_map_page(PS_STATS_MEMFD_NAME, PS_PAGE_BYTES, NULL, PROT_READ | PROT_WRITE, &problem);
  if (!page->header) return ENOMEM;
  page->published = !problem;
  ps_fill_header(page->header, writer);
  __atomic_store_n(&page->header->magic, PS_STATS_MAGIC, __ATOMIC_RELEASE);
  return problem;
}

/* Nothing may count any more. */
static inline void ps_page_destroy(struct ps_page* page) {
  if (page->header) munmap(page->header, PS_PAGE_BYTES);
  if (page->control)
    munmap(page->control,
           page->control->slots_offset + (size_t)page->control->slot_bytes * page->control->slot_capacity);
  memset(page, 0, sizeof(*page));
}

/* ---- a pool -------------------------------------------------------------------------------------------------------- */

static inline struct ps_pool* ps_slot(const struct ps_page* page, ps_u32 index) {
  return (struct ps_pool*)((char*)page->header + PS_POOLS_OFFSET + (size_t)index * PS_POOL_BYTES);
}
static inline struct ps_block* ps_block_slot(const struct ps_page* page, ps_u32 index) {
  return (struct ps_block*)((char*)page->header + PS_BLOCKS_OFFSET) + index;
}
static inline ps_u32 ps_pool_index(const struct ps_page* page, const struct ps_pool* pool) {
  return (ps_u32)((size_t)((const char*)pool - (const char*)ps_slot(page, 0)) / PS_POOL_BYTES);
}

/* The ended pool whose slot is taken next, or NULL. *ended: how many there are. */
static inline struct ps_pool* ps_oldest_ended(const struct ps_page* page, ps_u32* ended) {
  struct ps_pool* oldest = NULL;
  ps_u32 i;

  *ended = 0;
  for (i = 0; i < page->header->pools_used; ++i) {
    struct ps_pool* pool = ps_slot(page, i);
    if (pool->state != PS_POOL_ENDED) continue;
    ++*ended;
    if (!oldest || pool->ended_ns < oldest->ended_ns) oldest = pool;
  }
  return oldest;
}

/* Takes the blocks of `pool` away. Its sequence is odd: no reader believes in them any more. */
static inline void ps_free_blocks(const struct ps_page* page, const struct ps_pool* pool) {
  const ps_u32 index = ps_pool_index(page, pool);
  ps_u32 i;

  for (i = 0; i < page->header->blocks_used; ++i) {
    struct ps_block* block = ps_block_slot(page, i);
    if (block->pool_sequence && block->pool_index == index) memset(block, 0, sizeof(*block));
  }
}

static inline struct ps_pool* ps_take_slot(struct ps_page* page) {
  struct ps_stats_header* header = page->header;
  ps_u32 ended;
  struct ps_pool* pool = ps_oldest_ended(page, &ended);

  if (pool && (ended > PS_ENDED_KEPT || header->pools_used == header->pool_capacity)) {
    (void)__atomic_fetch_add(&pool->sequence, 1, __ATOMIC_ACQ_REL); /* before every change below */
    ps_free_blocks(page, pool);
    memset((char*)pool + sizeof(pool->sequence), 0, sizeof(*pool) - sizeof(pool->sequence));
    return pool;
  }
  if (header->pools_used < header->pool_capacity) {
    pool = ps_slot(page, header->pools_used);
    pool->sequence = 1;
    __atomic_store_n(&header->pools_used, header->pools_used + 1, __ATOMIC_RELEASE);
    return pool;
  }
  ps_count(&header->refused_pools, 1);
  return NULL;
}

static inline void ps_fill_pool(struct ps_pool* pool, const struct ps_pool_identity* identity) {
  pool->state = PS_POOL_LIVE;
  pool->known = identity->known;
  ps_copy_text(pool->name, sizeof(pool->name), identity->name);
  ps_copy_text(pool->kind, sizeof(pool->kind), identity->kind ? identity->kind : "published");
  ps_copy_text(pool->element, sizeof(pool->element), identity->element);
  pool->created_ns = ps_now_ns();
  pool->buffer_bytes = identity->buffer_bytes;
  pool->max_idle_buffers = identity->max_idle_buffers;
  pool->max_borrowed_buffers = identity->max_borrowed_buffers;
  pool->max_retained_bytes = identity->max_retained_bytes;
  pool->cleanup_interval_ns = identity->cleanup_interval_ns;
  pool->sample_one_in = identity->sample_one_in ? identity->sample_one_in : 1;
}

/* A pool in memory of its own, which nobody reads; sequence 0. NULL: no memory. */
static inline struct ps_pool* ps_pool_private(const struct ps_pool_identity* identity) {
  struct ps_pool* pool = (struct ps_pool*)calloc(1, sizeof(*pool));
  if (pool) ps_fill_pool(pool, identity);
  return pool;
}

/* Private when no slot is free. NULL: no memory. */
static inline struct ps_pool* ps_pool_add(struct ps_page* page, const struct ps_pool_identity* identity) {
  struct ps_pool* pool = ps_take_slot(page);
  if (!pool) return ps_pool_private(identity);
  ps_fill_pool(pool, identity);
  __atomic_store_n(&pool->sequence, pool->sequence + 1, __ATOMIC_RELEASE);
  return pool;
}

/* Nobody counts in its blocks any more. The last counts stay to be read for a while. */
static inline void ps_pool_remove(struct ps_page* page, struct ps_pool* pool) {
  (void)page;
  if (!pool->sequence) {
    free(pool);
    return;
  }
  ps_store(&pool->ended_ns, ps_now_ns());
  __atomic_store_n(&pool->state, PS_POOL_ENDED, __ATOMIC_RELEASE);
}

/* ---- blocks of counters -------------------------------------------------------------------------------------------- */

/* First one of the pool that no thread has, then a free one. */
static inline struct ps_block* ps_find_block(const struct ps_page* page, const struct ps_pool* pool, ps_u32 index) {
  struct ps_block* free_block = NULL;
  ps_u32 i;

  for (i = 0; i < page->header->blocks_used; ++i) {
    struct ps_block* block = ps_block_slot(page, i);
    if (block->pool_sequence == pool->sequence && block->pool_index == index && block->waiting) return block;
    if (!block->pool_sequence && !free_block) free_block = block;
  }
  return free_block;
}

/* A block in memory of its own, which nobody reads. NULL: no memory. */
static inline struct ps_block* ps_block_private(void) {
  return (struct ps_block*)calloc(1, sizeof(struct ps_block));
}

/* Private when the pool is, or no block is free. NULL: no memory. */
static inline struct ps_block* ps_block_add(struct ps_page* page, struct ps_pool* pool) {
  struct ps_stats_header* header = page->header;
  struct ps_block* block;

  if (!pool->sequence) return ps_block_private();
  block = ps_find_block(page, pool, ps_pool_index(page, pool));
  if (!block && header->blocks_used == header->block_capacity) {
    ps_count(&header->refused_blocks, 1);
    return ps_block_private();
  }
  if (!block) {
    block = ps_block_slot(page, header->blocks_used);
    __atomic_store_n(&header->blocks_used, header->blocks_used + 1, __ATOMIC_RELEASE);
  }
  ps_store(&block->waiting, 0);
  ps_store(&block->pool_index, ps_pool_index(page, pool));
  __atomic_store_n(&block->pool_sequence, pool->sequence, __ATOMIC_RELEASE);
  return block;
}

/* The writer of `block` ends; the next ps_block_add() of its pool goes on in it. */
static inline void ps_block_release(struct ps_block* block) {
  if (!block->pool_sequence)
    free(block);
  else
    ps_store(&block->waiting, 1);
}

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan" /* it knows no fences; the words that this one orders are atomic */
#endif
/* The cache of the block's writer holds `depth` objects (at most 255) from now on; gets and puts stay what they are. Of the puts into it
 * that follow, number `until` (1 to 2^47) is the first after which PS_CACHED_DUE is set in `cached`, and stays set: the writer
 * calls this again then, at the latest 2^47 puts later. */
static inline void ps_cache_restart(struct ps_block* block, ps_u64 depth, ps_u64 until) {
  const ps_u64 cached = ps_load(&block->cached);
  const struct ps_cache_base* old = &block->bases[cached >> PS_CACHED_NUMBER_SHIFT & 1];
  const ps_u64 next = ps_load(&old->number) + 1;
  const ps_u64 number = next & 0xff ? next : next + 2; /* a base that is being filled must not look like this one */
  struct ps_cache_base* fresh = &block->bases[number & 1];
  const ps_u64 start = (1ull << 47) - until;
  const ps_u64 moved = (cached >> PS_CACHED_PUTS_SHIFT) - start;

  ps_store(&fresh->number, 0);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  ps_store(&fresh->gets, ps_load(&old->gets) + moved - (cached & PS_CACHED_DEPTH) + depth);
  ps_store(&fresh->puts, ps_load(&old->puts) + moved);
  __atomic_store_n(&fresh->number, number, __ATOMIC_RELEASE);
  __atomic_store_n(&block->cached, start << PS_CACHED_PUTS_SHIFT | (number & 0xff) << PS_CACHED_NUMBER_SHIFT | depth,
                   __ATOMIC_RELEASE);
}
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic pop /* of -Wtsan */
#endif
/* The same, with PS_CACHED_DUE set when it would have been. */
static inline void ps_cache_set_depth(struct ps_block* block, ps_u64 depth) {
  ps_cache_restart(block, depth, (1ull << 47) - (ps_load(&block->cached) >> PS_CACHED_PUTS_SHIFT));
}

/* ---- distributions and water marks --------------------------------------------------------------------------------- */

/* One writer at a time. */
static inline void ps_histogram_count(struct ps_histogram* histogram, ps_u64 value) {
  ps_count(&histogram->counts[ps_log_linear_index(value)], 1);
  ps_count(&histogram->sum, value);
}

static inline void ps_raise(ps_u64* word, ps_u64 value) {
  ps_u64 seen = ps_load(word);
  while (seen < value && !__atomic_compare_exchange_n(word, &seen, value, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    continue;
}

/* Any thread. `value` objects are borrowed (or idle) now, at `now_ns`. */
static inline void ps_mark_value(struct ps_mark* marks, ps_u64 value, ps_u64 now_ns) {
  const ps_u64 interval = now_ns / PS_MARK_INTERVAL_NS;
  const ps_u64 number = interval << 32;
  struct ps_mark* mark = &marks[interval % PS_MARKS];

  if (value > PS_MARK_MAX) value = PS_MARK_MAX;
  ps_raise(&mark->high, number | value);
  ps_raise(&mark->low, number | (PS_MARK_MAX - value));
}

/* ---- fork and control ---------------------------------------------------------------------------------------------- */

/* The pool as the child of a fork begins with it: nothing counted yet. */
static inline void ps_restart_pool(struct ps_pool* to, const struct ps_pool* from) {
  memcpy(to, from, offsetof(struct ps_pool, resizes_up));
  to->objects_at_start = from->objects_at_start;
  to->borrowed_at_start = from->borrowed_at_start;
  to->sample_one_in = from->sample_one_in;
  to->cached_capacity = from->cached_capacity;
  to->hold_limit_ns = from->hold_limit_ns;
}

static inline void ps_restart_block(const struct ps_page* page, struct ps_block* to, const struct ps_block* from) {
  struct ps_pool* pool = ps_slot(page, (ps_u32)from->pool_index);

  to->pool_sequence = from->pool_sequence;
  to->pool_index = from->pool_index;
  to->waiting = from->waiting;
  if (!from->pool_sequence) return;
  pool->objects_at_start += from->created - from->destroyed;
  pool->borrowed_at_start +=
      ps_block_gets(from) - from->gets_failed - (ps_block_puts(from) - from->discards[PS_DISCARD_FOREIGN]);
}

static inline void ps_restart_page(const struct ps_page* to, const struct ps_page* from) {
  const ps_u32 pools = from->header->pools_used, blocks = from->header->blocks_used;
  ps_u32 i;

  ps_fill_header(to->header, from->header->writer);
  for (i = 0; i < pools; ++i) ps_restart_pool(ps_slot(to, i), ps_slot(from, i));
  for (i = 0; i < blocks; ++i) ps_restart_block(to, ps_block_slot(to, i), ps_block_slot(from, i));
  to->header->pools_used = pools;
  to->header->blocks_used = blocks;
}

#define PS_CONTROL_BYTES (4096u + (unsigned)sizeof(struct ps_control) * PS_POOL_CAPACITY)

/* From now on the agent can ask for limits: ps_control_of(). 0, or the errno why it cannot. */
static inline int ps_control_create(struct ps_page* page) {
  int problem;
  struct ps_control_header* control = (struct ps_control_header*)ps_map_page(
      PS_CONTROL_MEMFD_NAME, PS_CONTROL_BYTES, page->control, PROT_READ | PROT_WRITE, &problem);
  if (!control) return ENOMEM;
  control->version = PS_STATS_VERSION;
  control->header_bytes = sizeof(*control);
  control->slot_bytes = sizeof(struct ps_control);
  control->slots_offset = 4096u;
  control->slot_capacity = PS_POOL_CAPACITY;
  control->pid = page->header->pid;
  control->start_ticks = page->header->start_ticks;
  __atomic_store_n(&control->magic, PS_CONTROL_MAGIC, __ATOMIC_RELEASE);
  page->control = control;
  return problem ? problem : mprotect(control, PS_CONTROL_BYTES, PROT_READ) ? errno : 0;
}

/* The new request for `pool`, copied to *request: 1, else 0. Answer with ps_control_answer(). */
static inline int ps_control_take(const struct ps_page* page, const struct ps_pool* pool, struct ps_control* request) {
  const struct ps_control* slot;

  if (!page->control || !pool->sequence) return 0;
  slot = (const struct ps_control*)((const char*)page->control + 4096u) + ps_pool_index(page, pool);
  request->request = __atomic_load_n(&slot->request, __ATOMIC_ACQUIRE);
  if (request->request == ps_load(&pool->request_seen) || ps_load(&slot->pool_sequence) != pool->sequence) return 0;
  request->pool_sequence = pool->sequence;
  request->buffer_bytes = ps_load(&slot->buffer_bytes);
  request->max_idle_buffers = ps_load(&slot->max_idle_buffers);
  request->max_borrowed_buffers = ps_load(&slot->max_borrowed_buffers);
  request->max_retained_bytes = ps_load(&slot->max_retained_bytes);
  return 1;
}

/* After the limits in the slot are what they are now. */
static inline void ps_control_answer(struct ps_pool* pool, const struct ps_control* request,
                                     enum ps_request_result result) {
  ps_store(&pool->request_result, result);
  __atomic_store_n(&pool->request_seen, request->request, __ATOMIC_RELEASE);
}

/* In the child of a fork: a page of its own, at the same address. Pools and blocks stay where they are, limits are kept, counts are 0.
 * Returns as ps_page_create() does; on ENOMEM the child still has its parent's page and must not count. */
static inline int ps_page_after_fork(struct ps_page* page) {
  struct ps_page fresh = {NULL, NULL, 0};
  int problem;

  fresh.header =
      (struct ps_stats_header*)ps_map_page(PS_STATS_MEMFD_NAME, PS_PAGE_BYTES, NULL, PROT_READ | PROT_WRITE, &problem);
  if (!fresh.header) return ENOMEM;
  ps_restart_page(&fresh, page);
  if (mremap(fresh.header, PS_PAGE_BYTES, PS_PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, page->header) == MAP_FAILED) {
    munmap(fresh.header, PS_PAGE_BYTES);
    return ENOMEM;
  }
  page->published = !problem;
  __atomic_store_n(&page->header->magic, PS_STATS_MAGIC, __ATOMIC_RELEASE);
  if (!page->control) return problem;
  if (!problem) return ps_control_create(page);
  munmap(page->control, PS_CONTROL_BYTES); /* it is the parent's */
  page->control = NULL;
  return problem;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*) */

#endif

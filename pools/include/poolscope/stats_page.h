/* The stats page: how a pool, in whatever language, publishes its counters. Plain C11 and C++; layout and reading only.
 * Pools are published with poolscope/stats_writer.h; the pools of libpoolscope do so by themselves.
 *
 * What it is  one sealed memfd per process, mapped by the process that counts, found and read by the agent without any
 *             registration: it appears in /proc/PID/maps as "/memfd:poolscope-stats (deleted)". Counting costs plain
 *             stores; nobody is called, woken or waited for. The sums can be read until the last mapping is gone.
 *
 * Layout      struct ps_stats_header at 0, then pool_capacity slots of struct ps_pool from pools_offset, pool_bytes
 *             apart, then block_capacity blocks of struct ps_block from blocks_offset, block_bytes apart. Only
 *             pools_used slots and blocks_used blocks were ever written: the rest are holes, which take no memory
 *             unless somebody looks at them.
 *             A pool is its slot (identity, limits, distributions) and all blocks that name its slot and its sequence
 *             (counters): the sum over the blocks is the count of the pool. A block has one writer at a time, as a rule
 *             one thread, and stays with the pool when that thread ends: the next one goes on counting in it. So sums
 *             never fall, and nothing is folded or lost.
 *
 * Values      every word is aligned, 64 bits (32 in the header), in the byte order of the machine, written and read
 *             whole. Counters only rise. Words are not a snapshot of one moment: read `puts` before `gets`, and take a
 *             negative difference for 0.
 *               borrowed = borrowed_at_start + gets - gets_failed - (puts - discards[PS_DISCARD_FOREIGN])
 *               idle     = objects_at_start + created - destroyed - borrowed     (in threads' caches and shared)
 *               hits     = gets - all misses
 *             `known` of the slot says which words are kept. What is not kept is unknown, not 0.
 *
 * Gets, puts  of a block are its words `gets` and `puts` and what is counted in `cached`: ps_block_gets(), ps_block_puts().
 *             A writer that keeps idle objects in a cache needs no other word for cache and counts: bits 0 to 7 of `cached`
 *             are the objects in its cache, bits 16 to 63 rise with each put into it. A put adds PS_CACHED_PUT, a get takes
 *             PS_CACHED_GET away, and
 *               puts = base.puts + (cached >> 16)
 *               gets = base.gets + (cached >> 16) - (cached & 255)
 *             Bits 8 to 15 say by which base, as the last bits of its number: the writer fills the one that is not in
 *             use, then changes to it with one store. Readers always find one that is whole, whenever a writer ended.
 *             Who has no such cache leaves all of it 0.
 *
 * Slots       sequence is 0 in a slot never used, odd while the slot is being filled, even else, and never the same
 *             again: a reader takes the sequence (ps_pool_sequence), copies what it wants of slot and blocks, and drops
 *             the copy unless the sequence is still the same (ps_pool_unchanged). state tells a live pool from an ended
 *             one, which stays until its slot is needed.
 *
 * Whose       pid and start_ticks (field 22 of /proc/PID/stat) are those of the writer. A child of a fork() without
 *             exec() maps its parent's page until it has one of its own: a page whose pid and start_ticks are not both
 *             those of the process it was found in is not of that process. Ticks are 10 ms long, so that a child may
 *             have its parent's. pid is what the writer was told, in its pid namespace: the last of NSpid in
 *             /proc/PID/status.
 *
 * Trust       the reader believes nothing: seals (PS_PAGE_SEALS: it cannot shrink under a mapping), then
 *             ps_stats_problem(), then every text as bounded by its array, every index below its bound.
 *
 * Later       a larger `version` is another layout. Within a version structures may grow at their ends: the distances
 *             in the header are those of the writer, and ps_pool_at(), ps_block_at() go by them. A reader knows fields
 *             up to sizeof of its own structures and finds fewer when the writer is older: a field is there when it
 *             ends within pool_bytes or block_bytes.
 */
#ifndef POOLSCOPE_STATS_PAGE_H
#define POOLSCOPE_STATS_PAGE_H

/* NOLINTBEGIN(modernize-*): plain C, which clang-tidy reads as C++ where C++ includes it */

#include <stddef.h>

#include "poolscope/log_linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned int ps_u32;

#define PS_STATS_MEMFD_NAME "poolscope-stats"
#define PS_STATS_MAGIC 0x6567617074617473ull /* "statpage" in memory */
#define PS_STATS_VERSION 1u
#define PS_PAGE_SEALS 0x7 /* F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW */
#define PS_NO_LIMIT (~0ull)

/* Why a get had to create, or got nothing. */
enum ps_miss { PS_MISS_EMPTY, PS_MISS_EXHAUSTED, PS_MISS_OVER_MAX_SIZE, PS_MISS_REASONS = 4 };
/* Why a put was not kept. Invalid: a check or the reset of the object refused it. */
enum ps_discard {
  PS_DISCARD_FULL,
  PS_DISCARD_OVER_MAX_SIZE,
  PS_DISCARD_TRIMMED,
  PS_DISCARD_FOREIGN,
  PS_DISCARD_INVALID,
  PS_DISCARD_REASONS = 8
};
enum ps_pool_state { PS_POOL_LIVE = 1, PS_POOL_ENDED = 2 };

/* Bits of ps_pool.known: which words the writer keeps. */
#define PS_KNOWN_GETS (1ull << 0)
#define PS_KNOWN_PUTS (1ull << 1)
#define PS_KNOWN_MISSES (1ull << 2)
#define PS_KNOWN_DISCARDS (1ull << 3)
#define PS_KNOWN_OBJECTS (1ull << 4) /* created, destroyed: what is idle can be derived */
#define PS_KNOWN_REGROWTHS (1ull << 5)
#define PS_KNOWN_NEEDED_BYTES (1ull << 6)
#define PS_KNOWN_BUFFER_BYTES (1ull << 7)
#define PS_KNOWN_IDLE_DEPTH (1ull << 8)
#define PS_KNOWN_HOLD_NS (1ull << 9)
#define PS_KNOWN_MARKS (1ull << 10)

struct ps_stats_header {
  ps_u64 magic; /* PS_STATS_MAGIC, stored last: before that the page is not ready */
  ps_u32 version;
  ps_u32 header_bytes;
  ps_u32 pool_bytes; /* from one slot to the next; a multiple of 64, as the next two */
  ps_u32 block_bytes;
  ps_u32 pools_offset;
  ps_u32 blocks_offset;
  ps_u32 pool_capacity;
  ps_u32 block_capacity;
  ps_u32 pools_used;  /* slots ever used: rises only */
  ps_u32 blocks_used; /* blocks ever used: rises only */
  ps_u64 page_bytes;
  ps_u64 pid;
  ps_u64 start_ticks;
  ps_u64 mark_interval_ns; /* length of an interval of water marks, on CLOCK_MONOTONIC from 0 */
  ps_u64 refused_pools;    /* pools that are not published: no slot was free */
  ps_u64 refused_blocks;   /* threads whose counts are not published: no block was free */
  char writer[64];         /* "libpoolscope 0.1.0" */
};

struct ps_histogram {
  ps_u64 sum; /* of all values */
  ps_u64 counts[PS_LOG_LINEAR_BUCKETS];
};

/* Water marks of the last PS_MARKS intervals, each in the place (number of the interval) % PS_MARKS. A mark is the
 * number of its interval above 32 bits: `high` has the value there, `low` has PS_MARK_MAX minus the value, so that both
 * words only rise. An interval without a mark in its place had no event. The reader takes the intervals that ended
 * since it last looked, and asks nobody for a new one. */
#define PS_MARKS 16
#define PS_MARK_MAX 0xffffffffull
struct ps_mark {
  ps_u64 high;
  ps_u64 low;
};

struct ps_pool {
  ps_u64 sequence;
  ps_u64 state; /* enum ps_pool_state */
  ps_u64 known; /* PS_KNOWN_* */
  char name[96];
  char kind
      [32]; /* "poolscope" for pools of libpoolscope; else what the writer calls it, "published" if it says nothing */
  char element[64];  /* type of what it holds; empty: bytes */
  ps_u64 created_ns; /* CLOCK_MONOTONIC */
  ps_u64 ended_ns;   /* 0 while live */

  /* Limits as configured, changed by a resize. 0 where the pool has no such knob, PS_NO_LIMIT where it is open. */
  ps_u64 buffer_bytes;
  ps_u64 max_idle_buffers;
  ps_u64 max_borrowed_buffers;
  ps_u64 max_retained_bytes;
  ps_u64 cleanup_interval_ns;
  ps_u64 resizes_up;
  ps_u64 resizes_down;

  /* Objects that existed before the counters began: in the child of a fork, else 0. */
  ps_u64 objects_at_start;
  ps_u64 borrowed_at_start;

  ps_u64 sample_one_in;   /* of the puts, at random, in the next three; 1: all of them */
  ps_u64 cached_capacity; /* objects that threads' caches may hold: how far borrowed_marks may be too high */
  ps_u64 hold_sampled;    /* gets whose object was watched; those that came back are in hold_ns */
  ps_u64 hold_given_up;   /* of these, not watched to the end: longer than hold_limit_ns, or the object ended */
  ps_u64 hold_limit_ns;
  ps_u64 request_seen;   /* of ps_control.request, when the pool takes requests */
  ps_u64 request_result; /* enum ps_request_result, of that request */
  ps_u64 reserved[11];

  struct ps_mark borrowed_marks[PS_MARKS]; /* truth: between high - cached_capacity and high */
  struct ps_mark idle_marks[PS_MARKS];     /* of the shared part alone when there are caches: `low` was never needed */

  struct ps_histogram needed_bytes; /* bytes really used of a buffer, at put */
  struct ps_histogram buffer_bytes_at_put;
  struct ps_histogram idle_depth; /* idle objects right after a put that was kept: what the next get finds */
  struct ps_histogram hold_ns;    /* from get to put of the same object */
};

/* What gets and puts of `cached` are added to. */
struct ps_cache_base {
  ps_u64 number; /* rising, odd and even in turn, never a multiple of 256; 0: it is being filled, or was never used */
  ps_u64 gets;
  ps_u64 puts;
};

struct ps_block {
  ps_u64 pool_sequence; /* of the slot when the block was given to it; 0: free */
  ps_u64 pool_index;
  ps_u64 waiting;     /* 1: its thread ended, the next one of the pool takes it */
  ps_u64 gets;        /* these two: but for those in `cached` */
  ps_u64 puts;        /* kept or not */
  ps_u64 gets_failed; /* of gets: nothing was handed out */
  ps_u64 created;
  ps_u64 destroyed;
  ps_u64 regrowths; /* times that a borrowed buffer had to grow: every step */
  ps_u64 misses[PS_MISS_REASONS];
  ps_u64 discards[PS_DISCARD_REASONS];
  ps_u64 cached;
  struct ps_cache_base bases[2]; /* number n in place n % 2 */
  ps_u64 reserved[4];
};

#define PS_CACHED_DEPTH 0xffull
#define PS_CACHED_NUMBER_SHIFT 8
#define PS_CACHED_PUTS_SHIFT 16
#define PS_CACHED_PUT ((1ull << PS_CACHED_PUTS_SHIFT) + 1)
#define PS_CACHED_GET 1ull
#define PS_CACHED_DUE (1ull << 63) /* ps_cache_restart() says of which put */

/* ---- the control page: how the agent asks a pool for other limits ---------------------------------------------------
 * A second memfd, "poolscope-control", which the agent may write and the service only reads. Slot i belongs to pool slot
 * i; a pool takes requests only when its service said so (resizable_by_agent). The agent writes the limits and
 * pool_sequence, then raises `request` by one. The pool looks at it on its slow path, checks the values, changes itself,
 * and tells in its slot: limits, request_seen, request_result. A request for another sequence stays unseen. */
#define PS_CONTROL_MEMFD_NAME "poolscope-control"
#define PS_CONTROL_MAGIC 0x6c6f72746e6f6373ull /* "scontrol" in memory */
#define PS_UNCHANGED (~0ull - 1)

enum ps_request_result { PS_REQUEST_NONE, PS_REQUEST_APPLIED, PS_REQUEST_REFUSED };

struct ps_control_header {
  ps_u64 magic;
  ps_u32 version; /* PS_STATS_VERSION */
  ps_u32 header_bytes;
  ps_u32 slot_bytes;
  ps_u32 slots_offset;
  ps_u32 slot_capacity;
  ps_u32 reserved;
  ps_u64 pid;
  ps_u64 start_ticks;
};

struct ps_control {
  ps_u64 request;
  ps_u64 pool_sequence;
  ps_u64 buffer_bytes; /* PS_UNCHANGED: leave it; PS_NO_LIMIT: open it; so all limits */
  ps_u64 max_idle_buffers;
  ps_u64 max_borrowed_buffers;
  ps_u64 max_retained_bytes;
  ps_u64 reserved[2];
};

/* ---- words --------------------------------------------------------------------------------------------------------- */

static inline ps_u64 ps_load(const ps_u64* word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}
static inline void ps_store(ps_u64* word, ps_u64 value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}
/* For the only writer of `word`: a plain load, add and store. */
static inline void ps_count(ps_u64* word, ps_u64 more) {
  ps_store(word, ps_load(word) + more);
}
/* For words with several writers. */
static inline void ps_count_shared(ps_u64* word, ps_u64 more) {
  (void)__atomic_fetch_add(word, more, __ATOMIC_RELAXED);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* What is wrong with a page of `bytes`, of which at least the header can be read; NULL: nothing, and every slot and
 * block below the numbers used lies inside. The header must be a copy that nobody changes. */
static inline const char* ps_stats_problem(const struct ps_stats_header* header, ps_u64 bytes) {
  if (bytes < sizeof(*header)) return "shorter than its header";
  if (header->magic != PS_STATS_MAGIC) return "not a stats page, or not ready yet";
  if (header->version != PS_STATS_VERSION) return "of another version";
  if (header->header_bytes < sizeof(*header) || header->pools_offset < header->header_bytes) return "header too short";
  if (header->page_bytes > bytes) return "shorter than it says";
  if (header->pool_bytes < offsetof(struct ps_pool, needed_bytes) || header->pool_bytes % 64 ||
      header->pools_offset % 64)
    return "pool slots of an impossible size";
  if (header->block_bytes < offsetof(struct ps_block, reserved) || header->block_bytes % 64 ||
      header->blocks_offset % 64)
    return "blocks of an impossible size";
  if (header->pools_used > header->pool_capacity || header->blocks_used > header->block_capacity)
    return "more in use than there are";
  if ((ps_u64)header->pool_bytes * header->pool_capacity + header->pools_offset > header->page_bytes)
    return "pool slots beyond the end";
  if ((ps_u64)header->block_bytes * header->block_capacity + header->blocks_offset > header->page_bytes)
    return "blocks beyond the end";
  return NULL;
}

/* Slot and block number `index` of the page at `base`, whose header was found right. */
static inline const struct ps_pool* ps_pool_at(const void* base, const struct ps_stats_header* header, ps_u32 index) {
  return (const struct ps_pool*)((const char*)base + header->pools_offset + (ps_u64)index * header->pool_bytes);
}
static inline const struct ps_block* ps_block_at(const void* base, const struct ps_stats_header* header, ps_u32 index) {
  return (const struct ps_block*)((const char*)base + header->blocks_offset + (ps_u64)index * header->block_bytes);
}

/* 0: the slot holds nothing now. */
static inline ps_u64 ps_pool_sequence(const struct ps_pool* pool) {
  const ps_u64 sequence = __atomic_load_n(&pool->sequence, __ATOMIC_ACQUIRE);
  return sequence & 1 ? 0 : sequence;
}
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan" /* it knows no fences; the words that these order are atomic */
#endif
/* The base by which `cached` counts, as sums: *gets and *puts. 0: not found, which takes a writer that changes its base
 * twice in each of the tries. */
static inline int ps_cached_counts(const struct ps_block* block, ps_u64* gets, ps_u64* puts) {
  int tries;
  for (tries = 0; tries < 64; ++tries) {
    const ps_u64 guess = ps_load(&block->cached) >> PS_CACHED_NUMBER_SHIFT;
    const struct ps_cache_base* base = &block->bases[guess & 1];
    const ps_u64 number = __atomic_load_n(&base->number, __ATOMIC_ACQUIRE);
    const ps_u64 base_gets = ps_load(&base->gets), base_puts = ps_load(&base->puts);
    const ps_u64 cached = __atomic_load_n(&block->cached, __ATOMIC_ACQUIRE);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    *puts = base_puts + (cached >> PS_CACHED_PUTS_SHIFT);
    *gets = base_gets + (cached >> PS_CACHED_PUTS_SHIFT) - (cached & PS_CACHED_DEPTH);
    /* The same number before and after: the base was whole all the time, so `cached` is of it or of its neighbours. */
    if (ps_load(&base->number) == number && (cached >> PS_CACHED_NUMBER_SHIFT & 0xff) == (number & 0xff)) return 1;
  }
  return 0;
}
/* Whether everything read since ps_pool_sequence() gave `sequence` is of one pool. */
static inline int ps_pool_unchanged(const struct ps_pool* pool, ps_u64 sequence) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return ps_load(&pool->sequence) == sequence;
}
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic pop /* of -Wtsan */
#endif

/* All gets and puts of a block. */
static inline ps_u64 ps_block_gets(const struct ps_block* block) {
  ps_u64 gets, puts;
  return ps_load(&block->gets) + (ps_cached_counts(block, &gets, &puts) ? gets : 0);
}
static inline ps_u64 ps_block_puts(const struct ps_block* block) {
  ps_u64 gets, puts;
  return ps_load(&block->puts) + (ps_cached_counts(block, &gets, &puts) ? puts : 0);
}

/* The interval of water marks at `now_ns`. */
static inline ps_u64 ps_mark_interval(const struct ps_stats_header* header, ps_u64 now_ns) {
  return header->mark_interval_ns ? now_ns / header->mark_interval_ns : 0;
}
/* The mark of `interval` if there is one: 1 and the value, else 0. */
static inline int ps_mark_high(const struct ps_mark* marks, ps_u64 interval, ps_u64* value) {
  const ps_u64 word = ps_load(&marks[interval % PS_MARKS].high);
  *value = word & PS_MARK_MAX;
  return word != 0 && word >> 32 == interval;
}
static inline int ps_mark_low(const struct ps_mark* marks, ps_u64 interval, ps_u64* value) {
  const ps_u64 word = ps_load(&marks[interval % PS_MARKS].low);
  *value = PS_MARK_MAX - (word & PS_MARK_MAX);
  return word != 0 && word >> 32 == interval;
}

#ifdef __cplusplus
}
#endif

#ifdef __cplusplus
#define PS_STATIC_ASSERT static_assert
#else
#define PS_STATIC_ASSERT _Static_assert
#endif
PS_STATIC_ASSERT(sizeof(struct ps_stats_header) == 160, "layout of the stats page");
PS_STATIC_ASSERT(sizeof(struct ps_block) == 256, "layout of the stats page");
PS_STATIC_ASSERT(offsetof(struct ps_pool, borrowed_marks) % 64 == 0, "layout of the stats page");
PS_STATIC_ASSERT(sizeof(struct ps_control) == 64, "layout of the control page");

/* NOLINTEND(modernize-*) */

#endif

/* exact_alloc: calls every function of the malloc family a known number of times and prints how often, as JSON.
 *
 * The counts are what `poolscope run --exact` must report:
 *   allocations    successful malloc, calloc, posix_memalign, aligned_alloc, memalign, valloc, pvalloc, and realloc or
 *                  reallocarray of NULL; allocated_bytes sums what these asked for (calloc: n * size)
 *   reallocations  realloc and reallocarray of a block that return a block; reallocated_bytes sums the new sizes
 *   frees          free of a block, and realloc(block, 0) where it returns NULL; free(NULL) is nothing
 *
 * From the entry point to the end nothing else allocates: no stdio, tables are static. The one exception is glibc itself:
 * pthread_create takes one calloc per thread for the table of its thread-local storage. The program knows its size
 * (thread_setup_bytes) and includes it; test_targets.py compares with counter_preload. Threads do not end before the
 * process does: glibc 2.36 empties a dying thread's cache by calling its own free() for blocks that the program has
 * freed long ago. --join-threads lets them end, to see what an observer makes of that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json_line.h"

enum { MAX_THREADS = 64, SHARED_BLOCKS = 100, CHAIN_FIRST_BYTES = 64, CHAIN_FINAL_BYTES = 8192 };
/* Small enough that glibc keeps the stacks of all ended threads (40 MiB) instead of freeing what belongs to
 * them. */
enum { STACK_BYTES = 256 * 1024 };

enum function {
  MALLOC,
  CALLOC,
  REALLOC,
  REALLOCARRAY,
  FREE,
  POSIX_MEMALIGN,
  ALIGNED_ALLOC,
  MEMALIGN,
  VALLOC,
  PVALLOC,
  FUNCTIONS
};
static const char* const function_names[FUNCTIONS] = {"malloc", "calloc",         "realloc",       "reallocarray",
                                                      "free",   "posix_memalign", "aligned_alloc", "memalign",
                                                      "valloc", "pvalloc"};

struct counts {
  uint64_t allocations, allocated_bytes;
  uint64_t reallocations, reallocated_bytes;
  uint64_t frees;
  uint64_t calls[FUNCTIONS]; /* that count as one of the above */
  uint64_t chains, chain_steps, chain_copied_bytes;
};

struct options {
  unsigned threads, rounds;
  int fork_child, cross_thread_free, chains, failures, loop, join_threads;
};

static struct options options = {.threads = 0, .rounds = 1};
static struct counts counts_of[MAX_THREADS + 1]; /* [0] is the main thread */
static __thread struct counts* mine;
static void* shared_blocks[MAX_THREADS][SHARED_BLOCKS];
static pthread_barrier_t all_allocated, all_done;
static volatile sig_atomic_t stop_requested, print_requested;

static void* allocated(enum function function, void* block, size_t bytes) {
  if (block == NULL) _exit(3); /* out of memory: the counts would be wrong */
  mine->calls[function]++;
  mine->allocations++;
  mine->allocated_bytes += bytes;
  memset(block, 0x5a, bytes);
  return block;
}

static void* reallocated(enum function function, void* block, size_t bytes) {
  if (block == NULL) _exit(3);
  mine->calls[function]++;
  mine->reallocations++;
  mine->reallocated_bytes += bytes;
  return block;
}

static void freed(void* block) {
  if (block == NULL) return;
  mine->calls[FREE]++;
  mine->frees++;
  free(block);
}

/* glibc frees the block; some allocators return another of size 0, which lives on. */
static void free_by_realloc(void* block) {
  volatile size_t nothing = 0;
  void* moved = realloc(block, nothing);
  if (moved != NULL) {
    freed(reallocated(REALLOC, moved, 0));
    return;
  }
  mine->calls[REALLOC]++;
  mine->frees++;
}

static void* allocated_aligned(size_t alignment, size_t bytes) {
  void* block = NULL;
  if (posix_memalign(&block, alignment, bytes) != 0) _exit(3);
  return allocated(POSIX_MEMALIGN, block, bytes);
}

/* A frame of their own: call sites are named after these functions. */
#define KEPT __attribute__((noinline))

KEPT static void use_plain_functions(void) {
  for (size_t i = 0; i < 100; i++) freed(allocated(MALLOC, malloc(64 + i), 64 + i));
  for (size_t i = 1; i <= 50; i++) freed(allocated(CALLOC, calloc(i, 24), i * 24));
  freed(allocated(MALLOC, malloc(1 << 20), 1 << 20)); /* beyond the mmap threshold */
  free(NULL);
}

KEPT static void use_realloc(void) {
  void* block = allocated(REALLOC, realloc(NULL, 100), 100);
  block = reallocated(REALLOC, realloc(block, 200), 200);
  void* neighbour = allocated(MALLOC, malloc(32), 32); /* so that the next one has to move */
  block = reallocated(REALLOC, realloc(block, 5000), 5000);
  block = reallocated(REALLOC, realloc(block, 50), 50);
  free_by_realloc(block);
  freed(neighbour);

  block = allocated(REALLOCARRAY, reallocarray(NULL, 10, 30), 300);
  block = reallocated(REALLOCARRAY, reallocarray(block, 20, 30), 600);
  freed(block);
}

KEPT static void use_aligned_functions(void) {
  freed(allocated_aligned(64, 128));
  freed(allocated_aligned(4096, 1000));
  freed(allocated(ALIGNED_ALLOC, aligned_alloc(64, 256), 256));
  freed(allocated(MEMALIGN, memalign(32, 96), 96));
  freed(allocated(VALLOC, valloc(700), 700));
}

/* An allocator that was preloaded without pvalloc leaves glibc's, whose blocks it cannot free. */
static void use_pvalloc(void) {
  Dl_info of_malloc, of_pvalloc;
  if (!dladdr((void*)malloc, &of_malloc) || !dladdr((void*)pvalloc, &of_pvalloc)) return;
  if (of_malloc.dli_fbase == of_pvalloc.dli_fbase) freed(allocated(PVALLOC, pvalloc(900), 900));
}

/* Calls that fail are no allocations, whatever they asked for. */
static void use_failing_calls(void) {
  volatile size_t bad_alignment = 24, too_much = PTRDIFF_MAX;
  void* block = NULL;
  if (posix_memalign(&block, bad_alignment, 100) != EINVAL) _exit(4);
  if (!options.failures) return;
  if (malloc(too_much) != NULL || calloc(too_much, 16) != NULL) _exit(4);
}

KEPT static void grow_one_chain(void) {
  void* block = allocated(MALLOC, malloc(CHAIN_FIRST_BYTES), CHAIN_FIRST_BYTES);
  for (size_t bytes = 2 * CHAIN_FIRST_BYTES; bytes <= CHAIN_FINAL_BYTES; bytes *= 2) {
    const uintptr_t before = (uintptr_t)block;
    block = reallocated(REALLOC, realloc(block, bytes), bytes);
    mine->chain_steps++;
    if ((uintptr_t)block != before) mine->chain_copied_bytes += bytes / 2;
  }
  mine->chains++;
  freed(block);
}

static void one_round(void) {
  use_plain_functions();
  use_realloc();
  use_aligned_functions();
  use_pvalloc();
  use_failing_calls();
  for (int i = 0; options.chains && i < 10; i++) grow_one_chain();
}

static void work(void) {
  for (unsigned round = 0; round < options.rounds; round++) one_round();
}

static int max_module(struct dl_phdr_info* info, size_t size, void* out) {
  size_t* max = out;
  (void)size;
  if (info->dlpi_tls_modid > *max) *max = info->dlpi_tls_modid;
  return 0;
}

/* What glibc 2.34 and later callocs per thread: allocate_dtv() takes two entries of 16 bytes more than one
 * for each module with thread-local storage and DTV_SURPLUS (14) spare ones. */
static size_t thread_setup_bytes(void) {
  size_t modules = 0;
  dl_iterate_phdr(max_module, &modules);
  return (modules + 14 + 2) * 16;
}

static void allocate_for_another_thread(unsigned thread) {
  for (size_t i = 0; i < SHARED_BLOCKS; i++) shared_blocks[thread][i] = allocated(MALLOC, malloc(48 + i), 48 + i);
}

static void free_of_another_thread(unsigned thread) {
  for (size_t i = 0; i < SHARED_BLOCKS; i++) freed(shared_blocks[(thread + 1) % options.threads][i]);
}

static void* thread_main(void* argument) {
  const unsigned thread = (unsigned)(uintptr_t)argument;
  mine = &counts_of[thread + 1];
  work();
  if (options.cross_thread_free) allocate_for_another_thread(thread);
  pthread_barrier_wait(&all_allocated);
  if (options.cross_thread_free) free_of_another_thread(thread);
  pthread_barrier_wait(&all_done);
  while (!options.join_threads) pause();
  return NULL;
}

static void work_in_threads(void) {
  pthread_t threads[MAX_THREADS];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_barrier_init(&all_allocated, NULL, options.threads);
  pthread_barrier_init(&all_done, NULL, options.threads + 1);
  for (unsigned i = 0; i < options.threads; i++) {
    if (pthread_create(&threads[i], &attributes, thread_main, (void*)(uintptr_t)i) != 0) _exit(3);
    mine->calls[CALLOC]++;
    mine->allocations++;
    mine->allocated_bytes += thread_setup_bytes();
  }
  pthread_barrier_wait(&all_done);
  for (unsigned i = 0; options.join_threads && i < options.threads; i++) pthread_join(threads[i], NULL);
}

static void add(struct counts* sum, const struct counts* part) {
  uint64_t* to = (uint64_t*)sum;
  const uint64_t* from = (const uint64_t*)part;
  for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] += from[i];
}

static void print_members(const struct counts* counts) {
  json_number("allocations", counts->allocations);
  json_number("allocated_bytes", counts->allocated_bytes);
  json_number("reallocations", counts->reallocations);
  json_number("reallocated_bytes", counts->reallocated_bytes);
  json_number("frees", counts->frees);
  json_open("by_function");
  for (int i = 0; i < FUNCTIONS; i++) json_number(function_names[i], counts->calls[i]);
  json_close();
  json_open("chains");
  json_number("chains", counts->chains);
  json_number("steps", counts->chain_steps);
  json_number("first_bytes", counts->chains ? CHAIN_FIRST_BYTES : 0);
  json_number("final_bytes", counts->chains ? CHAIN_FINAL_BYTES : 0);
  json_number("copied_bytes", counts->chain_copied_bytes);
  json_close();
}

static void print_counts(const struct counts* child) {
  struct counts sum = {0};
  for (unsigned i = 0; i <= options.threads; i++) add(&sum, &counts_of[i]);
  json_open(NULL);
  print_members(&sum);
  if (child != NULL) {
    json_open("child");
    print_members(child);
    json_close();
  }
  json_close();
  json_flush();
}

/* The child's work, counted in a page that it shares with us. */
static void work_in_child(struct counts* child) {
  const pid_t pid = fork();
  int status = 0;
  if (pid < 0) _exit(3);
  if (pid == 0) {
    mine = child;
    work();
    _exit(0);
  }
  if (waitpid(pid, &status, 0) != pid || status != 0) _exit(5);
}

static void on_signal(int number) {
  if (number == SIGUSR1)
    print_requested = 1;
  else
    stop_requested = 1;
}

static void work_until_stopped(void) {
  while (!stop_requested) {
    work();
    if (print_requested) {
      print_requested = 0;
      print_counts(NULL);
    }
  }
}

static void parse_options(char** arguments) {
  for (; *arguments != NULL; arguments++) {
    if (strcmp(*arguments, "--threads") == 0 && arguments[1] != NULL) {
      options.threads = (unsigned)strtoul(*++arguments, NULL, 10);
    } else if (strcmp(*arguments, "--rounds") == 0 && arguments[1] != NULL) {
      options.rounds = (unsigned)strtoul(*++arguments, NULL, 10);
    } else if (strcmp(*arguments, "--fork") == 0) {
      options.fork_child = 1;
    } else if (strcmp(*arguments, "--cross-thread-free") == 0) {
      options.cross_thread_free = 1;
    } else if (strcmp(*arguments, "--chains") == 0) {
      options.chains = 1;
    } else if (strcmp(*arguments, "--failures") == 0) {
      options.failures = 1;
    } else if (strcmp(*arguments, "--join-threads") == 0) {
      options.join_threads = 1;
    } else if (strcmp(*arguments, "--loop") == 0) {
      options.loop = 1;
    } else {
      json_usage(
          "usage: exact_alloc [--rounds N] [--threads N (up to 64)] [--cross-thread-free] [--join-threads] "
          "[--fork]\n"
          "                   [--chains] [--failures] [--loop]\n"
          "Prints its counts as JSON at the end. --loop: until SIGTERM, and at SIGUSR1.\n");
    }
  }
  if (options.threads > MAX_THREADS) json_usage("exact_alloc: --threads: at most 64\n");
}

int main(int argc, char** argv) {
  (void)argc;
  parse_options(argv + 1);
  signal(SIGTERM, on_signal);
  signal(SIGUSR1, on_signal);
  mine = &counts_of[0];

  struct counts* child = NULL;
  if (options.fork_child) {
    child = mmap(NULL, sizeof *child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (child == MAP_FAILED) _exit(3);
  }
  work();
  if (options.threads > 0) work_in_threads();
  if (child != NULL) work_in_child(child);
  if (options.loop) work_until_stopped();
  print_counts(child);
  return 0;
}

/* alloc_loop: a tight malloc(64..1087)/free loop that prints nanoseconds per pair, for benchmarks and as a watchdog.
 *
 * Each thread keeps --live blocks (default 1) and writes a pattern into both ends of each; it is verified before free, so
 * that any harm an observer does to registers, memory or control flow ends the program with status 8 (9 when a child found
 * it or was killed).
 *   Work      --work N: N steps of something else before each pair, some nanosecond each.
 *   Forks     --forks: ten times a second a child is forked out of the running threads; it runs and verifies the same loop
 *             and exits.
 *   End       SIGTERM or --seconds N; prints {"pairs": N, "duration_ns": N, "picoseconds_per_pair": N, "forks": N}, "ok".
 */
#include <pthread.h>
#include <sys/wait.h>

#include "steady_load.h"

enum { MAX_THREADS = 64, MAX_LIVE = 4096, PAIRS_PER_LOOK = 4096, CHILD_PAIRS = 200000 };

struct options {
  unsigned threads, live, work, seconds;
  int forks;
};
static struct options options = {.threads = 1, .live = 1};
static uint64_t pairs_of[MAX_THREADS];
/* Of the first thread so far; a benchmark reads it from outside. */
volatile uint64_t pairs_done;

struct held {
  uint64_t* block;
  size_t last; /* index of the last whole word */
};

static void release(struct held* held) {
  if (held->block == NULL) return;
  if (held->block[0] != (uintptr_t)held->block || held->block[held->last] != ~(uint64_t)held->last) _exit(8);
  free(held->block);
}

static void take(struct held* held, uint64_t* random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  const size_t bytes = 64 + *random % 1024;
  held->block = malloc(bytes);
  if (held->block == NULL) _exit(3);
  held->last = bytes / sizeof(uint64_t) - 1;
  held->block[0] = (uintptr_t)held->block;
  held->block[held->last] = ~(uint64_t)held->last;
}

/* Runs until told to stop, or `limit` pairs; returns the pairs done. */
static uint64_t loop(uint64_t seed, uint64_t limit) {
  static __thread struct held held[MAX_LIVE];
  uint64_t random = seed * 0x9e3779b97f4a7c15u + 1, pairs = 0;
  unsigned oldest = 0;
  while (!load_stop_requested && pairs < limit) {
    for (int i = 0; i < PAIRS_PER_LOOK; i++) {
      for (unsigned step = 0; step < options.work; step++) __asm__ volatile("" : : "r"(step));
      release(&held[oldest]);
      take(&held[oldest], &random);
      oldest = oldest + 1 == options.live ? 0 : oldest + 1;
    }
    pairs += PAIRS_PER_LOOK;
    if (seed == 1) pairs_done = pairs;
  }
  for (unsigned i = 0; i < options.live; i++) {
    release(&held[i]);
    held[i].block = NULL;
  }
  return pairs;
}

static void* thread_main(void* argument) {
  const size_t thread = (size_t)(uintptr_t)argument;
  pairs_of[thread] = loop(thread + 1, UINT64_MAX);
  return NULL;
}

static void fork_a_child(void) {
  int status = 0;
  const pid_t child = fork();
  if (child < 0) _exit(3);
  if (child == 0) {
    loop(99, CHILD_PAIRS);
    _exit(0);
  }
  while (waitpid(child, &status, 0) != child) continue;
  if (status != 0) _exit(9); /* the child found harm, or was killed */
}

/* The main thread only looks at the clock; returns the number of forks. */
static uint64_t wait_for_the_end(uint64_t start_ns) {
  const struct timespec look = {0, 100000000};
  uint64_t forks = 0;
  while (!load_stop_requested) {
    nanosleep(&look, NULL);
    if (options.forks && !load_stop_requested) {
      fork_a_child();
      forks++;
    }
    if (options.seconds > 0 && load_now_ns() - start_ns >= options.seconds * UINT64_C(1000000000))
      load_stop_requested = 1;
  }
  return forks;
}

static unsigned number_argument(const char* text, unsigned low, unsigned high) {
  char* end;
  const unsigned long value = strtoul(text == NULL ? "" : text, &end, 10);
  if (text == NULL || *text == '\0' || *end != '\0' || value < low || value > high) {
    json_usage("usage: alloc_loop [--threads 1..64] [--live 1..4096] [--work 0..1000000] [--seconds N] [--forks]\n");
  }
  return (unsigned)value;
}

static void parse_options(char** arguments) {
  for (; *arguments != NULL; arguments++) {
    if (strcmp(*arguments, "--threads") == 0) {
      options.threads = number_argument(*++arguments, 1, MAX_THREADS);
    } else if (strcmp(*arguments, "--live") == 0) {
      options.live = number_argument(*++arguments, 1, MAX_LIVE);
    } else if (strcmp(*arguments, "--work") == 0) {
      options.work = number_argument(*++arguments, 0, 1000000);
    } else if (strcmp(*arguments, "--seconds") == 0) {
      options.seconds = number_argument(*++arguments, 1, 86400);
    } else if (strcmp(*arguments, "--forks") == 0) {
      options.forks = 1;
    } else {
      (void)number_argument(NULL, 0, 0);
    }
  }
}

int main(int argc, char** argv) {
  (void)argc;
  pthread_t threads[MAX_THREADS];
  uint64_t pairs = 0;
  parse_options(argv + 1);
  signal(SIGTERM, load_on_term);
  const uint64_t start_ns = load_now_ns();
  for (size_t i = 0; i < options.threads; i++) {
    if (pthread_create(&threads[i], NULL, thread_main, (void*)(uintptr_t)i) != 0) return 3;
  }
  const uint64_t forks = wait_for_the_end(start_ns);
  for (size_t i = 0; i < options.threads; i++) {
    pthread_join(threads[i], NULL);
    pairs += pairs_of[i];
  }
  const uint64_t duration_ns = load_now_ns() - start_ns;
  json_open(NULL);
  json_number("pairs", pairs);
  json_number("duration_ns", duration_ns);
  json_number("picoseconds_per_pair", pairs ? duration_ns * 1000 / pairs * options.threads : 0);
  json_number("forks", forks);
  json_close();
  json_flush();
  json_text("ok");
  json_flush();
  return 0;
}

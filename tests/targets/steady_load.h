#pragma once
/* A steady malloc/free load with known counts, for programs that differ only in how they are linked or confined.
 *   Load      batches of 100 blocks of 32..1055 bytes, held for one batch; a pause of 200 us between batches.
 *   Checks    every block carries a pattern that is verified before it is freed: harm done by an observer is found.
 *   End       SIGTERM, or after `seconds` (0: never); prints the counts as JSON.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json_line.h"

enum { BATCH_BLOCKS = 100 };

struct load_counts {
  uint64_t allocations, allocated_bytes, frees;
};

static volatile sig_atomic_t load_stop_requested;

static inline void load_on_term(int number) {
  (void)number;
  load_stop_requested = 1;
}

static inline uint64_t load_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void load_one_batch(struct load_counts* counts) {
  unsigned char* blocks[BATCH_BLOCKS];
  size_t bytes[BATCH_BLOCKS];
  for (size_t i = 0; i < BATCH_BLOCKS; i++) {
    bytes[i] = 32 + (counts->allocations * 2654435761u >> 7) % 1024;
    blocks[i] = malloc(bytes[i]);
    if (blocks[i] == NULL) _exit(3);
    blocks[i][0] = blocks[i][bytes[i] - 1] = (unsigned char)i;
    counts->allocations++;
    counts->allocated_bytes += bytes[i];
  }
  for (size_t i = 0; i < BATCH_BLOCKS; i++) {
    if (blocks[i][0] != (unsigned char)i || blocks[i][bytes[i] - 1] != (unsigned char)i) _exit(8);
    free(blocks[i]);
    counts->frees++;
  }
}

static inline int run_steady_load(unsigned seconds) {
  struct load_counts counts = {0, 0, 0};
  const struct timespec pause_between = {0, 200000};
  const uint64_t start_ns = load_now_ns();
  uint64_t now_ns = start_ns;
  while (!load_stop_requested && (seconds == 0 || now_ns - start_ns < seconds * UINT64_C(1000000000))) {
    load_one_batch(&counts);
    nanosleep(&pause_between, NULL);
    now_ns = load_now_ns();
  }
  json_open(NULL);
  json_number("allocations", counts.allocations);
  json_number("allocated_bytes", counts.allocated_bytes);
  json_number("frees", counts.frees);
  json_number("duration_ns", now_ns - start_ns);
  json_close();
  json_flush();
  return 0;
}

static inline unsigned load_seconds_argument(int argc, char** argv, const char* usage) {
  if (argc == 1) return 0;
  if (argc != 3 || strcmp(argv[1], "--seconds") != 0) json_usage(usage);
  return (unsigned)strtoul(argv[2], NULL, 10);
}

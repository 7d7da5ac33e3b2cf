/* A pool of frames as a C program has it, which publishes its counts: the lines with ps_ are all it takes. Waits for its standard input to end. */
#include <poolscope/stats_writer.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAME_BYTES = 65536, MAX_IDLE = 8 };

struct frame_pool {
  void* idle[MAX_IDLE];
  int idle_count;
  struct ps_pool* stats;
  struct ps_block* counts; /* one writer: the thread that has the lock of the pool */
};

static int frame_pool_open(struct frame_pool* pool, struct ps_page* page) {
  const struct ps_pool_identity identity = {.name = "example.frames",
                                            .element = "struct frame",
                                            .buffer_bytes = FRAME_BYTES,
                                            .max_idle_buffers = MAX_IDLE,
                                            .max_borrowed_buffers = PS_NO_LIMIT,
                                            .known = PS_KNOWN_GETS | PS_KNOWN_PUTS | PS_KNOWN_MISSES |
                                                     PS_KNOWN_DISCARDS | PS_KNOWN_OBJECTS | PS_KNOWN_NEEDED_BYTES};
  pool->idle_count = 0;
  pool->stats = ps_pool_add(page, &identity);
  pool->counts = pool->stats ? ps_block_add(page, pool->stats) : NULL;
  return pool->counts ? 0 : -1;
}

static void* frame_get(struct frame_pool* pool) {
  ps_count(&pool->counts->gets, 1);
  if (pool->idle_count > 0) return pool->idle[--pool->idle_count];
  ps_count(&pool->counts->misses[PS_MISS_EMPTY], 1);
  ps_count(&pool->counts->created, 1);
  return malloc(FRAME_BYTES);
}

static void frame_put(struct frame_pool* pool, void* frame, size_t used_bytes) {
  ps_count(&pool->counts->puts, 1);
  ps_histogram_count(&pool->stats->needed_bytes, used_bytes);
  if (pool->idle_count < MAX_IDLE) {
    pool->idle[pool->idle_count++] = frame;
    return;
  }
  ps_count(&pool->counts->discards[PS_DISCARD_FULL], 1);
  ps_count(&pool->counts->destroyed, 1);
  free(frame);
}

int main(void) {
  struct ps_page page;
  struct frame_pool pool;
  void* frames[10];
  const int problem = ps_page_create(&page, "foreign_pool example");

  if (problem) fprintf(stderr, "nobody sees the counts: %s\n", strerror(problem));
  if (!page.header || frame_pool_open(&pool, &page)) return 1;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) frames[i] = frame_get(&pool);
    for (int i = 0; i < 10; ++i) frame_put(&pool, frames[i], 1000u * (unsigned)(i + 1));
  }
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) continue;
  return 0;
}

#include "tests/unit/pools/foreign_pool.h"

enum { FRAME_BYTES = 4096 };

void foreign_pool_open(struct foreign_pool* pool, struct ps_page* page, const char* name) {
  const struct ps_pool_identity identity = {.name = name,
                                            .buffer_bytes = FRAME_BYTES,
                                            .max_idle_buffers = 4,
                                            .max_borrowed_buffers = PS_NO_LIMIT,
                                            .known = PS_KNOWN_GETS | PS_KNOWN_PUTS | PS_KNOWN_MISSES |
                                                     PS_KNOWN_DISCARDS | PS_KNOWN_OBJECTS | PS_KNOWN_NEEDED_BYTES};
  memset(pool, 0, sizeof(*pool));
  pool->page = page;
  pool->stats = ps_pool_add(page, &identity);
  pool->counts = ps_block_add(page, pool->stats);
}

void* foreign_pool_get(struct foreign_pool* pool) {
  ps_count(&pool->counts->gets, 1);
  if (pool->idle_count) return pool->idle[--pool->idle_count];
  ps_count(&pool->counts->misses[PS_MISS_EMPTY], 1);
  ps_count(&pool->counts->created, 1);
  return malloc(FRAME_BYTES);
}

void foreign_pool_put(struct foreign_pool* pool, void* frame, size_t used_bytes) {
  ps_count(&pool->counts->puts, 1);
  ps_histogram_count(&pool->stats->needed_bytes, used_bytes);
  if (pool->idle_count < 4) {
    pool->idle[pool->idle_count++] = frame;
    return;
  }
  ps_count(&pool->counts->discards[PS_DISCARD_FULL], 1);
  ps_count(&pool->counts->destroyed, 1);
  free(frame);
}

void foreign_pool_close(struct foreign_pool* pool) {
  while (pool->idle_count) free(pool->idle[--pool->idle_count]);
  ps_block_release(pool->counts);
  ps_pool_remove(pool->page, pool->stats);
}

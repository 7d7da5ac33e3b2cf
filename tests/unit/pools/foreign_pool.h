/* A pool as a C programmer would have one, which publishes itself: an array under the lock of its user. */
#pragma once

#include "poolscope/stats_writer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct foreign_pool {
  struct ps_page* page;
  struct ps_pool* stats;
  struct ps_block* counts;
  void* idle[4];
  size_t idle_count;
};

void foreign_pool_open(struct foreign_pool* pool, struct ps_page* page, const char* name);
void* foreign_pool_get(struct foreign_pool* pool);
void foreign_pool_put(struct foreign_pool* pool, void* frame, size_t used_bytes);
void foreign_pool_close(struct foreign_pool* pool);

#ifdef __cplusplus
}
#endif

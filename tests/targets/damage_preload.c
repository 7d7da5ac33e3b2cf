/* damage_preload: LD_PRELOAD library whose malloc() now and then flips a bit in the block it gave out before: proof that
 * alloc_loop with at least two live blocks notices harm. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

void* malloc(size_t bytes) {
  static void* (*real_malloc)(size_t);
  static unsigned char* victim;
  static unsigned calls;
  if (real_malloc == NULL) *(void**)&real_malloc = dlsym(RTLD_NEXT, "malloc");
  if (++calls % 1000 == 0 && victim != NULL) victim[0] ^= 1;
  victim = real_malloc(bytes);
  return victim;
}

/* Prints the largest request for every size of block, ascending up to the request that is given, of the allocator it runs with
 * (LD_PRELOAD). */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static size_t usable(size_t request) {
  void* block = malloc(request);
  const size_t bytes = malloc_usable_size(block);
  free(block);
  return bytes;
}

int main(int argc, char** argv) {
  const size_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  mallopt(M_MMAP_THRESHOLD, 128 << 10); /* else glibc raises it with every block that is freed */
  void* const first =
      malloc(64 << 10); /* else what is left of glibc's first heap serves requests above the threshold */
  for (size_t request = 1; request <= most;) {
    const size_t bytes = usable(request);
    size_t last = request, beyond = bytes + 1;
    if (bytes < request) return 1;
    while (beyond - last > 1) {
      const size_t middle = usable(beyond - 1) == bytes ? beyond - 1 : last + (beyond - last) / 2;
      if (usable(middle) == bytes)
        last = middle;
      else
        beyond = middle;
    }
    printf("%zu\n", last);
    request = last + 1;
  }
  return 0;
}

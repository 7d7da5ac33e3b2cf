/* cpu_share_load: spends known parts of its CPU time on allocating, copying, page faults and arithmetic.
 *   Parts     take turns, some 50 us to 300 us each, in lengths that vary, so that no timer keeps in step with them.
 *   Truth     each part is timed by the CPU clock of the thread. Giving pages back to the kernel belongs to the allocator.
 *   End       SIGTERM, or after `--seconds N`; prints the nanoseconds of each part as JSON. "all": from the start to the end.
 */
#include <malloc.h>
#include <sys/mman.h>

#include "steady_load.h"

enum { BLOCKS = 100, COPY_BYTES = 32 << 10, PAGES = 64, PAGE_BYTES = 4096 };

struct parts {
  uint64_t allocator, copy, page_fault;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void allocate(uint64_t rounds) {
  void* blocks[BLOCKS];
  for (uint64_t round = 0; round < rounds; round++) {
    for (size_t i = 0; i < BLOCKS; i++) {
      blocks[i] = malloc(1100 + 40 * (i % 32));
      if (blocks[i] == NULL) _exit(3);
    }
    for (size_t i = 0; i < BLOCKS; i += 2) free(blocks[i]);
    for (size_t i = 1; i < BLOCKS; i += 2) free(blocks[i]);
  }
}

static void copy(char* to, const char* from, uint64_t rounds) {
  for (uint64_t round = 0; round < rounds; round++) memcpy(to, from, COPY_BYTES);
}

static void touch(volatile char* memory) {
  for (size_t page = 0; page < PAGES; page++) memory[page * PAGE_BYTES] = 1;
}

static uint64_t calculate(uint64_t rounds) {
  uint64_t sum = rounds;
  for (uint64_t round = 0; round < rounds; round++) sum = sum * 6364136223846793005u + next_random();
  return sum;
}

int main(int argc, char** argv) {
  const unsigned seconds = load_seconds_argument(argc, argv, "usage: cpu_share_load [--seconds N]\n");
  static char from[COPY_BYTES], to[COPY_BYTES];
  char* fresh = mmap(NULL, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED) return 3;
  madvise(fresh, PAGES * PAGE_BYTES, MADV_NOHUGEPAGE);
  mallopt(M_TRIM_THRESHOLD, 64 << 20); /* blocks that are given back to the kernel come as page faults later */
  signal(SIGTERM, load_on_term);
  struct parts parts = {0, 0, 0};
  uint64_t sum = 0;
  const uint64_t start_ns = load_now_ns(), start_cpu_ns = cpu_ns();
  while (!load_stop_requested && (seconds == 0 || load_now_ns() - start_ns < seconds * UINT64_C(1000000000))) {
    const uint64_t a = cpu_ns();
    allocate(15 + next_random() % 30);
    madvise(fresh, PAGES * PAGE_BYTES, MADV_DONTNEED);
    const uint64_t b = cpu_ns();
    copy(to, from, 100 + next_random() % 200);
    const uint64_t c = cpu_ns();
    touch(fresh);
    const uint64_t d = cpu_ns();
    sum += calculate(20000 + next_random() % 80000);
    parts.allocator += b - a;
    parts.copy += c - b;
    parts.page_fault += d - c;
  }
  json_open(NULL);
  json_number("allocator_ns", parts.allocator);
  json_number("copy_ns", parts.copy);
  json_number("page_fault_ns", parts.page_fault);
  json_number("all_ns", cpu_ns() - start_cpu_ns);
  json_number("sum", sum); /* so that nothing of it is left out */
  json_close();
  json_flush();
  return 0;
}

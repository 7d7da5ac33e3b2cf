/* jump_load: a calm program, some 1000 malloc/free pairs per second, that becomes one of 10 million and more just when it is probed, and
 * tells by its own clock how long it was slow then.
 *
 *   Trigger   it compares the code of malloc and free with a copy from its start: a breakpoint shows. From then on it waits as long as
 *             the next entry of `delays_ns` says and jumps if the breakpoints are still there, so that jumps hit a burst
 *             at its beginning, in its middle, and while probes are still being placed.
 *   Clock     batches of BATCH_PAIRS; one is slow that takes SLOW_BATCH_NS of CPU time, several times what it takes without probes and a tenth
 *             of what it takes with them; waiting for a CPU makes none slow. Slow batches less than SAME_STRETCH_NS apart are one
 *             stretch, whose length is the CPU time of these batches: under probes all are slow, while an interrupt makes one slow now and then.
 *   Output    per jump {"delay_ns": N, "begin_ns": N, "end_ns": N, "slow_ns": N, "later_slow_ns": N, "pairs": N}: the stretch that began with the
 *             jump (slow_ns of CPU time, from begin_ns to end_ns of CLOCK_MONOTONIC), and the longest after it, which is that of another burst or
 *             of a busy machine. The first line has the undisturbed {"picoseconds_per_pair": N}.
 *   End       SIGTERM.
 */
#include "steady_load.h"

enum { CODE_BYTES = 64, BATCH_PAIRS = 64, SLOW_BATCH_NS = 15000, SAME_STRETCH_NS = 2000000 };
static const uint64_t calm_interval_ns = 1000000, hot_ns = 200000000, calm_ns = 2000000000;
static const uint64_t delays_ns[] = {0, 20000000, 8000000, 2000000, 12000000, 500000};

struct watched {
  const unsigned char* code;
  unsigned char original[CODE_BYTES];
};
static struct watched watched[2];

static void remember_code(void) {
  watched[0].code = (const unsigned char*)(uintptr_t)malloc;
  watched[1].code = (const unsigned char*)(uintptr_t)free;
  for (int i = 0; i < 2; i++) memcpy(watched[i].original, watched[i].code, CODE_BYTES);
}

static int is_probed(void) {
  for (int i = 0; i < 2; i++) {
    if (memcmp(watched[i].original, watched[i].code, CODE_BYTES) != 0) return 1;
  }
  return 0;
}

static void one_pair(size_t bytes) {
  char* block = malloc(bytes);
  if (block == NULL) _exit(3);
  block[0] = 1;
  free(block);
}

static uint64_t cpu_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t one_batch_cpu_ns(void) {
  const uint64_t start_ns = cpu_now_ns();
  for (int i = 0; i < BATCH_PAIRS; i++) one_pair(64 + 16 * (size_t)(i % 8));
  return cpu_now_ns() - start_ns;
}

/* Runs calmly until `until_ns`, or, with `until_probed`, until there are breakpoints. */
static uint64_t stay_calm(uint64_t until_ns, int until_probed) {
  uint64_t now_ns = load_now_ns(), next_pair_ns = now_ns;
  while (!load_stop_requested && (until_probed ? !is_probed() : now_ns < until_ns)) {
    if (now_ns >= next_pair_ns) {
      one_pair(64);
      next_pair_ns = now_ns + calm_interval_ns;
    }
    now_ns = load_now_ns();
  }
  return now_ns;
}

struct stretches {
  uint64_t begin_ns, end_ns, first_ns, longest_later_ns, pairs;
};

static struct stretches run_hot(void) {
  const uint64_t start_ns = cpu_now_ns(), begin_ns = load_now_ns();
  struct stretches result = {begin_ns, begin_ns, 0, 0, 0};
  uint64_t last_slow_ns = start_ns, stretch_ns = 0, now_ns = start_ns;
  int is_first = 1;
  while (!load_stop_requested && now_ns - start_ns < hot_ns) {
    const uint64_t batch_start_ns = now_ns, batch_ns = one_batch_cpu_ns();
    now_ns = cpu_now_ns();
    result.pairs += BATCH_PAIRS;
    if (batch_start_ns - last_slow_ns > SAME_STRETCH_NS) {
      is_first = 0;
      stretch_ns = 0;
    }
    if (batch_ns < SLOW_BATCH_NS) continue;
    last_slow_ns = now_ns;
    stretch_ns += batch_ns;
    uint64_t* longest = is_first ? &result.first_ns : &result.longest_later_ns;
    if (stretch_ns > *longest) *longest = stretch_ns;
    if (is_first) result.end_ns = load_now_ns();
  }
  return result;
}

static void print_speed(void) {
  enum { BATCHES = 1000 };
  const uint64_t start_ns = cpu_now_ns();
  for (int i = 0; i < BATCHES; i++) (void)one_batch_cpu_ns();
  json_open(NULL);
  json_number("picoseconds_per_pair", (cpu_now_ns() - start_ns) * 1000 / (BATCHES * BATCH_PAIRS));
  json_close();
  json_flush();
}

static void print_jump(uint64_t delay_ns, const struct stretches* stretches) {
  json_open(NULL);
  json_number("delay_ns", delay_ns);
  json_number("begin_ns", stretches->begin_ns);
  json_number("end_ns", stretches->end_ns);
  json_number("slow_ns", stretches->first_ns);
  json_number("later_slow_ns", stretches->longest_later_ns);
  json_number("pairs", stretches->pairs);
  json_close();
  json_flush();
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc != 1) json_usage("usage: jump_load\n");
  signal(SIGTERM, load_on_term);
  remember_code();
  print_speed();
  for (unsigned long jumps = 0; !load_stop_requested;) {
    const uint64_t delay_ns = delays_ns[jumps % (sizeof delays_ns / sizeof *delays_ns)];
    const uint64_t probed_ns = stay_calm(0, 1);
    (void)stay_calm(probed_ns + delay_ns, 0);
    if (!is_probed() || load_stop_requested) continue; /* that burst was shorter */
    const struct stretches stretches = run_hot();
    print_jump(delay_ns, &stretches);
    jumps++;
    (void)stay_calm(load_now_ns() + calm_ns, 0);
  }
  return 0;
}

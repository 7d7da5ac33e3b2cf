/* exec_loop: a steady load that executes itself again every EXEC_EVERY_NS: the same process, a new program image each time.
 *   Load      batches of BATCH_BLOCKS blocks (steady_load.h), some work that allocates nothing, and a pause of 1 ms.
 *   Counts    go from image to image as arguments, so the last one knows all.
 *   End       SIGTERM; prints {"allocations": N, "images": N, "duration_ns": N}.
 */
#include <stdio.h>

#include "steady_load.h"

static const uint64_t exec_every_ns = 700000000;

static void work(void) {
  volatile unsigned sum = 0;
  for (unsigned i = 0; i < 300000; i++) sum += i;
}

static void execute_again(const char* program, uint64_t allocations, uint64_t images, uint64_t start_ns) {
  char numbers[3][24];
  snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)allocations);
  snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)images);
  snprintf(numbers[2], sizeof numbers[2], "%llu", (unsigned long long)start_ns);
  execl("/proc/self/exe", program, numbers[0], numbers[1], numbers[2], (char*)NULL);
  _exit(4);
}

int main(int argc, char** argv) {
  if (argc != 1 && argc != 4) json_usage("usage: exec_loop\n");
  signal(SIGTERM, load_on_term);
  const uint64_t image_start_ns = load_now_ns();
  struct load_counts counts = {argc == 4 ? strtoull(argv[1], NULL, 10) : 0, 0, 0};
  const uint64_t images = argc == 4 ? strtoull(argv[2], NULL, 10) + 1 : 1;
  const uint64_t start_ns = argc == 4 ? strtoull(argv[3], NULL, 10) : image_start_ns;
  const struct timespec pause_between = {0, 1000000};
  while (!load_stop_requested) {
    load_one_batch(&counts);
    work();
    nanosleep(&pause_between, NULL);
    if (load_now_ns() - image_start_ns > exec_every_ns) execute_again(argv[0], counts.allocations, images, start_ns);
  }
  json_open(NULL);
  json_number("allocations", counts.allocations);
  json_number("images", images);
  json_number("duration_ns", load_now_ns() - start_ns);
  json_close();
  json_flush();
  return 0;
}

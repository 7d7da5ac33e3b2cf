/* cpu_witness: tells when no program could run on a CPU, since a hypervisor had taken it or the kernel let nobody in.
 *
 *   How     one thread per CPU, before all others (SCHED_FIFO), that wants to wake up every 4 ms. Where it wakes up 2 ms late or later, a
 *           program that waited for this CPU got nothing either. What a hypervisor tells of that (/proc/stat) comes in steps of 10 ms, and
 *           one that is a guest itself does not know.
 *   Output  per lapse {"cpu": N, "begin_ns": N, "end_ns": N} of CLOCK_MONOTONIC: when it wanted to wake up, and when it did.
 *   End     SIGTERM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "steady_load.h"

enum { INTERVAL_NS = 4000000, LAPSE_NS = 2000000 };

static void sleep_until(uint64_t when_ns) {
  const struct timespec when = {(time_t)(when_ns / 1000000000u), (long)(when_ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR) continue;
}

static void* watch(void* cpu) {
  const int number = (int)(intptr_t)cpu;
  for (;;) {
    const uint64_t due_ns = load_now_ns() + INTERVAL_NS;
    sleep_until(due_ns);
    const uint64_t now_ns = load_now_ns();
    if (now_ns - due_ns < LAPSE_NS) continue;
    printf("{\"cpu\": %d, \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 "}\n", number, due_ns, now_ns);
    fflush(stdout);
  }
  return NULL;
}

static int start(int cpu) {
  pthread_t thread;
  pthread_attr_t attributes;
  cpu_set_t cpus;
  const struct sched_param first = {.sched_priority = 50};
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  pthread_attr_init(&attributes);
  pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
  pthread_attr_setschedparam(&attributes, &first);
  const int error = pthread_create(&thread, &attributes, watch, (void*)(intptr_t)cpu);
  pthread_attr_destroy(&attributes);
  return error;
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc != 1) json_usage("usage: cpu_witness\n");
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, NULL); /* for all threads: it waits for sigwait() */
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 4;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const int error = start(cpu);
    if (error != 0) {
      fprintf(stderr, "cpu_witness: no thread with SCHED_FIFO on CPU %d: %s; run it as root\n", cpu, strerror(error));
      return 4;
    }
  }
  int number = 0;
  return sigwait(&end, &number) != 0;
}

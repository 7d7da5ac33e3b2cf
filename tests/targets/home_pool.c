/* home_pool: threads that work with two pools of this program's own, and count what they do with them.
 *
 *   A pool    keeps at most --idle objects in a list behind a lock. my_pool_get() takes one out; when there is none it
 *             calls my_pool_miss() to make one, when the one it took is too small my_pool_grow(). What my_pool_put()
 *             has no room for it frees.
 *   Load      each of --threads threads does --rounds rounds (0: until SIGTERM): it takes 1..8 objects of 16..8192 bytes
 *             out of a pool and puts them back.
 *   Checks    objects carry a pattern that is verified before the put: harm done by an observer ends it with status 8.
 *   Log       with --log FILE every get (g) and put (p) in the order in which they happened, a line per pool.
 *   End       prints the counts of both pools as JSON; they are exact, whatever the threads did.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "json_line.h"

enum { MAX_THREADS = 64, MAX_HELD = 8, MIN_BYTES = 16, MAX_BYTES = 8192, MAX_LOGGED = 1 << 20 };

/* One function per event, called from outside only: what inlining or a clone would hide from an observer. */
#define POOL_FUNCTION __attribute__((noinline, noclone))

struct object {
  struct object* next;
  size_t capacity_bytes;
  unsigned char bytes[];
};

struct my_pool {
  pthread_mutex_t lock;
  struct object* idle;
  size_t idle_objects;
  uint64_t gets, requested_bytes, puts, misses, grows; /* under the lock, as what follows */
  char log[MAX_LOGGED];
  size_t logged;
};

struct options {
  uint64_t threads, rounds, idle;
  const char* log_path; /* NULL: none */
};
static struct options options = {.threads = 4, .rounds = 1000, .idle = 4};
static volatile sig_atomic_t stop_requested;
static struct my_pool small_pool = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct my_pool large_pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_term(int number) {
  (void)number;
  stop_requested = 1;
}

static void log_event(struct my_pool* pool, char event) {
  if (options.log_path == NULL) return;
  if (pool->logged == sizeof pool->log) _exit(6);
  pool->log[pool->logged++] = event;
}

POOL_FUNCTION struct object* my_pool_miss(struct my_pool* pool, size_t bytes) {
  struct object* object = malloc(sizeof *object + bytes);
  if (object == NULL) _exit(3);
  object->capacity_bytes = bytes;
  pool->misses++;
  return object;
}

POOL_FUNCTION struct object* my_pool_grow(struct my_pool* pool, struct object* object, size_t bytes) {
  object = realloc(object, sizeof *object + bytes);
  if (object == NULL) _exit(3);
  object->capacity_bytes = bytes;
  pool->grows++;
  return object;
}

POOL_FUNCTION struct object* my_pool_get(struct my_pool* pool, size_t bytes) {
  pthread_mutex_lock(&pool->lock);
  struct object* object = pool->idle;
  if (object == NULL) {
    object = my_pool_miss(pool, bytes);
  } else {
    pool->idle = object->next;
    pool->idle_objects--;
    if (object->capacity_bytes < bytes) object = my_pool_grow(pool, object, bytes);
  }
  pool->gets++;
  log_event(pool, 'g');
  pool->requested_bytes += bytes;
  pthread_mutex_unlock(&pool->lock);
  return object;
}

POOL_FUNCTION void my_pool_put(struct my_pool* pool, struct object* object) {
  pthread_mutex_lock(&pool->lock);
  pool->puts++;
  log_event(pool, 'p');
  const int is_kept = pool->idle_objects < options.idle;
  if (is_kept) {
    object->next = pool->idle;
    pool->idle = object;
    pool->idle_objects++;
  }
  pthread_mutex_unlock(&pool->lock);
  if (!is_kept) free(object);
}

static uint64_t next_random(uint64_t* random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return *random;
}

static void one_round(struct my_pool* pool, uint64_t* random) {
  struct object* held[MAX_HELD];
  size_t bytes[MAX_HELD];
  const size_t objects = 1 + next_random(random) % MAX_HELD;
  for (size_t i = 0; i < objects; i++) {
    bytes[i] = MIN_BYTES + next_random(random) % (MAX_BYTES - MIN_BYTES + 1);
    held[i] = my_pool_get(pool, bytes[i]);
    held[i]->bytes[0] = held[i]->bytes[bytes[i] - 1] = (unsigned char)i;
  }
  for (size_t i = 0; i < objects; i++) {
    if (held[i]->bytes[0] != (unsigned char)i || held[i]->bytes[bytes[i] - 1] != (unsigned char)i) _exit(8);
    my_pool_put(pool, held[i]);
  }
}

static void* thread_main(void* argument) {
  uint64_t random = ((uintptr_t)argument + 1) * UINT64_C(0x9e3779b97f4a7c15);
  for (uint64_t round = 0; !stop_requested && (options.rounds == 0 || round < options.rounds); round++) {
    one_round(next_random(&random) % 4 == 0 ? &large_pool : &small_pool, &random);
  }
  return NULL;
}

static void print_pool(const char* name, const struct my_pool* pool) {
  json_open(name);
  json_number("address", (uintptr_t)pool);
  json_number("gets", pool->gets);
  json_number("requested_bytes", pool->requested_bytes);
  json_number("puts", pool->puts);
  json_number("misses", pool->misses);
  json_number("grows", pool->grows);
  json_close();
}

static void write_log(void) {
  const int file = open(options.log_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  struct my_pool* pools[] = {&small_pool, &large_pool};
  for (size_t i = 0; i < 2; i++) {
    const ssize_t length = (ssize_t)pools[i]->logged;
    if (write(file, pools[i]->log, (size_t)length) != length || write(file, "\n", 1) != 1) _exit(7);
  }
  close(file);
}

static void parse_options(char** arguments) {
  const struct {
    const char* name;
    uint64_t* value;
    uint64_t low, high;
  } known[] = {{"--threads", &options.threads, 1, MAX_THREADS},
               {"--rounds", &options.rounds, 0, UINT32_MAX},
               {"--idle", &options.idle, 0, UINT32_MAX}};
  for (; *arguments != NULL; arguments += 2) {
    if (strcmp(*arguments, "--log") == 0 && arguments[1] != NULL) {
      options.log_path = arguments[1];
      continue;
    }
    size_t i = 0;
    while (i < 3 && strcmp(*arguments, known[i].name) != 0) i++;
    char* end = "?";
    const uint64_t value = i < 3 && arguments[1] != NULL ? strtoull(arguments[1], &end, 10) : 0;
    if (*end != '\0' || value < known[i].low || value > known[i].high) {
      json_usage("usage: home_pool [--threads 1..64] [--rounds N] [--idle N] [--log FILE]\n");
    }
    *known[i].value = value;
  }
}

int main(int argc, char** argv) {
  (void)argc;
  pthread_t threads[MAX_THREADS];
  parse_options(argv + 1);
  signal(SIGTERM, on_term);
  for (uint64_t i = 0; i < options.threads; i++) {
    if (pthread_create(&threads[i], NULL, thread_main, (void*)(uintptr_t)i) != 0) return 3;
  }
  for (uint64_t i = 0; i < options.threads; i++) pthread_join(threads[i], NULL);
  if (options.log_path != NULL) write_log();
  json_open(NULL);
  print_pool("small", &small_pool);
  print_pool("large", &large_pool);
  json_close();
  json_flush();
  return 0;
}

/* counter_preload: LD_PRELOAD library that counts every call of the malloc family of a process exactly.
 *
 * POOLSCOPE_COUNTER_FILE names the file prefix; process P counts in PREFIX.P, a shared mapping laid out as struct
 * counter_file below. A reader sees the counts at any time, live, and a process that is killed or calls _exit loses none.
 * Without the variable nothing is counted. tests/integration/preload_counts.py reads the file.
 *   Counted   from the entry point of the program: what the dynamic loader and the constructors of libraries did before is
 *             taken back by our constructor, which runs last because preloaded libraries are initialised last.
 *   Rules     those of exact_alloc.c. reallocarray and pvalloc are done here by realloc and memalign, because not every
 *             allocator has them and glibc's would free or count through another one.
 *   Threads   every thread counts in a slot of its own (they share one when there are more than SLOTS).
 *   Fork      the child finds its page of settings wiped (MADV_WIPEONFORK) and starts its own file.
 *   Exec      the new program starts the file of its pid afresh.
 *   Memory    allocates nothing; calls that come before the real functions are known get blocks of a static buffer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 255, EARLY_BYTES = 64 * 1024 };

struct slot { /* 64 bytes: one cache line */
  _Atomic uint64_t allocations, allocated_bytes;
  _Atomic uint64_t reallocations, reallocated_bytes;
  _Atomic uint64_t frees;
  _Atomic uint64_t failed; /* allocating calls that returned nothing */
  uint64_t reserved[2];
};
struct counter_file {
  char magic[8]; /* "PSCOUNT1" */
  uint64_t slots;
  uint64_t reserved[6];
  struct slot slot[SLOTS];
};
_Static_assert(sizeof(struct slot) == 64 && sizeof(struct counter_file) == 64 * 256,
               "layout read by preload_counts.py");

static struct {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
} real;

static struct counter_file* counts; /* of this process; NULL: nothing is counted */
static _Atomic int* started;        /* in a page that fork wipes: 0 in a new process */
static _Atomic unsigned next_slot;
static __thread unsigned my_slot __attribute__((tls_model("initial-exec"))); /* 0: none yet, else slot + 1 */

static _Alignas(16) char early[EARLY_BYTES];
static size_t early_used;

static int is_early(const void* block) {
  return (const char*)block >= early && (const char*)block < early + EARLY_BYTES;
}

/* dlsym allocates in some versions of glibc; the loader is single-threaded then. Blocks are zero and never
 * reused. */
static void* early_allocate(size_t bytes) {
  const size_t rounded = (bytes + 15) & ~(size_t)15;
  if (rounded > EARLY_BYTES - early_used) abort();
  void* block = early + early_used;
  early_used += rounded;
  return block;
}

static void* next(const char* name) {
  void* function = dlsym(RTLD_NEXT, name);
  if (function == NULL) abort();
  return function;
}

static int resolve(void) {
  static int resolving;
  if (resolving) return 0;
  resolving = 1;
  *(void**)&real.calloc = next("calloc");
  *(void**)&real.realloc = next("realloc");
  *(void**)&real.free = next("free");
  *(void**)&real.posix_memalign = next("posix_memalign");
  *(void**)&real.aligned_alloc = next("aligned_alloc");
  *(void**)&real.memalign = next("memalign");
  *(void**)&real.valloc = next("valloc");
  *(void**)&real.malloc = next("malloc"); /* last: its presence says that all are there */
  return 1;
}

static int is_resolved(void) {
  return real.malloc != NULL || resolve();
}

static char* append_number(char* out, unsigned value) {
  char digits[12];
  size_t length = 0;
  do {
    digits[length++] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  while (length > 0) *out++ = digits[--length];
  *out = '\0';
  return out;
}

static struct counter_file* map_counter_file(void) {
  const char* prefix = getenv("POOLSCOPE_COUNTER_FILE");
  char path[4096];
  if (prefix == NULL || strlen(prefix) > sizeof path - 16) return NULL;
  char* end = stpcpy(path, prefix);
  *end++ = '.';
  append_number(end, (unsigned)getpid());
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return NULL;
  struct counter_file* file = MAP_FAILED;
  if (ftruncate(fd, sizeof *file) == 0) file = mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (file == MAP_FAILED) return NULL;
  memcpy(file->magic, "PSCOUNT1", 8);
  file->slots = SLOTS;
  return file;
}

/* At the first call in every process: the first of all is single-threaded, and so is a child after fork. */
static void start_counting(void) {
  const int saved_errno = errno;
  if (started == NULL) {
    void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK) != 0) abort();
    started = page;
  } else if (counts != NULL) {
    munmap(counts, sizeof *counts); /* the parent's */
  }
  counts = map_counter_file();
  atomic_store(started, 1);
  errno = saved_errno;
}

static struct slot* slot(void) {
  static struct slot nowhere;
  if (started == NULL || !atomic_load_explicit(started, memory_order_relaxed)) start_counting();
  if (counts == NULL) return &nowhere;
  if (my_slot == 0) my_slot = atomic_fetch_add(&next_slot, 1) % SLOTS + 1;
  return &counts->slot[my_slot - 1];
}

static void add(_Atomic uint64_t* counter, uint64_t amount) {
  atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void* count_allocation(void* block, size_t bytes) {
  struct slot* mine = slot();
  if (block == NULL) {
    add(&mine->failed, 1);
    return NULL;
  }
  add(&mine->allocations, 1);
  add(&mine->allocated_bytes, bytes);
  return block;
}

__attribute__((constructor)) static void forget_what_the_loader_did(void) {
  (void)slot();
  if (counts != NULL) memset(counts->slot, 0, sizeof counts->slot);
}

void* malloc(size_t bytes) {
  if (!is_resolved()) return early_allocate(bytes);
  return count_allocation(real.malloc(bytes), bytes);
}

void* calloc(size_t count, size_t bytes) {
  if (!is_resolved()) return early_allocate(count * bytes);
  return count_allocation(real.calloc(count, bytes), count * bytes);
}

void free(void* block) {
  if (block == NULL || is_early(block)) return;
  add(&slot()->frees, 1);
  real.free(block);
}

/* A block of the early buffer moves to the real allocator; its length is unknown, so all that could be its
 * own is copied. */
static void* move_early_block(void* block, size_t bytes) {
  const size_t rest = (size_t)(early + EARLY_BYTES - (char*)block);
  void* moved = real.malloc(bytes);
  if (moved != NULL) memcpy(moved, block, bytes < rest ? bytes : rest);
  return moved;
}

void* realloc(void* block, size_t bytes) {
  if (block == NULL) return is_resolved() ? count_allocation(real.realloc(NULL, bytes), bytes) : early_allocate(bytes);
  if (is_early(block)) return is_resolved() ? move_early_block(block, bytes) : NULL;
  struct slot* mine = slot();
  void* moved = real.realloc(block, bytes);
  if (moved == NULL) {
    add(bytes == 0 ? &mine->frees : &mine->failed, 1);
    return NULL;
  }
  add(&mine->reallocations, 1);
  add(&mine->reallocated_bytes, bytes);
  return moved;
}

void* reallocarray(void* block, size_t count, size_t bytes) {
  size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) {
    add(&slot()->failed, 1);
    errno = ENOMEM;
    return NULL;
  }
  return realloc(block, total);
}

int posix_memalign(void** out, size_t alignment, size_t bytes) {
  if (!is_resolved()) abort();
  const int error = real.posix_memalign(out, alignment, bytes);
  count_allocation(error == 0 ? *out : NULL, bytes);
  return error;
}

void* aligned_alloc(size_t alignment, size_t bytes) {
  if (!is_resolved()) abort();
  return count_allocation(real.aligned_alloc(alignment, bytes), bytes);
}

void* memalign(size_t alignment, size_t bytes) {
  if (!is_resolved()) abort();
  return count_allocation(real.memalign(alignment, bytes), bytes);
}

void* valloc(size_t bytes) {
  if (!is_resolved()) abort();
  return count_allocation(real.valloc(bytes), bytes);
}

void* pvalloc(size_t bytes) {
  if (!is_resolved()) abort();
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return count_allocation(real.memalign(page, (bytes + page - 1) / page * page), bytes);
}

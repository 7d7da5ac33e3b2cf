/* event_recorder: LD_PRELOAD library that writes every call of the malloc family of a process to a file (event_file.h).
 *
 * POOLSCOPE_EVENT_FILE names the prefix; process P writes PREFIX.P, of at most POOLSCOPE_EVENT_BYTES (default 1 GiB, a sparse file
 * in a shared mapping). A reader sees it grow, and a process that is killed loses nothing. Without the variable nothing is done.
 *   How       defines no malloc: it puts its functions into the slots through which the program and its libraries call theirs (GOT,
 *             .data.rel), again after each dlopen. What looks at the process from outside finds the allocators it would find
 *             without the recorder, and calls inside an allocator stay unseen, as they should.
 *   Missed    calls before the constructor; the dynamic loader's own; operator new of an allocator that does not call malloc for it;
 *             addresses of malloc that were copied elsewhere before the constructor ran.
 *   Rules     realloc(NULL) is an allocation, realloc(p, 0) and free a free, free(NULL) and failures nothing.
 *   Threads   each writes into chunks of its own.
 *   Fork      the child finds its page of settings wiped (MADV_WIPEONFORK) and starts its own file.
 *   Memory    allocates nothing. When the file is full events are counted as dropped and the program goes on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/truth/event_file.h"

enum { CALIBRATION_EVENTS = 2000, CALIBRATION_ROUNDS = 10 };
static const uint64_t DEFAULT_FILE_BYTES = 1ull << 30;

static struct {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);
  void* (*dlopen)(const char*, int);
} real;

struct writer {
  uint32_t process; /* settings->process when the chunk was claimed; another value: it is a parent's */
  unsigned char *next, *end;
  struct event_chunk_header* chunk;
  uint64_t time_ns, address, site;
};

static struct event_file_header* file; /* of the process that `settings` names; NULL: nothing is written */
static size_t file_bytes;
static struct { _Atomic uint32_t process; } * settings; /* in a page that fork wipes: 0 in a new process */
static __thread struct writer writer __attribute__((tls_model("initial-exec")));

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned char* put(unsigned char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = (unsigned char)(value | 0x80);
    value >>= 7;
  }
  *out++ = (unsigned char)value;
  return out;
}

static unsigned char* put_change(unsigned char* out, uint64_t* last, uint64_t value) {
  const int64_t change = (int64_t)(value - *last);
  *last = value;
  return put(out, (uint64_t)change << 1 ^ (uint64_t)(change >> 63));
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

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

static void map_event_file(void) {
  const char* prefix = getenv("POOLSCOPE_EVENT_FILE");
  const char* limit = getenv("POOLSCOPE_EVENT_BYTES");
  char path[4096];
  if (prefix == NULL || strlen(prefix) > sizeof path - 16) return;
  char* end = stpcpy(path, prefix);
  *end++ = '.';
  append_number(end, (unsigned)getpid());
  const uint64_t chunks = (limit != NULL ? strtoull(limit, NULL, 10) : DEFAULT_FILE_BYTES) / EVENT_CHUNK_BYTES;
  if (chunks == 0 || chunks > 1u << 20) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  file_bytes = (size_t)(chunks + 1) * EVENT_CHUNK_BYTES;
  void* mapped = MAP_FAILED;
  if (ftruncate(fd, (off_t)file_bytes) == 0) mapped = mmap(NULL, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return;
  file = mapped;
  memcpy(file->magic, EVENT_FILE_MAGIC, sizeof file->magic);
  file->pid = (uint32_t)getpid();
  file->start_ns = now_ns();
  file->chunks = chunks;
}

/* At the start of every process: the first of all is single-threaded, and so is a child after fork. */
static void start_recording(uint32_t cost_ns_x16) {
  const int saved_errno = errno;
  if (file != NULL) munmap(file, file_bytes); /* the parent's */
  file = NULL;
  map_event_file();
  if (file != NULL) file->cost_ns_x16 = cost_ns_x16;
  atomic_store(&settings->process, (uint32_t)getpid());
  errno = saved_errno;
}

static int claim_chunk(struct writer* mine) {
  const uint64_t index = __atomic_fetch_add(&file->claimed_chunks, 1, __ATOMIC_RELAXED);
  if (index >= file->chunks) return 0;
  mine->chunk = (struct event_chunk_header*)((char*)file + (index + 1) * EVENT_CHUNK_BYTES);
  mine->next = (unsigned char*)(mine->chunk + 1);
  mine->end = (unsigned char*)mine->chunk + EVENT_CHUNK_BYTES;
  mine->chunk->tid = (uint32_t)syscall(SYS_gettid);
  mine->chunk->start_ns = mine->time_ns = now_ns();
  mine->address = mine->site = 0;
  return 1;
}

/* The calling thread's writer with room for a record; NULL when nothing can be written. */
static struct writer* writer_with_room(void) {
  if (!atomic_load_explicit(&settings->process, memory_order_relaxed)) {
    start_recording(file != NULL ? file->cost_ns_x16 : 0);
  }
  if (file == NULL) return NULL;
  const uint32_t process = atomic_load_explicit(&settings->process, memory_order_relaxed);
  if (writer.process == process && writer.next != NULL &&
      (size_t)(writer.end - writer.next) >= EVENT_RECORD_MAX_BYTES) {
    return &writer;
  }
  writer.process = process;
  writer.next = NULL;
  if (claim_chunk(&writer)) return &writer;
  __atomic_fetch_add(&file->dropped_events, 1, __ATOMIC_RELAXED);
  return NULL;
}

static unsigned char* begin_record(struct writer* mine, enum event_op op) {
  const uint64_t now = now_ns();
  unsigned char* out = put(mine->next, (now - mine->time_ns) << 2 | op);
  mine->time_ns = now;
  return out;
}

static void end_record(struct writer* mine, unsigned char* out) {
  mine->next = out;
  __atomic_store_n(&mine->chunk->used_bytes, (uint32_t)(out - (unsigned char*)(mine->chunk + 1)), __ATOMIC_RELEASE);
}

static void* record_birth(enum event_op op, void* block, size_t bytes, void* site) {
  struct writer* mine = block != NULL ? writer_with_room() : NULL;
  if (mine == NULL) return block;
  unsigned char* out = begin_record(mine, op);
  out = put_change(out, &mine->address, (uint64_t)(uintptr_t)block >> 3);
  out = put(out, bytes);
  end_record(mine, put_change(out, &mine->site, (uint64_t)(uintptr_t)site));
  return block;
}

static void record_reallocation(uintptr_t old, void* block, size_t bytes, void* site) {
  struct writer* mine = writer_with_room();
  if (mine == NULL) return;
  unsigned char* out = begin_record(mine, EVENT_REALLOC);
  out = put_change(out, &mine->address, (uint64_t)old >> 3);
  out = put_change(out, &mine->address, (uint64_t)(uintptr_t)block >> 3);
  out = put(out, bytes);
  end_record(mine, put_change(out, &mine->site, (uint64_t)(uintptr_t)site));
}

static void record_death(uintptr_t block) {
  struct writer* mine = writer_with_room();
  if (mine == NULL) return;
  unsigned char* out = begin_record(mine, EVENT_FREE);
  end_record(mine, put_change(out, &mine->address, (uint64_t)block >> 3));
}

/* --- what the program calls ----------------------------------------------------------------------------------------------- */

#define SITE __builtin_return_address(0)

static void* hook_malloc(size_t bytes) {
  return record_birth(EVENT_MALLOC, real.malloc(bytes), bytes, SITE);
}
static void* hook_calloc(size_t count, size_t bytes) {
  return record_birth(EVENT_CALLOC, real.calloc(count, bytes), count * bytes, SITE);
}
static void hook_free(void* block) {
  if (block != NULL) record_death((uintptr_t)block);
  real.free(block);
}
static void* hook_realloc(void* block, size_t bytes) {
  const uintptr_t old = (uintptr_t)block;
  void* moved = real.realloc(block, bytes);
  if (old == 0) return record_birth(EVENT_MALLOC, moved, bytes, SITE);
  if (moved != NULL) record_reallocation(old, moved, bytes, SITE);
  if (moved == NULL && bytes == 0) record_death(old);
  return moved;
}
static int hook_posix_memalign(void** out, size_t alignment, size_t bytes) {
  const int error = real.posix_memalign(out, alignment, bytes);
  if (error == 0) record_birth(EVENT_MALLOC, *out, bytes, SITE);
  return error;
}
static void* hook_aligned_alloc(size_t alignment, size_t bytes) {
  return record_birth(EVENT_MALLOC, real.aligned_alloc(alignment, bytes), bytes, SITE);
}
static void* hook_memalign(size_t alignment, size_t bytes) {
  return record_birth(EVENT_MALLOC, real.memalign(alignment, bytes), bytes, SITE);
}
static void* hook_valloc(size_t bytes) {
  return record_birth(EVENT_MALLOC, real.valloc(bytes), bytes, SITE);
}
static void* hook_pvalloc(size_t bytes) {
  return record_birth(EVENT_MALLOC, real.pvalloc(bytes), bytes, SITE);
}
static void* hook_dlopen(const char* name, int flags);

static const struct hook {
  const char* name;
  void* function;
  void** real;
} hooks[] = {
    {"malloc", (void*)hook_malloc, (void**)&real.malloc},
    {"calloc", (void*)hook_calloc, (void**)&real.calloc},
    {"realloc", (void*)hook_realloc, (void**)&real.realloc},
    {"free", (void*)hook_free, (void**)&real.free},
    {"posix_memalign", (void*)hook_posix_memalign, (void**)&real.posix_memalign},
    {"aligned_alloc", (void*)hook_aligned_alloc, (void**)&real.aligned_alloc},
    {"memalign", (void*)hook_memalign, (void**)&real.memalign},
    {"valloc", (void*)hook_valloc, (void**)&real.valloc},
    {"pvalloc", (void*)hook_pvalloc, (void**)&real.pvalloc},
    {"dlopen", (void*)hook_dlopen, (void**)&real.dlopen},
};
enum { HOOKS = sizeof hooks / sizeof *hooks };

/* --- the slots of the loaded objects ----------------------------------------------------------------------------------------- */

struct object {
  ElfW(Addr) bias;
  const ElfW(Sym) * symbols;
  const char* names;
};

static void set_slot(void** slot, void* function) {
  if (*slot == function) return;
  /* Slots are read-only after relocation (RELRO) or not; which of both is not told, so the page is left writable. */
  void* page = (void*)((uintptr_t)slot & ~(uintptr_t)4095);
  if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0) __atomic_store_n(slot, function, __ATOMIC_RELEASE);
}

static void hook_relocations(const struct object* object, const ElfW(Rela) * relocation, size_t bytes) {
  for (const ElfW(Rela)* end = relocation + bytes / sizeof *relocation; relocation < end; ++relocation) {
    const unsigned type = ELF64_R_TYPE(relocation->r_info);
    if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT && type != R_X86_64_64) continue;
    const char* name = object->names + object->symbols[ELF64_R_SYM(relocation->r_info)].st_name;
    for (size_t i = 0; i < HOOKS; ++i) {
      if (*hooks[i].real != NULL && strcmp(name, hooks[i].name) == 0) {
        set_slot((void**)(object->bias + relocation->r_offset), hooks[i].function);
      }
    }
  }
}

/* The dynamic section of an object, by tag; the loader has relocated the addresses in it, but for the vdso. */
static const ElfW(Dyn) * find(const ElfW(Dyn) * dynamic, ElfW(Sxword) tag) {
  for (; dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == tag) return dynamic;
  }
  return NULL;
}

static int hook_object(struct dl_phdr_info* info, size_t size, void* own_bias) {
  (void)size;
  if (info->dlpi_addr == *(ElfW(Addr)*)own_bias || strstr(info->dlpi_name, "linux-vdso") != NULL ||
      strstr(info->dlpi_name, "/ld-linux") != NULL) {
    return 0;
  }
  const ElfW(Dyn)* dynamic = NULL;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC) dynamic = (void*)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
  }
  if (dynamic == NULL || find(dynamic, DT_SYMTAB) == NULL || find(dynamic, DT_STRTAB) == NULL) return 0;
  const struct object object = {info->dlpi_addr, (void*)find(dynamic, DT_SYMTAB)->d_un.d_ptr,
                                (void*)find(dynamic, DT_STRTAB)->d_un.d_ptr};
  const ElfW(Dyn)* table = find(dynamic, DT_RELA), *bytes = find(dynamic, DT_RELASZ);
  if (table != NULL && bytes != NULL) hook_relocations(&object, (void*)table->d_un.d_ptr, bytes->d_un.d_val);
  table = find(dynamic, DT_JMPREL), bytes = find(dynamic, DT_PLTRELSZ);
  if (table != NULL && bytes != NULL) hook_relocations(&object, (void*)table->d_un.d_ptr, bytes->d_un.d_val);
  return 0;
}

static void hook_all_objects(void) {
  Dl_info own;
  if (dladdr((void*)hook_malloc, &own) == 0) return;
  ElfW(Addr) own_bias = (ElfW(Addr))own.dli_fbase;
  dl_iterate_phdr(hook_object, &own_bias);
}

static void* hook_dlopen(const char* name, int flags) {
  void* handle = real.dlopen(name, flags);
  hook_all_objects();
  return handle;
}

/* --- the start ----------------------------------------------------------------------------------------------------------------- */

static uint64_t time_of_events_ns(unsigned count) {
  const uint64_t start = now_ns();
  for (unsigned i = 0; i < count; ++i) {
    struct writer* one = writer_with_room();
    if (one == NULL) return 0;
    unsigned char* out = begin_record(one, EVENT_MALLOC);
    out = put_change(out, &one->address, one->address + 64 + i % 512);
    out = put(out, 64);
    (void)put_change(out, &one->site, one->site ^ 4096);
  }
  return now_ns() - start;
}

/* What recording an event takes: the same code into a chunk that is then used up and forgotten. The best of several rounds: others may
 * run on this CPU, too. */
static uint32_t measured_cost_ns_x16(void) {
  struct writer* mine = writer_with_room();
  if (mine == NULL) return 0;
  unsigned char* const begin = mine->next;
  uint64_t taken = UINT64_MAX;
  for (unsigned round = 0; round < CALIBRATION_ROUNDS; ++round) {
    const uint64_t once = time_of_events_ns(CALIBRATION_EVENTS);
    if (once < taken) taken = once;
  }
  mine->next = begin;
  mine->address = mine->site = 0;
  mine->time_ns = mine->chunk->start_ns = now_ns();
  return (uint32_t)(taken * 16 / CALIBRATION_EVENTS);
}

__attribute__((constructor)) static void begin(void) {
  if (getenv("POOLSCOPE_EVENT_FILE") == NULL) return;
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK) != 0) abort();
  settings = page;
  for (size_t i = 0; i < HOOKS; ++i) *hooks[i].real = dlsym(RTLD_NEXT, hooks[i].name);
  start_recording(0);
  if (file == NULL) return;
  file->cost_ns_x16 = measured_cost_ns_x16();
  hook_all_objects();
}

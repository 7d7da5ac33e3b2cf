/* Reads the stats pages of a process and prints its pools: what an agent does, in its simplest form. Usage: show_pools PID, as root or
 * with CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE. */
#include <fcntl.h>
#include <poolscope/stats_page.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static ps_u64 empty_misses(const struct ps_block* block) {
  return ps_load(&block->misses[PS_MISS_EMPTY]);
}
static ps_u64 full_discards(const struct ps_block* block) {
  return ps_load(&block->discards[PS_DISCARD_FULL]);
}

/* Over all blocks of a pool. */
static ps_u64 sum_of(const void* page, const struct ps_stats_header* header, ps_u32 index, ps_u64 sequence,
                     ps_u64 (*count)(const struct ps_block*)) {
  ps_u64 sum = 0;
  for (ps_u32 i = 0; i < header->blocks_used; ++i) {
    const struct ps_block* block = ps_block_at(page, header, i);
    if (ps_load(&block->pool_sequence) == sequence && ps_load(&block->pool_index) == index) sum += count(block);
  }
  return sum;
}

static void show_pool(const void* page, const struct ps_stats_header* header, ps_u32 index) {
  const struct ps_pool* pool = ps_pool_at(page, header, index);
  const ps_u64 sequence = ps_pool_sequence(pool);
  struct ps_pool copy;

  if (!sequence || ps_load(&pool->state) != PS_POOL_LIVE) return;
  memcpy(&copy, pool, offsetof(struct ps_pool, needed_bytes)); /* at least so long: ps_stats_problem() looked */
  const ps_u64 puts = sum_of(page, header, index, sequence, ps_block_puts);
  const ps_u64 gets = sum_of(page, header, index, sequence, ps_block_gets);
  const ps_u64 empty = sum_of(page, header, index, sequence, empty_misses);
  const ps_u64 full = sum_of(page, header, index, sequence, full_discards);
  if (!ps_pool_unchanged(pool, sequence)) return; /* its slot was taken meanwhile */
  printf("%.*s kind %.*s gets %llu puts %llu empty %llu full %llu\n", (int)sizeof(copy.name), copy.name,
         (int)sizeof(copy.kind), copy.kind, gets, puts, empty, full);
}

static void show_page(const char* pid, const char* range) {
  char path[128];
  struct stat stat;
  struct ps_stats_header header;
  int fd;
  const char* page;
  const char* problem = "not sealed: it could shrink while it is read";

  snprintf(path, sizeof(path), "/proc/%s/map_files/%s", pid, range);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &stat)) {
    perror(path);
    return;
  }
  page = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED && (fcntl(fd, F_GET_SEALS) & PS_PAGE_SEALS) == PS_PAGE_SEALS &&
      (size_t)stat.st_size >= sizeof(header)) {
    memcpy(&header, page, sizeof(header)); /* what was checked must not change afterwards */
    problem = ps_stats_problem(&header, (ps_u64)stat.st_size);
    for (ps_u32 i = 0; !problem && i < header.pools_used; ++i) show_pool(page, &header, i);
  }
  if (problem) fprintf(stderr, "%s: %s\n", path, problem);
  if (page != MAP_FAILED) munmap((void*)page, (size_t)stat.st_size);
  close(fd);
}

int main(int argc, char** argv) {
  char path[64], line[4096], range[64];
  FILE* maps;

  if (argc != 2) return fprintf(stderr, "usage: show_pools PID\n"), 2;
  snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
  maps = fopen(path, "r");
  if (!maps) return perror(path), 1;
  while (fgets(line, sizeof(line), maps)) {
    if (strstr(line, "/memfd:" PS_STATS_MEMFD_NAME " (deleted)") && sscanf(line, "%63s", range) == 1)
      show_page(argv[1], range);
  }
  fclose(maps);
  return 0;
}

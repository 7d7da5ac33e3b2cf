/* Layout of the files that event_recorder writes and event_stream.cc reads: every call of the malloc family of one process, with
 * the moment it happened. Plain C, little endian, x86-64.
 *
 *   struct event_file_header, padded to EVENT_CHUNK_BYTES
 *   chunks of EVENT_CHUNK_BYTES: struct event_chunk_header, then `used_bytes` of records of one thread, in the order of their time
 *
 * A record is a sequence of varints (7 bits per byte, lowest first, the top bit says that more follow). "Change" is the difference
 * to the value before it in this chunk (0 at its start), as a zigzag number, so that small steps to both sides are short:
 *
 *   (dt_ns << 2 | op)                      dt_ns since the record before, or since the chunk's start_ns
 *   EVENT_MALLOC, EVENT_CALLOC             change of address / 8, size, change of site
 *   EVENT_REALLOC                          change of address / 8 (old block), the same (new block), size, change of site
 *   EVENT_FREE                             change of address / 8
 *
 * Times are CLOCK_MONOTONIC. An allocation is dated when the allocator has returned, a free before it is called, so that of two lives
 * at one address the first ends before the second begins. Sizes are as asked for; `site` is the return address into the caller.
 * The allocation clock (bytes allocated so far) is the running sum of the sizes and is not stored.
 * A file that is still being written, or whose process was killed, is valid up to the last complete record.
 */
#ifndef POOLSCOPE_TESTS_TRUTH_EVENT_FILE_H
#define POOLSCOPE_TESTS_TRUTH_EVENT_FILE_H

#include <stdint.h>

#define EVENT_FILE_MAGIC "PSEVENT1"
#define EVENT_CHUNK_BYTES (256u << 10)
#define EVENT_RECORD_MAX_BYTES 50u /* five varints of ten bytes */

enum event_op { EVENT_MALLOC, EVENT_CALLOC, EVENT_REALLOC, EVENT_FREE };

struct event_file_header {
  char magic[8];
  uint32_t pid;
  uint32_t
      cost_ns_x16;   /* what recording one event takes, in 1/16 ns: measured at the start, to be taken out of dt_ns */
  uint64_t start_ns; /* when recording began */
  uint64_t chunks;   /* that fit into the file */
  uint64_t claimed_chunks; /* handed to threads; more than `chunks`: the file is full */
  uint64_t dropped_events; /* not recorded because it was full */
};

struct event_chunk_header {
  uint64_t start_ns;
  uint32_t tid;
  uint32_t used_bytes; /* of complete records behind this header */
};

#endif

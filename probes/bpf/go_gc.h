/* What go_gc.bpf.c and the collector go_runtime say to each other. Plain C, for BPF and for user space.
 *
 * One probe, once per garbage collection of a Go program, while its world is stopped and the cycle is booked: the program copies
 * the words and the memory that user space asked for into ring buffer `events`. It knows nothing of Go.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define GO_GC_PROCESSES 4096		  /* watched at once */
#define GO_GC_HEAP_BYTES 4096		  /* largest runtime.memstats.heapStats that is copied */
#define GO_GC_RING_BYTES (512u << 10)	  /* some 2 500 cycles */
#define GO_GC_HEAP_INTERVAL_NS 100000000u /* the large copy is made at most this often per process */

/* The words of the runtime that are copied, and what they mean. Layouts are in probes/collectors/go_gc_layout.cc. */
enum go_gc_word {
	GO_GC_CYCLES,		 /* memstats.numgc, 32 bits */
	GO_GC_FORCED_CYCLES,	 /* memstats.numforcedgc, 32 bits */
	GO_GC_PAUSE_NS,		 /* memstats.pause_total_ns */
	GO_GC_PERCENT,		 /* gcController.gcPercent, 32 bits, signed: GOGC, below 0: off */
	GO_GC_MEMORY_LIMIT,	 /* gcController.memoryLimit: GOMEMLIMIT */
	GO_GC_PERCENT_GOAL,	 /* gcController.gcPercentHeapGoal */
	GO_GC_SWEEP_MIN_TRIGGER, /* gcController.sweepDistMinTrigger */
	GO_GC_TRIGGERED,	 /* gcController.triggered; all ones outside a cycle */
	GO_GC_MARKED_BYTES,	 /* gcController.heapMarked */
	GO_GC_ASSIST_NS,	 /* gcController.assistTime, of this cycle */
	GO_GC_IDLE_NS,		 /* gcController.idleMarkTime, of this cycle */
	GO_GC_FREE_HEAP_BYTES,	 /* gcController.heapFree */
	GO_GC_ALLOCATED_BYTES,	 /* gcController.totalAlloc */
	GO_GC_FREED_BYTES,	 /* gcController.totalFree */
	GO_GC_MAPPED_BYTES,	 /* gcController.mappedReady */
	GO_GC_CPU_NS,		 /* work.totaltime */
	GO_GC_WORDS
};

/* Value of map `plans` (key: tgid). User space writes it once, before it attaches; the program writes the second part. */
struct go_gc_plan {
	__u64 word_addresses[GO_GC_WORDS]; /* 0: not known */
	__u64 heap_address;		   /* 0: not known */
	__u64 heap_bytes;		   /* at most GO_GC_HEAP_BYTES */

	__u64 last_heap_ns; /* when the last heap event was made */
	__u64 hits;
	__u64 copy_ns; /* time spent in the program, sum */
};

#define GO_GC_EVENT_CYCLE 1u
#define GO_GC_EVENT_HEAP 2u

/* What every event in the ring buffer starts with. */
struct go_gc_event {
	__u32 kind; /* GO_GC_EVENT_* */
	__u32 tgid;
	__u64 time_ns; /* CLOCK_MONOTONIC */
};

struct go_gc_cycle {
	struct go_gc_event event;
	__u64 missing; /* bit per word: not known, or its memory could not be read */
	__u64 words[GO_GC_WORDS];
};

/* Follows the cycle event of the same moment. */
struct go_gc_heap {
	struct go_gc_event event;
	__u64 bytes; /* 0: the memory could not be read */
	__u8 data[GO_GC_HEAP_BYTES];
};

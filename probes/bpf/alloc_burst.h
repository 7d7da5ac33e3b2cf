#pragma once
/* Contract between alloc_burst.bpf.c, alloc_logic.h and probes/collectors/alloc_bursts.cc. Plain C, fixed widths, no
 * hidden padding. Times are CLOCK_MONOTONIC in ns, sizes in bytes, addresses are those of the target process.
 */
#ifdef __cplusplus
#include <linux/types.h>
#elif !defined(__VMLINUX_H__)
#include <linux/types.h>
#endif

#include "poolscope/log_linear.h"

#define ALLOC_SLOTS 2	    /* bursts that can exist at the same time: one measuring, one detaching */
#define ALLOC_SITE_DEPTH 6  /* callers followed out of allocation wrappers, at most */
#define ALLOC_CODE_RANGES 8 /* code of the allocator itself, for telling nested calls apart */
#define ALLOC_SHORT_LIVED_NS 10000000ull
#define ALLOC_GROWTH_MIN_BYTES 16 /* smaller blocks have too little in them to tell that they were copied */
#define ALLOC_ADDRESS_SPACE_BYTES (1ull << 47) /* of a process on x86-64: a call that asks for more fails */

/* What a probed function does with its arguments. */
enum alloc_function {
	ALLOC_FN_SIZE,		 /* (size): malloc, valloc, pvalloc, operator new */
	ALLOC_FN_COUNT_SIZE,	 /* (count, size): calloc */
	ALLOC_FN_ALIGN_SIZE,	 /* (alignment, size): memalign, aligned_alloc */
	ALLOC_FN_OUT_ALIGN_SIZE, /* (where, alignment, size): posix_memalign */
	ALLOC_FN_REALLOC,	 /* (block, size) */
	ALLOC_FN_REALLOCARRAY,	 /* (block, count, size) */
	ALLOC_FN_FREE,		 /* (block): free, cfree, operator delete */
	ALLOC_FN_COUNT
};

/* The cookie of a probe, packed by user space (pack_cookie) and taken apart in the kernel. Bits 3-7 and 29-31 number
 * the function, so that cookies of different functions differ. */
#define ALLOC_COOKIE_FUNCTION(c) ((__u32)((c)&0x7))
#define ALLOC_COOKIE_REGISTER(c, i) ((__u32)(((c) >> (8 + 4 * (i))) & 0xf))
#define ALLOC_COOKIE_STACK_BYTES(c) ((__u32)(((c) >> 20) & 0xff) * 8)
#define ALLOC_COOKIE_SLOT(c) ((__u32)(((c) >> 28) & 1))
#define ALLOC_COOKIE_FLAGS_MASK(c) ((__u32)(((c) >> 32) & 0xffff))
#define ALLOC_COOKIE_FLAGS_VALUE(c) ((__u32)(((c) >> 48) & 0xffff))

/* Label `reason` of poolscope_events_dropped_total; names in alloc_bursts.cc. */
enum alloc_drop {
	ALLOC_DROP_BIRTHS_FULL,	 /* map births was full: the object is counted, its lifetime is not followed */
	ALLOC_DROP_SITES_FULL,	 /* map sites was full: the call is counted, its site is not */
	ALLOC_DROP_CHAINS_FULL,	 /* map chains was full */
	ALLOC_DROP_THREADS_FULL, /* map threads was full: the call is not counted */
	ALLOC_DROP_ABANDONED,	 /* a call never returned to its caller (exception, longjmp): not counted */
	ALLOC_DROP_STACK_FAULT,	 /* the return address could not be read: counted, without a site */
	ALLOC_DROP_FREE_MISSED,	 /* an address was born again without a free in between */
	ALLOC_DROP_COUNT
};

/* Cost classes of hits; user space calibrates the price of each. */
enum alloc_hit {
	ALLOC_HIT_RATE,	  /* entry of an allocating function, counted only */
	ALLOC_HIT_FREE,	  /* entry of a freeing function */
	ALLOC_HIT_ENTRY,  /* entry of an allocating function whose return is awaited */
	ALLOC_HIT_RETURN, /* its return */
	ALLOC_HIT_COUNT
};

/* Why the kernel closed the window before user space did. */
enum alloc_stop {
	ALLOC_STOP_NONE,
	ALLOC_STOP_HIT_LIMIT,
	ALLOC_STOP_DEADLINE,
	ALLOC_STOP_FORK, /* the child inherited the breakpoints: take them away */
	ALLOC_STOP_EXEC,
	ALLOC_STOP_TOO_HOT /* one CPU was charged pace_charge_ns in less than pace_ns */
};

/* What is counted now; bits of alloc_control.armed. */
#define ALLOC_ARMED_ALLOCATIONS 1u /* count allocating calls */
#define ALLOC_ARMED_BIRTHS 2u	   /* and follow the objects they make */
#define ALLOC_ARMED_FREES 4u	   /* count frees */
#define ALLOC_ARMED_DEATHS 8u	   /* end the lives of followed objects */

/* Code of the allocator itself: calls from there are nested. Value of map `code_ranges` (key: tgid), and part of
 * alloc_control. */
struct alloc_code {
	__u64 start[ALLOC_CODE_RANGES];
	__u64 end[ALLOC_CODE_RANGES];
};

/* One per slot in map `control` (memory-mapped). User space writes the first part, BPF programs the second. */
struct alloc_control {
	__u64 generation;	/* raised for every burst: entries of older ones do not count */
	__u64 deadline_ns;	/* nothing is counted from here on */
	__u64 hit_limit;	/* stop when this many hits were counted, within 64 per CPU; 0: none */
	struct alloc_code code; /* of the process `tgid` */
	__u64 mremap_min_bytes; /* blocks of at least this size move by remapping: nothing is copied; 0: never */
	__u64 cost_ns[ALLOC_HIT_COUNT]; /* calibrated price of a hit */
	__u32 armed;			/* ALLOC_ARMED_* */
	__u32 tgid;			/* the one process that counts; 0: every process in map `code_ranges` */
	__u64 pace_ns;	      /* the burst ends when hits take pace_charge_ns of one CPU in less time, armed or not */
	__u64 pace_charge_ns; /* 0: it may be as dear as it is */
	__u64 padding[5];

	__u64 late_ns;	  /* what hits have taken since a thread waited last, at calibrated prices */
	__u64 last_waits; /* how often the thread of the last hit had waited by then */
	__u32 last_tid;
	__u32 reserved_2;
	__u64 counted_hits; /* sum over CPUs, lags by up to 63 per CPU */
	__u64 stopped_ns;   /* when `stop` was set */
	__u32 stop;	    /* enum alloc_stop; set once per burst */
	__u32 reserved;
};

/* One per CPU and slot in map `counts`: BPF adds, user space sums and clears between bursts. */
struct alloc_counts {
	__u64 hits[ALLOC_HIT_COUNT];	    /* all traps of the burst */
	__u64 window_hits[ALLOC_HIT_COUNT]; /* of these, while anything was armed */
	__u64 allocations;
	__u64 allocated_bytes;
	__u64 reallocations;
	__u64 reallocated_bytes;
	__u64 frees;
	__u64 frees_of_older; /* block was not followed */
	__u64 births;
	__u64 birth_bytes;
	__u64 dropped[ALLOC_DROP_COUNT];
	__u64 pending_hits;    /* counted here, not yet in alloc_control.counted_hits */
	__u64 paced_charge_ns; /* of hits since paced_since_ns */
	__u64 paced_since_ns;
	__u64 last_stack_pointer; /* last call that was counted on this CPU: finds tail calls inside the allocator */
	__u64 last_return_address;
	__u64 last_cookie;
	__u64 last_tid;
	__u64 size_bytes[PS_LOG_LINEAR_BUCKETS];    /* requested sizes of allocations and reallocations */
	__u64 died_ns[PS_LOG_LINEAR_BUCKETS];	    /* objects by age at death */
	__u64 died_bytes_ns[PS_LOG_LINEAR_BUCKETS]; /* their bytes by age at death */
};

/* Key of map `births`. */
struct birth_key {
	__u64 address;
	__u32 tgid;
	__u32 generation; /* low half of alloc_control.generation */
};

/* Value of map `births`: an object that is alive. Only BPF writes it. */
struct birth {
	__u64 born_ns;	       /* when the allocating call returned */
	__u64 requested_bytes; /* as asked for last */
	__u64 charge_ns;       /* thread_state.charge_ns of the allocating thread at birth */
	__u64 site_first;      /* key of map sites */
	__u64 site_last;
	__u64 first_bytes;  /* as asked for first */
	__u64 copied_bytes; /* by reallocations that moved it */
	__u32 tid;
	__u32 steps; /* reallocations */
};

/* Key of map `sites`: the caller of the allocator and the last caller that was followed. */
struct site_key {
	__u64 first;
	__u64 last;
	__u64 generation; /* low half of alloc_control.generation << 32 | tgid */
};

/* Value of map `sites`. */
struct site {
	__u64 calls;
	__u64 requested_bytes;
	__u64 births;
	__u64 short_lived;		/* died younger than ALLOC_SHORT_LIVED_NS */
	__u64 frames[ALLOC_SITE_DEPTH]; /* return addresses, the allocator's caller first; 0 ends the list */
};

#define CHAIN_BUCKETS 240 /* log-linear up to 2^32; larger sizes count in the last */

/* Key of map `chains`. Chains are objects that grew by realloc and died, per site of birth. Growths are single steps of blocks that grew by
 * a new block, a copy and a free, as C++ containers do: per site of the new block, each counted as a chain of one step. */
struct chain_key {
	struct site_key site;
	__u64 is_growth;
};

/* Value of map `chains`. */
struct chain {
	__u64 chains;
	__u64 steps;
	__u64 copied_bytes;
	__u32 first_bytes[CHAIN_BUCKETS];
	__u32 final_bytes[CHAIN_BUCKETS];
};

/* Key of map `steps`: a return address inside an allocation wrapper. */
struct step_key {
	__u64 address;
	__u64 slot;
};

#define STEP_RBP_KEPT (-1000000)

/* Where the walk out of allocation wrappers begins, and what it finds. Numbers only: see ALLOC_VERIFIED_ALONE. */
struct caller_walk {
	__u64 stack_pointer; /* after the return into frames[0] */
	__u64 frame_pointer;
	__u64 slot;
	__u64 last;			/* of frames */
	__u64 frames[ALLOC_SITE_DEPTH]; /* [0] is given; 0 ends the list */
};

/* Value of map `steps`: how to get from that frame to its caller (one row of .eh_frame). User space writes it. */
struct step {
	__s32 cfa_offset;	/* CFA = base + this */
	__s32 saved_rbp_offset; /* caller's rbp is at CFA + this; STEP_RBP_KEPT: rbp is unchanged */
	__u32 base_is_rbp;	/* 0: base is rsp after the return into the frame */
	__u32 reserved;
};

/* Value of map `threads` (key: tid): the allocating call a thread is in. Only BPF uses it. */
struct thread_state {
	__u64 generation;    /* of the burst it belongs to */
	__u64 charge_ns;     /* price of the hits this thread took since then */
	__u64 stack_pointer; /* at the entry of the call in flight; 0: none */
	__u64 return_address;
	__u64 size_bytes;   /* as asked for; stays after the return */
	__u64 newest;	    /* block that it made, when that was the last event of the thread; else 0 */
	__u64 block;	    /* realloc: old block; posix_memalign: where the result goes */
	struct birth moved; /* realloc: life of the old block, taken out of births */
	__u32 function;	    /* enum alloc_function */
	__u32 has_moved;
	__u64 site_first;
	__u64 site_last;
	__u64 free_cookie; /* last free of the thread: operator delete goes on into free by a tail call */
	__u64 free_block;
	__u64 free_stack_pointer;
	__u64 free_return_address;
};

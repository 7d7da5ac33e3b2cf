#pragma once
/* Contract between pool_events.bpf.c, pool_logic.h and probes/collectors/pool_*.cc. Plain C, fixed widths, no hidden padding.
 * Times are CLOCK_MONOTONIC in ns, sizes in bytes, addresses are those of the target process.
 *
 * A slot is one set of probes in one process: a watch (rare events, for as long as the process lives) or a burst.
 */
#ifdef __cplusplus
#include <linux/types.h>
#elif !defined(__VMLINUX_H__)
#include <linux/types.h>
#endif

#include "poolscope/log_linear.h"

#define POOL_SLOTS 64
#define POOL_POINTS 1024	   /* probe points of all slots together */
#define POOL_SIZE_BUCKETS 240	   /* log-linear up to 2^32; larger sizes count in the last */
#define POOL_MAX_SIZE (1ull << 40) /* what claims to be larger is no length */
#define POOL_MAX_ELEMENT (1u << 24)

/* What a probe point tells. */
enum pool_role {
	POOL_ROLE_GET,	       /* a get; with `miss_mask` also whether it found something */
	POOL_ROLE_PUT,	       /* a put */
	POOL_ROLE_MISS,	       /* a get that found nothing */
	POOL_ROLE_GROW,	       /* a borrowed object grew */
	POOL_ROLE_CLEANUP,     /* Go: a garbage collection begins; what is in `old_pools` is dropped */
	POOL_ROLE_GROWTH_CALL, /* Go: runtime.growslice is called; `size` is the old capacity, `type` the element type */
	POOL_ROLE_GROWTH_COPY, /* the same call copies; `pool` is the old array, `object` the new one, `size` the new capacity,
				* `type` how many bytes are copied */
	POOL_ROLE_COUNT
};

/* Where a value is when the probe is hit. */
enum pool_place {
	POOL_PLACE_NONE,
	POOL_PLACE_REGISTER, /* number in the order of the x86-64 encoding */
	POOL_PLACE_STACK     /* in memory at rsp + offset */
};

struct pool_value {
	__u16 place;
	__u16 number; /* of the register */
	__s32 offset;
};

/* Value of map `points` (index: the cookie's upper half). User space writes. */
struct pool_point {
	__u32 role;
	__u32 flags_mask; /* counts only when (flags & flags_mask) == flags_value */
	__u32 flags_value;
	__u32 miss_mask; /* a get is a miss when (flags & miss_mask) == miss_value; 0: not known here */
	__u32 miss_value;
	__u32 nil_mask; /* a put of nothing when (flags & nil_mask) == nil_value; 0: none */
	__u32 nil_value;
	__u32 cost_ns;		/* price of a hit; of a cleanup, which adds what its walk took, that of the trap */
	__u32 pool_number;	/* tells pools of one slot apart that have no address */
	struct pool_value pool; /* its address; POOL_PLACE_NONE: the number alone */
	struct pool_value object;
	struct pool_value type; /* Go: type word of the object's interface */
	struct pool_value size; /* asked for, at a get */
};

#define POOL_COOKIE_SLOT(c) ((__u32)((c)&0xffffffff))
#define POOL_COOKIE_POINT(c) ((__u32)((c) >> 32))

/* Why the kernel closed the window before user space did. */
enum pool_stop { POOL_STOP_NONE, POOL_STOP_HIT_LIMIT, POOL_STOP_DEADLINE, POOL_STOP_FORK, POOL_STOP_EXEC };

/* One per slot in map `pool_controls` (memory-mapped). User space writes the first part, programs the second. */
struct pool_control {
	__u64 generation;  /* raised with every use of a slot */
	__u64 deadline_ns; /* nothing is counted from here on; 0: no deadline */
	__u64 hit_limit;   /* stop when this many hits were counted; 0: none */
	__u64 old_pools;   /* Go: address of sync.oldPools; 0: not known */
	__u32 tgid;
	__u32 armed;
	__u32 follows_objects; /* remember objects from get to put */
	__u32 in_order;	       /* write every get and put to the ring `pool_order`, too */

	__u64 hits;		/* all traps */
	__u64 charge_ns;	/* their price, and what walks took */
	__u64 window_charge_ns; /* of it, while armed and not stopped */
	__u64 window_hits;	/* of these, while armed and not stopped */
	__u64 stopped_ns;	/* when `stop` was set */
	__u64 collections;	/* cleanups; objects of an earlier one are not followed any more */
	__u64 dropped_pools;	/* map `pool_sums` was full: an event was not counted */
	__u64 dropped_objects;	/* map `pool_objects` was full: an object was not followed */
	__u64 dropped_reads;	/* memory of the target could not be read */
	__u64 dropped_order;	/* ring `pool_order` or `growths` was full: an event is missing in it */
	__u32 stop;		/* enum pool_stop */
	__u32 padding;
};

/* Key of map `pool_sums`. */
struct pool_key {
	__u64 pool; /* address, or 0 */
	__u32 slot;
	__u32 number;
};

struct pool_sums {
	__u64 gets;
	__u64 misses;
	__u64 puts;
	__u64 nil_puts;
	__u64 regrowths;
	__u64 sized_puts;
	__u64 empty_puts;
	__u64 followed_gets;
	__u64 put_twice;
	__u64 thrown_away; /* dropped by cleanups */
	__u64 type;	   /* of the first object seen */
	__u64 other_types; /* objects of another type */
	__u32 hold_ns[PS_LOG_LINEAR_BUCKETS];
	__u32 needed_bytes[POOL_SIZE_BUCKETS];
	__u32 buffer_bytes[POOL_SIZE_BUCKETS];
};

/* Key of map `pool_elements`: a type of one process. */
struct pool_type_key {
	__u64 type;
	__u64 tgid;
};

/* Value: where length and capacity are, relative to the object's address. User space writes. */
struct pool_element {
	__u32 length_offset;
	__u32 capacity_offset;
	__u32 element_bytes; /* of one element; 0: the object is no buffer */
	__u32 reserved;
};

/* Key of map `pool_objects`. */
struct pool_object_key {
	__u64 object;
	__u32 generation;  /* of the slot */
	__u32 collections; /* when it was seen: an address may be something else after the next one */
};

enum pool_object_state { POOL_OBJECT_BORROWED = 1, POOL_OBJECT_IDLE };

struct pool_object {
	__u64 pool;
	__u64 time_ns; /* of the last get or put */
	__u64 capacity_bytes;
	__u32 state;
	__u32 number; /* of the pool */
};

/* One event of ring `pool_order`; user space puts them in order. Written at a get that has taken its object and at a put that has not
 * given it away yet, so that of one object the times are in the order in which things happened. */
enum pool_order_flag { POOL_ORDER_MISS = 1, POOL_ORDER_BUFFER = 2 };

struct pool_order_event {
	__u64 time_ns;
	__u64 pool;
	__u64 object;	      /* 0: not known, or a miss: it does not exist yet */
	__u64 length_bytes;   /* of the buffer that the object is: POOL_ORDER_BUFFER */
	__u64 capacity_bytes; /* the same */
	__u32 generation;     /* of the slot */
	__u32 number;	      /* of the pool */
	__u16 role;	      /* GET, PUT or CLEANUP */
	__u16 flags;	      /* enum pool_order_flag */
	__u32 padding;
};

#define GROWTH_CALLERS 3

/* Key of map `growth_calls`: a goroutine in runtime.growslice. */
struct growth_key {
	__u64 goroutine;
	__u32 generation; /* of the slot */
	__u32 reserved;
};

struct growth_call {
	__u64 old_capacity;	       /* in elements */
	__u64 type;		       /* of an element */
	__u64 callers[GROWTH_CALLERS]; /* return addresses, innermost first; 0: not known */
};

/* One event of ring `growths`: the array of a slice was replaced by a larger one. */
struct growth_event {
	__u64 time_ns;
	__u64 old_array;
	__u64 new_array;
	__u64 old_bytes; /* capacities */
	__u64 new_bytes;
	__u64 copied_bytes;
	__u64 callers[GROWTH_CALLERS];
	__u32 generation;
	__u32 reserved;
};

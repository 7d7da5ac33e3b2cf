#pragma once
/* One hit of a probe on an allocator, decoded: what was asked for, by whom, and from where. Included by alloc_logic.h, whose
 * first comment says what the includer defines.
 */
#include "probes/bpf/alloc_burst.h"

/* In BPF a function that is neither static nor inlined is verified by itself, once, for any arguments: without it the
 * verifier walks every path of a loop again for every path that leads to it (here 2 s instead of 0.1 s at load). Such a
 * function takes numbers and pointers to structs of numbers, which it must check. */
#ifdef __bpf__
#define ALLOC_VERIFIED_ALONE __attribute__((noinline))
#else
#define ALLOC_VERIFIED_ALONE static inline
#endif

ALLOC_VERIFIED_ALONE unsigned int alloc_bucket(__u64 value)
{
	return ps_log_linear_index(value);
}

/* Fills walk->frames with the callers as far as map `steps` knows the way; returns how many were added. */
ALLOC_VERIFIED_ALONE int alloc_follow_callers(struct caller_walk *walk)
{
	struct step_key at = {};
	int depth;

	if (!walk)
		return 0;
	at.slot = walk->slot;
	walk->last = walk->frames[0];
	for (depth = 1; depth < ALLOC_SITE_DEPTH; depth++) {
		const struct step *step;
		__u64 cfa, caller = 0, frame_pointer = walk->frame_pointer;

		at.address = walk->frames[depth - 1];
		step = steps_find(&at);
		if (!step)
			break;
		cfa = (step->base_is_rbp ? walk->frame_pointer : walk->stack_pointer) + step->cfa_offset;
		if (user_read(&caller, cfa - 8) || !caller)
			break;
		if (step->saved_rbp_offset != STEP_RBP_KEPT && user_read(&frame_pointer, cfa + step->saved_rbp_offset))
			frame_pointer = 0;
		walk->stack_pointer = cfa;
		walk->frame_pointer = frame_pointer;
		walk->last = walk->frames[depth] = caller;
	}
	return depth - 1;
}

ALLOC_VERIFIED_ALONE int alloc_is_in(const struct alloc_code *code, __u64 address)
{
	int i;

	if (!code)
		return 0;
	for (i = 0; i < ALLOC_CODE_RANGES; i++)
		if (address >= code->start[i] && address < code->end[i])
			return 1;
	return 0;
}

/* One hit, decoded. */
struct alloc_call {
	const struct alloc_control *control;
	struct alloc_counts *counts;
	__u64 now_ns;
	__u64 stack_pointer; /* at function entry: the return address is stored there */
	__u64 frame_pointer;
	__u64 return_address; /* 0: unreadable */
	__u64 arguments[3];
	__u64 cookie;
	__u32 function;
	__u32 slot;
	__u32 tgid;
	__u32 tid;
};

/* count * bytes, or all ones where that is 2^47 or more, which no process can have. Only comparisons: clang 14 makes
 * of a division a 128-bit multiplication that BPF does not have. */
ALLOC_VERIFIED_ALONE __u64 alloc_product(__u64 count, __u64 bytes)
{
	if (!count || !bytes)
		return 0;
	if (count >> 47 || bytes >> 47 || (count >> 32 && bytes >> 16) || (bytes >> 32 && count >> 16))
		return ~0ull;
	return count * bytes;
}

static inline __u64 alloc_requested_bytes(const struct alloc_call *call)
{
	switch (call->function) {
	case ALLOC_FN_COUNT_SIZE:
		return alloc_product(call->arguments[0], call->arguments[1]);
	case ALLOC_FN_ALIGN_SIZE:
	case ALLOC_FN_REALLOC:
		return call->arguments[1];
	case ALLOC_FN_OUT_ALIGN_SIZE:
		return call->arguments[2];
	case ALLOC_FN_REALLOCARRAY:
		return alloc_product(call->arguments[1], call->arguments[2]);
	default:
		return call->arguments[0];
	}
}

/* The live block that a call gives up or resizes; 0 when there is none. */
static inline __u64 alloc_old_block(const struct alloc_call *call)
{
	if (call->function == ALLOC_FN_REALLOC || call->function == ALLOC_FN_REALLOCARRAY)
		return call->arguments[0];
	return 0;
}

/* realloc to nothing gives the block up. */
static inline int alloc_is_free_by_realloc(const struct alloc_call *call, __u64 bytes)
{
	return bytes == 0 && alloc_old_block(call) != 0;
}

static inline int alloc_inside_allocator(const struct alloc_call *call, __u64 address)
{
	return alloc_is_in(call->control->tgid ? &call->control->code : code_ranges_find(call->tgid), address);
}

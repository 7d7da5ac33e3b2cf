#pragma once
/* What a hit means: nesting, births, deaths, reallocation chains. The same text is compiled into the BPF programs and
 * into the unit tests and the fuzzer, which bring std::map versions of the operations below.
 *
 * The includer defines, before including this file:
 *   struct birth *births_find(const struct birth_key *);        long births_put(const struct birth_key *, const struct birth *);
 *   void births_erase(const struct birth_key *);
 *   struct site *sites_find(const struct site_key *);           long sites_put(const struct site_key *, const struct site *);
 *   struct chain *chains_find_or_make(const struct chain_key *);
 *   struct thread_state *threads_find_or_make(__u32 tid);
 *   const struct step *steps_find(const struct step_key *);
 *   const struct alloc_code *code_ranges_find(__u32 tgid);      only asked when alloc_control.tgid is 0
 *   int user_read(__u64 *value, __u64 address);                 0 when the target's memory could be read
 *   add(pointer, number)                                        atomic addition
 */
#include "probes/bpf/alloc_call.h"

static inline struct thread_state *alloc_thread(const struct alloc_call *call)
{
	struct thread_state *thread = threads_find_or_make(call->tid);

	if (!thread) {
		add(&call->counts->dropped[ALLOC_DROP_THREADS_FULL], 1);
		return 0;
	}
	if (thread->generation != call->control->generation) {
		thread->generation = call->control->generation;
		thread->charge_ns = 0;
		thread->stack_pointer = 0;
		thread->has_moved = 0;
		thread->free_block = 0;
		thread->newest = 0;
	}
	return thread;
}

/* Is this call made by the allocating call that the thread is already in? A call in flight has had its return address
 * replaced by the kernel's trampoline, which is page-aligned; when the slot holds something else the call was left by
 * an exception or longjmp and will never return. */
static inline int alloc_is_nested(struct thread_state *thread, const struct alloc_call *call)
{
	__u64 slot = 0;

	if (!thread->stack_pointer)
		return 0;
	if (call->stack_pointer <= thread->stack_pointer && !user_read(&slot, thread->stack_pointer) &&
	    (slot & 0xfff) == 0 && slot != thread->return_address)
		return 1;
	thread->stack_pointer = 0;
	add(&call->counts->dropped[ALLOC_DROP_ABANDONED], 1);
	return 0;
}

/* Call sites are kept per burst and process: the same address means something else in another program. */
static inline __u64 alloc_site_generation(const struct alloc_call *call)
{
	return call->control->generation << 32 | call->tgid;
}

/* Follows the callers out of allocation wrappers and counts the call at the last one. Returns the key through `key`. */
static inline void alloc_count_site(const struct alloc_call *call, __u64 bytes, struct site_key *key)
{
	struct caller_walk walk = {};
	struct site fresh = {};
	struct site *site;

	walk.stack_pointer = call->stack_pointer + 8;
	walk.frame_pointer = call->frame_pointer;
	walk.slot = call->slot;
	walk.frames[0] = call->return_address;
	alloc_follow_callers(&walk);
	key->first = call->return_address;
	key->last = walk.last;
	key->generation = alloc_site_generation(call);
	__builtin_memcpy(fresh.frames, walk.frames, sizeof(fresh.frames));
	site = sites_find(key);
	if (!site) {
		if (sites_put(key, &fresh)) {
			add(&call->counts->dropped[ALLOC_DROP_SITES_FULL], 1);
			return;
		}
		site = sites_find(key);
		if (!site)
			return;
	}
	add(&site->calls, 1);
	add(&site->requested_bytes, bytes);
}

static inline void alloc_count_size(struct alloc_counts *counts, __u64 bytes)
{
	unsigned int bucket = alloc_bucket(bytes);

	if (bucket < PS_LOG_LINEAR_BUCKETS)
		add(&counts->size_bytes[bucket], 1);
}

static inline void alloc_count_call(const struct alloc_call *call, __u64 bytes, int is_reallocation)
{
	struct alloc_counts *counts = call->counts;

	if (is_reallocation) {
		add(&counts->reallocations, 1);
		add(&counts->reallocated_bytes, bytes);
	} else {
		add(&counts->allocations, 1);
		add(&counts->allocated_bytes, bytes);
	}
	alloc_count_size(counts, bytes);
}

/* Without return probes a call that the allocator makes to itself shows in one of two ways: it comes from the
 * allocator's own code, or it is a tail call and finds the stack exactly as the last counted call did. */
static inline int alloc_is_internal(const struct alloc_call *call)
{
	struct alloc_counts *counts = call->counts;

	if (alloc_inside_allocator(call, call->return_address))
		return 1;
	if (counts->last_stack_pointer == call->stack_pointer && counts->last_return_address == call->return_address &&
	    counts->last_tid == call->tid && counts->last_cookie != call->cookie)
		return 1;
	counts->last_stack_pointer = call->stack_pointer;
	counts->last_return_address = call->return_address;
	counts->last_tid = call->tid;
	counts->last_cookie = call->cookie;
	return 0;
}

/* Entry of an allocating function when only calls are counted. */
static inline void alloc_on_rate_entry(const struct alloc_call *call)
{
	__u64 bytes = alloc_requested_bytes(call);
	struct site_key key;

	if (alloc_is_internal(call))
		return;
	if (alloc_is_free_by_realloc(call, bytes)) {
		if (call->control->armed & ALLOC_ARMED_FREES)
			add(&call->counts->frees, 1);
		return;
	}
	if (bytes >= ALLOC_ADDRESS_SPACE_BYTES)
		return; /* cannot succeed */
	alloc_count_call(call, bytes, alloc_old_block(call) != 0);
	if (call->return_address)
		alloc_count_site(call, bytes, &key);
	else
		add(&call->counts->dropped[ALLOC_DROP_STACK_FAULT], 1);
}

static inline struct birth_key alloc_birth_key(const struct alloc_call *call, __u64 address)
{
	struct birth_key key = {address, call->tgid, (__u32)call->control->generation};
	return key;
}

static inline void alloc_count_chain(const struct alloc_call *call, const struct birth *life, __u64 is_growth)
{
	struct chain_key key = {{life->site_first, life->site_last, alloc_site_generation(call)}, is_growth};
	struct chain *chain = chains_find_or_make(&key);
	unsigned int first, final;

	if (!chain) {
		add(&call->counts->dropped[ALLOC_DROP_CHAINS_FULL], 1);
		return;
	}
	first = alloc_bucket(life->first_bytes);
	final = alloc_bucket(life->requested_bytes);
	add(&chain->chains, 1);
	add(&chain->steps, life->steps);
	add(&chain->copied_bytes, life->copied_bytes);
	add(&chain->first_bytes[first < CHAIN_BUCKETS ? first : CHAIN_BUCKETS - 1], 1);
	add(&chain->final_bytes[final < CHAIN_BUCKETS ? final : CHAIN_BUCKETS - 1], 1);
}

/* A followed object ends. Its age is shortened by what our own probes took from its thread meanwhile; for an object
 * that another thread frees that is not known and the age stays as it was. */
static inline void alloc_count_death(const struct alloc_call *call, const struct thread_state *thread,
				     const struct birth *life)
{
	struct site_key key = {life->site_first, life->site_last, alloc_site_generation(call)};
	__u64 age_ns = call->now_ns > life->born_ns ? call->now_ns - life->born_ns : 0;
	__u64 charge_ns = thread->charge_ns - life->charge_ns;
	struct site *site;
	unsigned int bucket;

	if (life->tid == call->tid)
		age_ns = age_ns > charge_ns ? age_ns - charge_ns : 0;
	bucket = alloc_bucket(age_ns);
	if (bucket < PS_LOG_LINEAR_BUCKETS) {
		add(&call->counts->died_ns[bucket], 1);
		add(&call->counts->died_bytes_ns[bucket], life->requested_bytes);
	}
	if (age_ns < ALLOC_SHORT_LIVED_NS) {
		site = sites_find(&key);
		if (site)
			add(&site->short_lived, 1);
	}
	if (life->steps)
		alloc_count_chain(call, life, 0);
}

/* Does a block begin as another one does that is not freed yet? Not by its first word: that of a std::string points into itself. Not by
 * words that are 0 in both: those of fresh pages are. */
static inline int alloc_has_contents_of(__u64 block, __u64 other, __u64 other_bytes)
{
	__u64 near = 8, far = 8 + (other_bytes / 4 & ~31ull), word = 0, other_word = 0, far_word = 0,
	      other_far_word = 0;

	if (user_read(&word, block + near) || user_read(&other_word, other + near) || word != other_word)
		return 0;
	if (user_read(&far_word, block + far) || user_read(&other_far_word, other + far) || far_word != other_far_word)
		return 0;
	return word || far_word;
}

/* C++ containers do not call realloc: they take a block of up to about twice the size, copy, and free the old one, with nothing in between.
 * `life`: of the block that is freed now; 0 when it is older than the burst: then it is taken to have been half as large. */
static inline void alloc_count_growth(const struct alloc_call *call, struct thread_state *thread,
				      const struct birth *life)
{
	__u64 bytes = thread->size_bytes, old_bytes = life ? life->requested_bytes : bytes / 2;
	__u64 newest = thread->newest, old = call->arguments[0];
	struct birth growth = {};

	thread->newest = 0;
	if (!newest || newest == old || !(call->control->armed & ALLOC_ARMED_BIRTHS))
		return;
	if (old_bytes < ALLOC_GROWTH_MIN_BYTES || bytes * 5 < old_bytes * 7 || bytes * 10 > old_bytes * 21)
		return;
	if (!alloc_has_contents_of(newest, old, old_bytes))
		return;
	growth.site_first = thread->site_first;
	growth.site_last = thread->site_last;
	growth.first_bytes = growth.copied_bytes = old_bytes;
	growth.requested_bytes = bytes;
	growth.steps = 1;
	alloc_count_chain(call, &growth, 1);
}

/* A free that another freeing function has passed on: it comes from the allocator's own code, or by a tail call, which
 * leaves stack, return address and block as they were. */
static inline int alloc_is_passed_on(struct thread_state *thread, const struct alloc_call *call)
{
	if (alloc_inside_allocator(call, call->return_address))
		return 1;
	if (thread->free_block == call->arguments[0] && thread->free_stack_pointer == call->stack_pointer &&
	    thread->free_return_address == call->return_address && thread->free_cookie != call->cookie)
		return 1;
	thread->free_cookie = call->cookie;
	thread->free_block = call->arguments[0];
	thread->free_stack_pointer = call->stack_pointer;
	thread->free_return_address = call->return_address;
	return 0;
}

/* Entry of a freeing function. */
static inline void alloc_on_free(const struct alloc_call *call)
{
	struct birth_key key = alloc_birth_key(call, call->arguments[0]);
	struct thread_state *thread;
	struct birth *found, life;

	if (!call->arguments[0])
		return; /* free(NULL) is not an event */
	thread = alloc_thread(call);
	if (!thread)
		return;
	thread->charge_ns += call->control->cost_ns[ALLOC_HIT_FREE];
	if (alloc_is_nested(thread, call) || alloc_is_passed_on(thread, call))
		return; /* realloc frees inside itself: its own event */
	if (call->control->armed & ALLOC_ARMED_FREES)
		add(&call->counts->frees, 1);
	if (!(call->control->armed & ALLOC_ARMED_DEATHS))
		return;
	found = births_find(&key);
	if (!found) {
		add(&call->counts->frees_of_older, 1);
		alloc_count_growth(call, thread, 0);
		return;
	}
	life = *found; /* copy: after the delete the slot may be reused */
	births_erase(&key);
	alloc_count_death(call, thread, &life);
	alloc_count_growth(call, thread, &life);
}

/* Entry of an allocating function whose return is awaited. Returns 1 when there is nothing to await. */
static inline int alloc_on_entry(const struct alloc_call *call)
{
	struct thread_state *thread = alloc_thread(call);
	struct birth_key key;
	struct birth *found;

	if (!thread)
		return 1;
	thread->charge_ns += call->control->cost_ns[ALLOC_HIT_ENTRY];
	if (alloc_is_nested(thread, call))
		return 1;
	thread->stack_pointer = call->stack_pointer;
	thread->return_address = call->return_address;
	thread->function = call->function;
	thread->size_bytes = alloc_requested_bytes(call);
	thread->block = call->function == ALLOC_FN_OUT_ALIGN_SIZE ? call->arguments[0] : alloc_old_block(call);
	thread->has_moved = 0;
	thread->newest = 0;
	thread->site_first = thread->site_last = call->return_address;
	if (alloc_old_block(call)) {
		/* Taken out now: once realloc has freed the old block another thread may be given its address. */
		key = alloc_birth_key(call, thread->block);
		found = births_find(&key);
		if (found) {
			thread->moved = *found;
			thread->has_moved = 1;
			births_erase(&key);
		}
	}
	if (call->return_address && (call->control->armed & ALLOC_ARMED_ALLOCATIONS) &&
	    !alloc_is_free_by_realloc(call, thread->size_bytes)) {
		struct site_key site;

		alloc_count_site(call, thread->size_bytes, &site);
		thread->site_first = site.first;
		thread->site_last = site.last;
	}
	return 0;
}

static inline void alloc_put_birth(const struct alloc_call *call, __u64 address, const struct birth *life)
{
	struct birth_key key = alloc_birth_key(call, address);

	if (births_find(&key))
		add(&call->counts->dropped[ALLOC_DROP_FREE_MISSED], 1);
	if (births_put(&key, life))
		add(&call->counts->dropped[ALLOC_DROP_BIRTHS_FULL], 1);
}

static inline void alloc_on_birth(const struct alloc_call *call, struct thread_state *thread, __u64 address)
{
	struct site_key key = {thread->site_first, thread->site_last, alloc_site_generation(call)};
	struct birth life = {};
	struct site *site;

	life.born_ns = call->now_ns;
	life.requested_bytes = life.first_bytes = thread->size_bytes;
	life.charge_ns = thread->charge_ns;
	life.site_first = thread->site_first;
	life.site_last = thread->site_last;
	life.tid = call->tid;
	add(&call->counts->births, 1);
	add(&call->counts->birth_bytes, thread->size_bytes);
	site = sites_find(&key);
	if (site)
		add(&site->births, 1);
	thread->newest = address;
	alloc_put_birth(call, address, &life);
}

/* glibc gives large blocks a mapping of their own, 16 bytes into the first page, and resizes it with mremap. */
static inline int alloc_moves_by_mremap(const struct alloc_control *control, __u64 block, __u64 bytes)
{
	return control->mremap_min_bytes && bytes >= control->mremap_min_bytes && (block & 0xfff) == 0x10;
}

/* A realloc of a live block has returned `address` (0: it failed, or it freed the block because the size was 0). */
static inline void alloc_on_reallocated(const struct alloc_call *call, struct thread_state *thread, __u64 address)
{
	struct birth *life = &thread->moved;

	if (!address && thread->size_bytes == 0) {
		if (call->control->armed & ALLOC_ARMED_FREES)
			add(&call->counts->frees, 1);
		if (thread->has_moved)
			alloc_count_death(call, thread, life);
		else if (call->control->armed & ALLOC_ARMED_DEATHS)
			add(&call->counts->frees_of_older, 1);
		return;
	}
	if (address && (call->control->armed & ALLOC_ARMED_ALLOCATIONS))
		alloc_count_call(call, thread->size_bytes, 1);
	if (!thread->has_moved)
		return;
	if (!address) {
		alloc_put_birth(call, thread->block, life); /* failed: the old block lives on */
		return;
	}
	if (address != thread->block) {
		__u64 copied = life->requested_bytes < thread->size_bytes ? life->requested_bytes : thread->size_bytes;

		if (!alloc_moves_by_mremap(call->control, thread->block, life->requested_bytes))
			life->copied_bytes += copied;
	}
	life->requested_bytes = thread->size_bytes;
	life->steps += 1;
	alloc_put_birth(call, address, life);
}

/* Return of an allocating function; `result` is its return value, call->stack_pointer where its return address was.
 * call->arguments and call->function are not set. */
static inline void alloc_on_return(const struct alloc_call *call, __u64 result)
{
	struct thread_state *thread = alloc_thread(call);
	__u64 address = result;

	if (!thread)
		return;
	thread->charge_ns += call->control->cost_ns[ALLOC_HIT_RETURN];
	if (thread->stack_pointer != call->stack_pointer)
		return; /* entered before the window, or nested: pairs of probes report those too */
	thread->stack_pointer = 0;
	if (thread->function == ALLOC_FN_OUT_ALIGN_SIZE) {
		address = 0;
		if ((__u32)result == 0 && user_read(&address, thread->block))
			address = 0;
	} else if (thread->block) {
		alloc_on_reallocated(call, thread, address);
		return;
	}
	if (!address)
		return; /* the allocation failed */
	if (call->control->armed & ALLOC_ARMED_ALLOCATIONS)
		alloc_count_call(call, thread->size_bytes, 0);
	if (call->control->armed & ALLOC_ARMED_BIRTHS)
		alloc_on_birth(call, thread, address);
}

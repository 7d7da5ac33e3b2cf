#pragma once
/* What a hit on a pool means: gets, misses, puts, sizes at put, objects followed from get to put. The same text is compiled into
 * the BPF programs and into the unit tests and the fuzzer, which bring std::map versions of the operations below.
 *
 * The includer defines, before including this file:
 *   struct pool_sums *pool_sums_find_or_make(const struct pool_key *);
 *   const struct pool_element *pool_elements_find(const struct pool_type_key *);
 *   struct pool_object *pool_objects_find(const struct pool_object_key *);
 *   long pool_objects_put(const struct pool_object_key *, const struct pool_object *);
 *   int user_read(__u64 *value, __u64 address);     0 when the target's memory could be read
 *   struct pool_order_event *pool_order_reserve(void);  room in the ring, or 0
 *   void pool_order_submit(struct pool_order_event *);
 *   add(pointer, number)                            atomic addition
 */
#include "probes/bpf/pool_events.h"

/* One hit, decoded. */
struct pool_event {
	struct pool_control *control;
	const struct pool_point *point;
	__u64 now_ns;
	__u64 flags;
	__u64 pool;
	__u64 object;
	__u64 type;
	__u64 size;
	__u32 slot;
	__u32 tgid;
};

static inline int pool_flags_match(__u64 flags, __u32 mask, __u32 value)
{
	return ((__u32)flags & mask) == value;
}

static inline void pool_count_size(__u32 *buckets, __u64 bytes)
{
	unsigned int bucket = ps_log_linear_index(bytes);

	if (bucket >= POOL_SIZE_BUCKETS)
		bucket = POOL_SIZE_BUCKETS - 1;
	add(&buckets[bucket], 1);
}

/* Length and capacity of the buffer that the object is, in bytes. Returns 0 when it is one and both could be read. */
static inline int pool_read_buffer(const struct pool_event *event, __u64 *length, __u64 *capacity)
{
	struct pool_type_key key = {event->type, event->tgid};
	const struct pool_element *element;

	if (!event->object || !event->type)
		return -1;
	element = pool_elements_find(&key);
	if (!element || !element->element_bytes)
		return -1;
	if (user_read(length, event->object + element->length_offset) ||
	    user_read(capacity, event->object + element->capacity_offset)) {
		add(&event->control->dropped_reads, 1);
		return -1;
	}
	if (*length > *capacity || *capacity >= POOL_MAX_SIZE || element->element_bytes >= POOL_MAX_ELEMENT ||
	    *capacity * element->element_bytes >= POOL_MAX_SIZE) {
		*length = *capacity = 0;
		return -1; /* not what its type says */
	}
	*length *= element->element_bytes;
	*capacity *= element->element_bytes;
	return 0;
}

static inline void pool_note_type(struct pool_sums *sums, __u64 type)
{
	if (!type)
		return;
	if (!sums->type)
		sums->type = type;
	else if (sums->type != type)
		add(&sums->other_types, 1);
}

static inline struct pool_object_key pool_object_key_of(const struct pool_event *event)
{
	struct pool_object_key key = {event->object, (__u32)event->control->generation,
				      (__u32)event->control->collections};
	return key;
}

static inline void pool_keep_object(const struct pool_event *event, __u32 state, __u64 capacity_bytes)
{
	struct pool_object_key key = pool_object_key_of(event);
	struct pool_object object = {event->pool, event->now_ns, capacity_bytes, state, event->point->pool_number};

	if (pool_objects_put(&key, &object))
		add(&event->control->dropped_objects, 1);
}

static inline void pool_on_get(const struct pool_event *event, struct pool_sums *sums)
{
	__u64 length = 0, capacity = 0;

	add(&sums->gets, 1);
	if (event->size)
		pool_count_size(sums->needed_bytes, event->size);
	if (event->point->miss_mask &&
	    pool_flags_match(event->flags, event->point->miss_mask, event->point->miss_value)) {
		add(&sums->misses, 1);
		return; /* the object does not exist yet */
	}
	if (!event->object || !event->control->follows_objects)
		return;
	if (pool_read_buffer(event, &length, &capacity))
		capacity = 0;
	add(&sums->followed_gets, 1);
	pool_keep_object(event, POOL_OBJECT_BORROWED, capacity);
}

/* An object comes back: how long it was out, whether it grew meanwhile, whether it was out at all. */
static inline void pool_end_borrowing(const struct pool_event *event, struct pool_sums *sums, __u64 capacity_bytes)
{
	struct pool_object_key key = pool_object_key_of(event);
	struct pool_object *object = pool_objects_find(&key);
	unsigned int bucket;

	if (object && object->pool == event->pool && object->number == event->point->pool_number) {
		if (object->state == POOL_OBJECT_IDLE) {
			add(&sums->put_twice, 1);
		} else {
			bucket =
			    ps_log_linear_index(event->now_ns > object->time_ns ? event->now_ns - object->time_ns : 0);
			if (bucket < PS_LOG_LINEAR_BUCKETS)
				add(&sums->hold_ns[bucket], 1);
			if (object->capacity_bytes && capacity_bytes > object->capacity_bytes)
				add(&sums->regrowths, 1);
		}
	}
	pool_keep_object(event, POOL_OBJECT_IDLE, capacity_bytes);
}

static inline void pool_on_put(const struct pool_event *event, struct pool_sums *sums)
{
	__u64 length = 0, capacity = 0;

	if (event->point->nil_mask && pool_flags_match(event->flags, event->point->nil_mask, event->point->nil_value)) {
		add(&sums->nil_puts, 1);
		return;
	}
	add(&sums->puts, 1);
	pool_note_type(sums, event->type);
	if (pool_read_buffer(event, &length, &capacity) == 0) {
		add(&sums->sized_puts, 1);
		pool_count_size(sums->buffer_bytes, capacity);
		if (length)
			pool_count_size(sums->needed_bytes, length);
		else
			add(&sums->empty_puts, 1);
	}
	if (event->object && event->control->follows_objects)
		pool_end_borrowing(event, sums, capacity);
}

/* The event as user space puts it in order with the others. A put of nothing is none. */
static inline void pool_write_in_order(const struct pool_event *event)
{
	const struct pool_point *point = event->point;
	struct pool_order_event *ordered;
	__u64 length = 0, capacity = 0;
	__u16 flags = 0;

	if (point->role != POOL_ROLE_GET && point->role != POOL_ROLE_PUT)
		return;
	if (point->role == POOL_ROLE_PUT && point->nil_mask &&
	    pool_flags_match(event->flags, point->nil_mask, point->nil_value))
		return;
	if (point->role == POOL_ROLE_GET && point->miss_mask &&
	    pool_flags_match(event->flags, point->miss_mask, point->miss_value))
		flags = POOL_ORDER_MISS;
	else if (pool_read_buffer(event, &length, &capacity) == 0)
		flags = POOL_ORDER_BUFFER;
	ordered = pool_order_reserve();
	if (!ordered) {
		add(&event->control->dropped_order, 1);
		return;
	}
	ordered->time_ns = event->now_ns;
	ordered->pool = event->pool;
	ordered->object = flags & POOL_ORDER_MISS ? 0 : event->object;
	ordered->length_bytes = length;
	ordered->capacity_bytes = capacity;
	ordered->generation = (__u32)event->control->generation;
	ordered->number = point->pool_number;
	ordered->role = (__u16)point->role;
	ordered->flags = flags;
	ordered->padding = 0;
	pool_order_submit(ordered);
}

static inline void pool_on_event(const struct pool_event *event)
{
	struct pool_key key = {event->pool, event->slot, event->point->pool_number};
	struct pool_sums *sums = pool_sums_find_or_make(&key);

	if (!sums) {
		add(&event->control->dropped_pools, 1);
		return;
	}
	if (event->control->in_order)
		pool_write_in_order(event);
	switch (event->point->role) {
	case POOL_ROLE_GET:
		pool_on_get(event, sums);
		break;
	case POOL_ROLE_PUT:
		pool_on_put(event, sums);
		break;
	case POOL_ROLE_MISS:
		add(&sums->misses, 1);
		break;
	case POOL_ROLE_GROW:
		add(&sums->regrowths, 1);
		break;
	default:
		break;
	}
}

/* Layout of sync.Pool since Go 1.13, 64 bits. */
#define GO_POOL_VICTIM 16
#define GO_POOL_VICTIM_SIZE 24
#define GO_POOL_LOCAL_BYTES 128
#define GO_POOL_LOCAL_HEAD 16 /* of the shared chain, behind the private interface */
#define GO_CHAIN_PREVIOUS 40  /* in an element of the chain: headTail, vals (slice), next, prev */
#define GO_MAX_OLD_POOLS 128
#define GO_MAX_LOCALS 128
#define GO_MAX_DEQUEUE (1u << 30) /* dequeueLimit of the runtime: more is no length */
#define GO_MAX_CHAIN 8		  /* elements double in size, from 8: 2040 objects */

/* Objects in the victim cache of one processor: the private one and those in the shared chain. A dequeue's headTail holds
 * two 32-bit counters. */
static inline __u64 pool_objects_of_local(__u64 local)
{
	__u64 word = 0, objects = 0, element = 0;
	__u32 queued;
	int i;

	if (user_read(&word, local))
		return 0;
	objects = word != 0;
	if (user_read(&element, local + GO_POOL_LOCAL_HEAD))
		return objects;
	for (i = 0; i < GO_MAX_CHAIN && element; i++) {
		if (user_read(&word, element))
			break;
		queued = (__u32)(word >> 32) - (__u32)word;
		if (queued <= GO_MAX_DEQUEUE)
			objects += queued;
		if (user_read(&element, element + GO_CHAIN_PREVIOUS))
			break;
	}
	return objects;
}

// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Counts gets, puts and misses of pools that know nothing of it: Go's sync.Pool, and functions named in the configuration.
 *
 * Cost per hit: one trap and some 0.1 us (miss) to 0.4 us (put of a buffer that is followed); a cleanup some 0.3 us per pool.
 * Safe to run when nothing is armed: a hit is counted as a trap and left.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes/bpf/pool_events.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* slot -> what to count. User space writes the first part through the mapping, programs the second. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POOL_SLOTS);
	__type(key, __u32);
	__type(value, struct pool_control);
} pool_controls SEC(".maps");

/* point of a cookie -> what it tells and where. User space writes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POOL_POINTS);
	__type(key, __u32);
	__type(value, struct pool_point);
} points SEC(".maps");

/* pool of a slot -> its sums. Programs add, user space reads and, when the slot is given back, deletes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct pool_key);
	__type(value, struct pool_sums);
} pool_sums SEC(".maps");

/* type of a process -> where length and capacity are. User space writes and deletes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct pool_type_key);
	__type(value, struct pool_element);
} pool_elements SEC(".maps");

/* object -> when it was taken or put back. Programs write; user space walks and clears it after the burst. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct pool_object_key);
	__type(value, struct pool_object);
} pool_objects SEC(".maps");

/* gets and puts one by one, for who asks for them. Programs write, user space reads. User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} pool_order SEC(".maps");

/* goroutine in runtime.growslice -> what it was called with. Programs write and delete; user space deletes what a panic left. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct growth_key);
	__type(value, struct growth_call);
} growth_calls SEC(".maps");

/* growths of Go slices. Programs write, user space reads and sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} growths SEC(".maps");

/* Slots whose burst a program has stopped: user space, which sleeps meanwhile, takes the probes away at once. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} stops SEC(".maps");

#define add(pointer, number) __sync_fetch_and_add(pointer, number) /* a uprobe program can be preempted */

static const struct pool_sums no_sums;

static __always_inline struct pool_sums *pool_sums_find_or_make(const struct pool_key *key)
{
	struct pool_sums *sums = bpf_map_lookup_elem(&pool_sums, key);

	if (sums)
		return sums;
	bpf_map_update_elem(&pool_sums, key, &no_sums, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pool_sums, key);
}
static __always_inline const struct pool_element *pool_elements_find(const struct pool_type_key *key)
{
	return bpf_map_lookup_elem(&pool_elements, key);
}
static __always_inline struct pool_object *pool_objects_find(const struct pool_object_key *key)
{
	return bpf_map_lookup_elem(&pool_objects, key);
}
static __always_inline long pool_objects_put(const struct pool_object_key *key, const struct pool_object *object)
{
	return bpf_map_update_elem(&pool_objects, key, object, BPF_ANY);
}
static __always_inline int user_read(__u64 *value, __u64 address)
{
	return bpf_probe_read_user(value, sizeof(*value), (const void *)address) != 0;
}

static __always_inline struct pool_order_event *pool_order_reserve(void)
{
	return bpf_ringbuf_reserve(&pool_order, sizeof(struct pool_order_event), 0);
}
static __always_inline void pool_order_submit(struct pool_order_event *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP); /* user space looks when the burst is over */
}

#include "probes/bpf/pool_logic.h"
#include "probes/bpf/registers.h"

static __always_inline void stop(struct pool_control *control, __u32 why, __u64 now_ns)
{
	if (__sync_val_compare_and_swap(&control->stop, POOL_STOP_NONE, why) != POOL_STOP_NONE)
		return;
	control->stopped_ns = now_ns;
	bpf_ringbuf_output(&stops, &now_ns, sizeof(now_ns), BPF_RB_FORCE_WAKEUP);
}

static __always_inline __u64 value_of(const struct pool_value *value, const struct registers *registers)
{
	__u64 result = 0;

	if (value->place == POOL_PLACE_REGISTER)
		return registers->at[value->number & 15];
	if (value->place == POOL_PLACE_STACK && user_read(&result, registers->at[4] + value->offset))
		return 0;
	return result;
}

/* Does the hit count: armed, in time, within the limit, of the process that is watched? */
static __always_inline int counts_now(struct pool_control *control, const struct pool_point *point, __u64 now_ns)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (control->tgid && control->tgid != tgid)
		return 0;
	if (!control->armed || control->stop)
		return 0;
	if (control->deadline_ns && now_ns >= control->deadline_ns) {
		stop(control, POOL_STOP_DEADLINE, control->deadline_ns);
		return 0;
	}
	add(&control->window_charge_ns, point->cost_ns);
	if (control->hit_limit && add(&control->window_hits, 1) + 1 >= control->hit_limit)
		stop(control, POOL_STOP_HIT_LIMIT, now_ns);
	else if (!control->hit_limit)
		add(&control->window_hits, 1);
	return 1;
}

SEC("uprobe")
int pool_hit(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	__u32 slot = POOL_COOKIE_SLOT(cookie), index = POOL_COOKIE_POINT(cookie);
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);
	const struct pool_point *point = bpf_map_lookup_elem(&points, &index);
	struct pool_event event = {};
	struct registers registers;

	if (!control || !point)
		return 0;
	add(&control->hits, 1);
	add(&control->charge_ns, point->cost_ns);
	event.now_ns = bpf_ktime_get_ns();
	if (!counts_now(control, point, event.now_ns))
		return 0;
	event.flags = regs->eflags;
	if (!pool_flags_match(event.flags, point->flags_mask, point->flags_value))
		return 0;
	copy_registers(regs, &registers);
	event.control = control;
	event.point = point;
	event.slot = slot;
	event.tgid = bpf_get_current_pid_tgid() >> 32;
	event.pool = value_of(&point->pool, &registers);
	event.object = value_of(&point->object, &registers);
	event.type = value_of(&point->type, &registers);
	event.size = value_of(&point->size, &registers);
	pool_on_event(&event);
	return 0;
}

/* State of the walk over the pools whose victims a cleanup drops. */
struct victims {
	struct pool_control *control;
	__u64 pools; /* address of the array of *sync.Pool */
	__u64 pool;
	__u64 locals;
	__u64 objects;
	__u32 slot;
	__u32 reserved;
};

static long count_local(__u32 index, struct victims *victims)
{
	victims->objects += pool_objects_of_local(victims->locals + (__u64)index * GO_POOL_LOCAL_BYTES);
	return 0;
}

static long count_victims(__u32 index, struct victims *victims)
{
	struct pool_key key = {};
	struct pool_sums *sums;
	__u64 size = 0;

	if (user_read(&victims->pool, victims->pools + 8ull * index) || !victims->pool ||
	    user_read(&victims->locals, victims->pool + GO_POOL_VICTIM) ||
	    user_read(&size, victims->pool + GO_POOL_VICTIM_SIZE)) {
		add(&victims->control->dropped_reads, 1);
		return 0;
	}
	if (!victims->locals)
		return 0;
	victims->objects = 0;
	bpf_loop(size < GO_MAX_LOCALS ? size : GO_MAX_LOCALS, count_local, victims, 0);
	if (!victims->objects)
		return 0;
	key.pool = victims->pool;
	key.slot = victims->slot;
	sums = pool_sums_find_or_make(&key);
	if (sums)
		add(&sums->thrown_away, victims->objects);
	else
		add(&victims->control->dropped_pools, 1);
	return 0;
}

static __always_inline void write_cleanup_in_order(struct pool_control *control, __u64 now_ns)
{
	struct pool_order_event *ordered = pool_order_reserve();

	if (!ordered) {
		add(&control->dropped_order, 1);
		return;
	}
	__builtin_memset(ordered, 0, sizeof(*ordered));
	ordered->time_ns = now_ns;
	ordered->generation = (__u32)control->generation;
	ordered->role = POOL_ROLE_CLEANUP;
	pool_order_submit(ordered);
}

static __always_inline void count_cleanup(struct pool_control *control, __u32 slot, __u64 now_ns)
{
	struct victims victims = {};
	__u64 count = 0;

	add(&control->collections, 1);
	if (control->in_order)
		write_cleanup_in_order(control, now_ns);
	if (!control->old_pools || user_read(&victims.pools, control->old_pools) ||
	    user_read(&count, control->old_pools + 8))
		return;
	victims.control = control;
	victims.slot = slot;
	bpf_loop(count < GO_MAX_OLD_POOLS ? count : GO_MAX_OLD_POOLS, count_victims, &victims, 0);
}

/* Go: the world is stopped and sync.poolCleanup drops what is in sync.oldPools. The price of the point is that of the trap: the walk
 * takes as long as there are pools, so it is measured here. */
SEC("uprobe")
int pool_cleanup(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	__u32 slot = POOL_COOKIE_SLOT(cookie), index = POOL_COOKIE_POINT(cookie);
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);
	const struct pool_point *point = bpf_map_lookup_elem(&points, &index);
	__u64 now_ns = bpf_ktime_get_ns(), walk_ns;

	if (!control || !point)
		return 0;
	add(&control->hits, 1);
	add(&control->charge_ns, point->cost_ns);
	if (!counts_now(control, point, now_ns))
		return 0;
	count_cleanup(control, slot, now_ns);
	walk_ns = bpf_ktime_get_ns() - now_ns;
	add(&control->charge_ns, walk_ns);
	add(&control->window_charge_ns, walk_ns);
	return 0;
}

static __always_inline struct growth_key growth_key_of(const struct pool_control *control,
						       const struct registers *registers)
{
	struct growth_key key = {registers->at[14], (__u32)control->generation, 0}; /* r14 is the goroutine */

	return key;
}

/* Callers by frame pointers, which Go keeps: the function itself has not made its frame yet. */
static __always_inline void read_callers(const struct registers *registers, __u64 *callers)
{
	__u64 frame = registers->at[5];
	int i;

	if (user_read(&callers[0], registers->at[4]))
		return;
	for (i = 1; i < GROWTH_CALLERS && frame; i++) {
		if (user_read(&callers[i], frame + 8) || user_read(&frame, frame))
			return;
	}
}

static __always_inline void growth_called(struct pool_control *control, const struct pool_point *point,
					  const struct registers *registers)
{
	struct growth_key key = growth_key_of(control, registers);
	struct growth_call call = {};

	call.type = value_of(&point->type, registers);
	call.old_capacity = value_of(&point->size, registers);
	read_callers(registers, call.callers);
	if (bpf_map_update_elem(&growth_calls, &key, &call, BPF_ANY))
		add(&control->dropped_objects, 1);
}

static __always_inline void growth_copies(struct pool_control *control, const struct pool_point *point,
					  const struct registers *registers, __u64 now_ns)
{
	struct growth_key key = growth_key_of(control, registers);
	const struct growth_call *call = bpf_map_lookup_elem(&growth_calls, &key);
	struct growth_event *growth;
	__u64 element_bytes;
	int i;

	if (!call)
		return; /* it was called before the burst */
	/* only now: growslice has read it meanwhile, so its page is there */
	if (user_read(&element_bytes, call->type)) {
		add(&control->dropped_reads, 1);
		bpf_map_delete_elem(&growth_calls, &key);
		return;
	}
	growth = bpf_ringbuf_reserve(&growths, sizeof(*growth), 0);
	if (!growth) {
		add(&control->dropped_order, 1);
		bpf_map_delete_elem(&growth_calls, &key);
		return;
	}
	growth->time_ns = now_ns;
	growth->old_array = value_of(&point->pool, registers);
	growth->new_array = value_of(&point->object, registers);
	growth->old_bytes = call->old_capacity * element_bytes;
	growth->new_bytes = value_of(&point->size, registers) * element_bytes;
	growth->copied_bytes = value_of(&point->type, registers);
	for (i = 0; i < GROWTH_CALLERS; i++)
		growth->callers[i] = call->callers[i];
	growth->generation = key.generation;
	growth->reserved = 0;
	bpf_ringbuf_submit(growth, BPF_RB_NO_WAKEUP);
	bpf_map_delete_elem(&growth_calls, &key);
}

/* Go: runtime.growslice, where it is called and where it copies. */
SEC("uprobe")
int growth_hit(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs), now_ns = bpf_ktime_get_ns();
	__u32 slot = POOL_COOKIE_SLOT(cookie), index = POOL_COOKIE_POINT(cookie);
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);
	const struct pool_point *point = bpf_map_lookup_elem(&points, &index);
	struct registers registers;

	if (!control || !point)
		return 0;
	add(&control->hits, 1);
	add(&control->charge_ns, point->cost_ns);
	if (!counts_now(control, point, now_ns) ||
	    !pool_flags_match(regs->eflags, point->flags_mask, point->flags_value))
		return 0;
	copy_registers(regs, &registers);
	if (point->role == POOL_ROLE_GROWTH_CALL)
		growth_called(control, point, &registers);
	else
		growth_copies(control, point, &registers, now_ns);
	return 0;
}

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct stopped_process {
	__u32 tgid;
	__u32 why;
};

static long stop_slot(__u32 slot, struct stopped_process *process)
{
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);

	if (control && control->tgid == process->tgid && control->deadline_ns)
		stop(control, process->why, bpf_ktime_get_ns());
	return 0;
}

/* A forked child inherits the breakpoints of a burst and would pay for them uncounted: end the burst. Watches go on: their
 * probes are rare. */
SEC("raw_tp/sched_process_fork")
int on_pool_fork(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *child = (struct task_struct *)context->args[1];
	struct stopped_process process = {bpf_get_current_pid_tgid() >> 32, POOL_STOP_FORK};

	if ((__u32)BPF_CORE_READ(child, tgid) != process.tgid)
		bpf_loop(POOL_SLOTS, stop_slot, &process, 0);
	return 0;
}
